//! The engine by itself: odd disks, poor servers, stores that hang, and how much memory it takes.

use std::{
    fs,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use storage::{
    Local, Object, ObjectPath, ObjectWriter, Store,
    fault::{Fault, Faulty},
    format::{Location, Manifest, SeekTable, manifest::StorageType},
};
use tempfile::TempDir;
use tidemark_agent::{
    export::{self, Backup, Error, Fill, Source, Target, Written},
    nbd::Client,
    report::Progress,
};
use uuid::Uuid;

use crate::{
    kit::{Kit, SHORT},
    site::{MIB, run, text, within},
};

const VOLUME: Uuid = Uuid::from_u128(1);
const BACKUP: Uuid = Uuid::from_u128(2);

/// A place for one backup.
struct Place {
    directory: TempDir,
    store: Arc<dyn Store>,
    location: Location,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Local::new(directory.path()));
        let location = Location::new(VOLUME, BACKUP).unwrap();
        Self {
            directory,
            store,
            location,
        }
    }

    /// Makes a backup of what is served.
    async fn back_up(&self, source: &Client) -> Written {
        let progress = Progress::default();
        let source = Source::from(source.clone());
        let write = export::write(&source, &*self.store, &self.location.disk, &progress);
        let written = within(write).await.unwrap();
        let epoch = chrono::DateTime::UNIX_EPOCH;
        let manifest = Manifest {
            format_version: 1,
            tidemark_version: "0".into(),
            backup_id: BACKUP,
            backup_name: "backup".into(),
            volume_id: VOLUME,
            volume_name: "volume".into(),
            plan_id: VOLUME,
            plan_name: "plan".into(),
            origin: None,
            storage_type: StorageType::Qcow2File,
            volume_size_bytes: source.size_bytes(),
            frame_count: written.frame_count,
            stored_bytes: written.stored_bytes,
            object_blake3: written.object_blake3,
            disk_blake3: written.disk_blake3,
            created_at: epoch,
            taken_at: epoch,
            completed_at: epoch,
        };
        let manifest = manifest.encode().unwrap().into();
        self.store
            .put(&self.location.manifest, manifest)
            .await
            .unwrap();
        written
    }

    async fn open(&self, store: Arc<dyn Store>) -> Backup {
        Backup::open(store, VOLUME, BACKUP).await.unwrap()
    }

    fn object(&self) -> std::path::PathBuf {
        let path = self.location.disk.to_string();
        self.directory.path().join(path)
    }
}

async fn content(disk: &Client) -> Bytes {
    let size = usize::try_from(disk.size_bytes()).unwrap();
    let read = disk.read(0, BytesMut::zeroed(size));
    within(read).await.unwrap().freeze()
}

fn noise(length: usize) -> Bytes {
    let mut noise = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    noise.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_disk_goes_there_and_back_through_any_server() {
    // Sizes that are no whole number of blocks, of sectors, or of anything.
    for (size, poverty) in [
        (7 * MIB + 512, ""),
        (5 * MIB + 1, "--no-sr"),
        (4 * MIB, "--filter=noextents"),
        (9 * MIB - 3, "--filter=nozero"),
        (1, "--filter=nozero --filter=noextents"),
        (3 * MIB + 77, "--filter=blocksize-policy"),
    ] {
        let policy = if poverty.contains("policy") {
            " blocksize-maximum=64K blocksize-preferred=4K blocksize-error-policy=error"
        } else {
            ""
        };
        let server = format!("{poverty} memory size={size}{policy}");
        let (Some(mut source), Some(mut target)) =
            (Kit::start(server.trim()), Kit::start(server.trim()))
        else {
            return;
        };
        let (disk, copy) = (source.client().await, target.client().await);
        let some = size.min(MIB + 11);
        disk.write(size - some, noise(usize::try_from(some).unwrap()))
            .await
            .unwrap();
        let before = content(&disk).await;

        let place = Place::new();
        place.back_up(&disk).await;
        let mut backup = place.open(Arc::clone(&place.store)).await;
        backup.verify(&Progress::default()).await.unwrap();
        // What was there must go.
        let old = vec![0xee; usize::try_from(size).unwrap()];
        within(copy.write(0, old.into())).await.unwrap();
        let target = Target::Served(copy.clone(), Fill::Used);
        within(backup.restore(&target, &Progress::default()))
            .await
            .unwrap();
        assert!(content(&copy).await == before, "{server}");

        let raw = place.directory.path().join("raw");
        run(
            "zstd",
            ["-d", "-q", text(&place.object()), "-o", text(&raw)],
        );
        assert!(fs::read(raw).unwrap() == before, "{server}, by zstd");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_gibibytes_keep_their_few_bytes_of_data() {
    // The server compares what is written with what it made up, and refuses anything else.
    let made_up = "sparse-random size=100G percent=0.1 runlength=65536 seed=3";
    let Some(mut kit) = Kit::start(made_up) else {
        return;
    };
    let disk = kit.client().await;
    let place = Place::new();
    place.back_up(&disk).await;
    let backup = place.open(Arc::clone(&place.store)).await;
    let target = Target::Served(disk, Fill::Fresh);
    within(backup.restore(&target, &Progress::default()))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_disk_is_refused_before_anything_is_read() {
    let (Some(mut source), Some(mut target)) = (
        Kit::start("memory size=4M"),
        Kit::start("--readonly memory size=4M"),
    ) else {
        return;
    };
    let place = Place::new();
    place.back_up(&source.client().await).await;
    let backup = place.open(Arc::clone(&place.store)).await;
    let target = Target::Served(target.client().await, Fill::Fresh);
    let progress = Progress::default();
    let refused = backup.restore(&target, &progress).await.unwrap_err();
    assert!(matches!(refused, Error::Target(_)), "{refused}");
    assert_eq!(progress.subscribe().borrow().phase, "Preparing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_in_any_frame_is_found_and_named() {
    let Some(mut kit) = Kit::start("memory size=24M") else {
        return;
    };
    let disk = kit.client().await;
    disk.write(0, noise(24 << 20)).await.unwrap();
    let place = Place::new();
    let written = place.back_up(&disk).await;
    let whole = fs::read(place.object()).unwrap();
    for frame in [0, 5, 11] {
        let mut changed = whole.clone();
        let position = usize::try_from(written.stored_bytes).unwrap() * frame / 12 + 1000;
        changed[position] ^= 4;
        fs::write(place.object(), changed).unwrap();
        let mut backup = place.open(Arc::clone(&place.store)).await;
        let named = format!("in frame {frame} ");
        let found = backup.verify(&Progress::default()).await.unwrap_err();
        assert!(found.to_string().contains(&named), "{found}");
        let target = Target::Served(disk.clone(), Fill::Used);
        let found = backup
            .restore(&target, &Progress::default())
            .await
            .unwrap_err();
        assert!(found.to_string().contains(&named), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_changes_after_it_was_checked_is_not_written_any_further() {
    let Some(mut kit) = Kit::start("memory size=24M") else {
        return;
    };
    let disk = kit.client().await;
    disk.write(0, noise(24 << 20)).await.unwrap();
    let place = Place::new();
    place.back_up(&disk).await;
    let mut backup = place.open(Arc::clone(&place.store)).await;
    backup.verify(&Progress::default()).await.unwrap();
    // Noise does not compress, so that all frames are of one length, and each is in order by itself.
    let whole = fs::read(place.object()).unwrap();
    let frame = (whole.len() - usize::try_from(SeekTable::encoded_bytes(12)).unwrap()) / 12;
    let mut swapped = whole[4 * frame..5 * frame].to_vec();
    swapped.extend(&whole[3 * frame..4 * frame]);
    let swapped = [&whole[..3 * frame], &swapped, &whole[5 * frame..]].concat();
    fs::write(place.object(), swapped).unwrap();
    disk.write_zeroes(0, 24 * MIB).await.unwrap();
    let target = Target::Served(disk.clone(), Fill::Used);
    let progress = Progress::default();
    let restored = backup.restore(&target, &progress);
    let found = within(restored).await.unwrap_err().to_string();
    assert!(found.contains("in frame "), "{found}");
    assert!(found.contains("changed since it was checked"), "{found}");
    let written = content(&disk).await;
    let frames = written[6 << 20..10 << 20].iter();
    assert!(frames.clone().all(|byte| *byte == 0));
}

/// Counts reads, and from some point on never answers one.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn Store>,
    reads: AtomicUsize,
    answers: usize,
    largest: Mutex<u64>,
}

impl Counting {
    fn new(inner: &Arc<dyn Store>, answers: usize) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            reads: AtomicUsize::new(0),
            answers,
            largest: Mutex::default(),
        })
    }
}

#[async_trait]
impl Store for Counting {
    async fn create(
        &self,
        path: &ObjectPath,
        expected_bytes: u64,
    ) -> storage::Result<Box<dyn ObjectWriter>> {
        self.inner.create(path, expected_bytes).await
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> storage::Result<Bytes> {
        let before = self.reads.fetch_add(1, Ordering::SeqCst);
        let length = range.end - range.start;
        {
            let mut largest = self.largest.lock().unwrap();
            *largest = length.max(*largest);
        }
        if before >= self.answers {
            std::future::pending::<()>().await;
        }
        self.inner.read(path, range).await
    }

    async fn size(&self, path: &ObjectPath) -> storage::Result<u64> {
        self.inner.size(path).await
    }

    async fn list(&self, prefix: &ObjectPath) -> storage::Result<Vec<Object>> {
        self.inner.list(prefix).await
    }

    async fn is_vacant(&self) -> storage::Result<bool> {
        self.inner.is_vacant().await
    }

    async fn delete(&self, path: &ObjectPath) -> storage::Result<()> {
        self.inner.delete(path).await
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> storage::Result<()> {
        self.inner.delete_prefix(prefix).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_asks_the_store_for_several_mebibytes_at_once() {
    let (Some(mut source), Some(mut target)) =
        (Kit::start("memory size=40M"), Kit::start("memory size=40M"))
    else {
        return;
    };
    let disk = source.client().await;
    // Forty frames would be of half a MiB each: a quarter of it does not compress.
    for n in 0..20 {
        disk.write(n * 2 * MIB, noise(1 << 19)).await.unwrap();
    }
    let place = Place::new();
    place.back_up(&disk).await;
    let store = Counting::new(&place.store, usize::MAX);
    let backup = place.open(Arc::clone(&store) as Arc<dyn Store>).await;
    let opening = store.reads.load(Ordering::SeqCst);
    let target = Target::Served(target.client().await, Fill::Fresh);
    within(backup.restore(&target, &Progress::default()))
        .await
        .unwrap();
    assert_eq!(store.reads.load(Ordering::SeqCst) - opening, 3);
    assert!(*store.largest.lock().unwrap() <= 4 << 20);
}

/// Drops `work` once `ready` holds, and says how long that took.
async fn drop_when<T>(work: impl Future<Output = T>, ready: impl Fn() -> bool) -> Duration {
    let mut work = Box::pin(work);
    let deadline = Instant::now() + Duration::from_mins(1);
    while !ready() {
        assert!(Instant::now() < deadline, "it never got there");
        let turn = tokio::time::timeout(Duration::from_millis(5), &mut work).await;
        assert!(turn.is_err(), "it ended too early");
    }
    let start = Instant::now();
    drop(work);
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_from_a_store_that_hangs_is_dropped_at_once() {
    let (Some(mut source), Some(mut target)) =
        (Kit::start("memory size=64M"), Kit::start("memory size=64M"))
    else {
        return;
    };
    let disk = source.client().await;
    within(disk.write(0, noise(64 << 20))).await.unwrap();
    let place = Place::new();
    place.back_up(&disk).await;
    let copy = target.client().await;
    // One read opens the backup, one more is a manifest, then some of the disk comes.
    let store = Counting::new(&place.store, 5);
    let backup = place.open(Arc::clone(&store) as Arc<dyn Store>).await;
    let progress = Progress::default();
    let readings = progress.subscribe();
    let onto = Target::Served(copy.clone(), Fill::Used);
    let took = drop_when(backup.restore(&onto, &progress), || {
        let reading = readings.borrow();
        reading.bytes_done > 0 && store.reads.load(Ordering::SeqCst) > 5
    })
    .await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    // The disk is as usable as before.
    let whole = place.open(Arc::clone(&place.store)).await;
    within(whole.restore(&onto, &Progress::default()))
        .await
        .unwrap();
    assert!(content(&copy).await == noise(64 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_counts_what_the_store_has_taken_and_nothing_else() {
    let Some(mut kit) = Kit::start("memory size=64M") else {
        return;
    };
    let disk = kit.client().await;
    within(disk.write(0, noise(64 << 20))).await.unwrap();
    let place = Place::new();
    let hanging = Faulty::new(Arc::clone(&place.store), Fault::Hangs);
    let progress = Progress::default();
    let readings = progress.subscribe();
    let source = Source::from(disk);
    let write = export::write(&source, &hanging, &place.location.disk, &progress);
    let took = drop_when(write, || readings.borrow().phase == "Exporting").await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    let reading = readings.borrow().clone();
    assert_eq!((reading.bytes_done, reading.bytes_total), (0, 64 * MIB));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_stands_still_fails_both_ways() {
    let (Some(mut source), Some(mut target)) = (
        Kit::start("--filter=delay memory size=64M delay-read=20ms"),
        Kit::start("--filter=delay memory size=64M delay-write=20ms"),
    ) else {
        return;
    };
    let disk = source.connect(SHORT).await.unwrap();
    within(disk.write(0, noise(64 << 20))).await.unwrap();
    let place = Place::new();
    place.back_up(&disk).await;

    let progress = Progress::default();
    let mut readings = progress.subscribe();
    let paused = async {
        readings
            .wait_for(|reading| reading.bytes_done > 0)
            .await
            .unwrap();
        source.pause();
    };
    let path = ObjectPath::new("again").unwrap();
    let served = Source::from(disk);
    let write = Box::pin(export::write(&served, &*place.store, &path, &progress));
    let (failed, ()) = within(async { tokio::join!(write, paused) }).await;
    assert!(matches!(failed, Err(Error::Source(_))), "{failed:?}");
    assert_eq!(place.store.list(&path).await.unwrap(), []);

    let copy = target.connect(SHORT).await.unwrap();
    let backup = place.open(Arc::clone(&place.store)).await;
    let progress = Progress::default();
    let mut readings = progress.subscribe();
    let paused = async {
        readings
            .wait_for(|reading| reading.bytes_done > 0)
            .await
            .unwrap();
        target.pause();
    };
    let onto = Target::Served(copy, Fill::Used);
    let (failed, ()) =
        within(async { tokio::join!(backup.restore(&onto, &progress), paused) }).await;
    assert!(matches!(failed, Err(Error::Target(_))), "{failed:?}");
}

/// The most memory that this process has had resident so far.
fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_however_much_is_moved() {
    // Made up, and compared when it is written: nothing of it is anybody's memory.
    let made_up = "sparse-random size=1G percent=80 seed=5 random-content=true";
    let Some(mut kit) = Kit::start(made_up) else {
        return;
    };
    let disk = kit.client().await;
    let place = Place::new();
    let before = peak_bytes();
    let written = place.back_up(&disk).await;
    let exported = peak_bytes();
    assert!(written.stored_bytes > 500 * MIB, "{}", written.stored_bytes);
    let mut backup = place.open(Arc::clone(&place.store)).await;
    within(backup.verify(&Progress::default())).await.unwrap();
    let onto = Target::Served(disk, Fill::Fresh);
    within(backup.restore(&onto, &Progress::default()))
        .await
        .unwrap();
    let restored = peak_bytes();
    eprintln!(
        "export {} MiB, then restore {} MiB",
        (exported - before) / MIB,
        (restored - before) / MIB
    );
    assert!(restored - before < 128 * MIB);
}
