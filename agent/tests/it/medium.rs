//! A disk that has lost some of an image: bad sectors.
//!
//! The pool is a file system in a file. What lies beyond that file's end cannot be read any more (`EIO`), like a bad
//! sector; where the image lies in it, the file system tells.

use std::{
    fs,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use testbed::Disk;
use tidemark_agent::{
    driver::Code,
    operation::{BackupItem, Operation, Outcome, Report, RestoreSource, Volume, Work},
    report::Entry,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::site::{MIB, Site, run, text, within};

const SIZE: u64 = 256 * MIB;

fn restore(volume: &Volume, source: RestoreSource) -> Work {
    Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    }
}

/// Where a byte of a file lies on its disk.
fn place_of(file: &Path, offset: u64) -> u64 {
    let told = Command::new("filefrag")
        .args(["-v", "-b1", text(file)])
        .output()
        .unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    // An extent: its number, its first and last byte, and those on the disk.
    let extents = told.lines().filter_map(|line| {
        let numbers = line.replace(':', " ").replace("..", " ");
        let numbers: Vec<u64> = numbers
            .split_whitespace()
            .map_while(|word| word.parse().ok())
            .collect();
        (numbers.len() >= 5).then(|| (numbers[1], numbers[2], numbers[3]))
    });
    let mut extents = extents.filter(|(first, last, _)| (*first..=*last).contains(&offset));
    let (first, _, place) = extents.next().unwrap_or_else(|| panic!("{offset}: {told}"));
    place + offset - first
}

struct Pool {
    site: Site,
    disk: Disk,
    file: PathBuf,
}

impl Pool {
    fn new() -> Option<Self> {
        if !testbed::installed(&["filefrag"]) {
            return None;
        }
        let site = Site::new();
        let file = site.path("scratch/disk");
        let disk = Disk::ext4(
            &["-m", "0", "-O", "^has_journal"],
            &file,
            &site.path("pool"),
            SIZE,
        )?;
        Some(Self { site, disk, file })
    }

    /// A volume at the end of the disk, and a backup of it.
    async fn volume(&self) -> (Volume, BackupItem) {
        let volume = self.site.filled_volume(32 * MIB).await;
        let backup = self.site.take_backup(&volume).await;
        self.site.take_snapshot(&volume).await;
        (volume, backup)
    }

    /// Loses all of the disk from where a byte of an image lies, and says what that was.
    fn lose(&self, image: &Path, offset: u64) -> (u64, Vec<u8>) {
        let place = place_of(image, offset) / 4096 * 4096;
        // Nothing of it is in memory any more.
        self.disk.unmount();
        self.disk.mount();
        let file = self.file();
        let mut lost = vec![0; usize::try_from(SIZE - place).unwrap()];
        file.read_exact_at(&mut lost, place).unwrap();
        file.set_len(place).unwrap();
        (place, lost)
    }

    /// Gives back what was lost.
    fn find(&self, (place, lost): &(u64, Vec<u8>)) {
        self.file().write_all_at(lost, *place).unwrap();
    }

    fn file(&self) -> fs::File {
        let mut options = fs::File::options();
        options.read(true).write(true).open(&self.file).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_which_the_disk_has_lost_a_part_can_be_replaced() {
    // The header, and the tables behind it.
    for lost in [0, 64 << 10, 192 << 10] {
        let Some(pool) = Pool::new() else { return };
        let site = &pool.site;
        // What else there is comes to lie before it.
        let filler = site.path("pool/filler");
        fs::write(&filler, vec![1; 100 << 20]).unwrap();
        let (volume, backup) = pool.volume().await;
        let image = site.image(&volume);
        let before = site.digest(&volume);
        drop(pool.lose(&image, lost));
        assert!(fs::read(&image).is_err(), "{lost}: it can be read");

        let plain = RestoreSource::Backup(Box::new(backup.clone()));
        let (failure, touched) = site.fail(restore(&volume, plain)).await;
        assert_eq!(failure.code, Code::ImageDamaged, "{lost}: {failure}");
        assert!(failure.message.contains("has lost a part"), "{failure}");
        assert!(!touched);

        let replacing = RestoreSource::BackupReplacing(Box::new(backup));
        let completed = site.complete(restore(&volume, replacing)).await;
        assert!(completed.image_replaced, "{lost}");
        assert_eq!(site.digest(&volume), before, "{lost}");
        site.check_image(&volume);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_read_for_a_moment_is_not_replaced() {
    let Some(pool) = Pool::new() else { return };
    let site = &pool.site;
    fs::write(site.path("pool/filler"), vec![1; 100 << 20]).unwrap();
    let (volume, backup) = pool.volume().await;
    let image = site.image(&volume);
    let lost = pool.lose(&image, 0);
    assert!(fs::read(&image).is_err());
    let replacing = RestoreSource::BackupReplacing(Box::new(backup));
    let work = restore(&volume, replacing);
    // It comes back between the first look and the second.
    let report = Report::default();
    let operation = Operation::new(Uuid::now_v7(), work, site.host.clone(), report.clone());
    let looked = async {
        let again = |entry: &Entry| entry.message.starts_with("Looking at the image once more");
        while !report.journal.collect().iter().any(again) {
            report.journal.arrived().await;
        }
        pool.find(&lost);
    };
    let cancel = CancellationToken::new();
    let (outcome, ()) = within(async { tokio::join!(operation.perform(&cancel), looked) }).await;
    let Outcome::Completed(completed) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(!completed.image_replaced);
    assert_eq!(site.snapshot_names(&volume).len(), 1);
    site.check_image(&volume);
}

/// Lets the disk refuse to write what QEMU writes of an image: the rest of it is sound, and can be read.
fn refuse_writes(site: &mut Site) {
    let real = site.host.tools.qemu_nbd.clone();
    let body = "for argument in \"$@\"; do\n\
        argument=$(printf %s \"$argument\" | sed 's/file.driver=file,/file.driver=blkdebug,\
        file.inject-error.0.event=none,file.inject-error.0.iotype=write,file.inject-error.0.errno=5,\
        file.image.driver=file,/; s/,file.filename=/,file.image.filename=/')\n\
        shift; set -- \"$@\" \"$argument\"\ndone\nexec $real \"$@\"";
    site.host.tools.qemu_nbd = site.script(text(&real), body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_which_a_part_cannot_be_written_is_replaced_where_that_may_be() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let before = site.digest(&volume);
    let backup = Box::new(site.take_backup(&volume).await);
    // What it shares with a snapshot is written by QEMU.
    site.take_snapshot(&volume).await;
    let real = site.host.tools.qemu_nbd.clone();
    refuse_writes(&mut site);
    let plain = RestoreSource::Backup(backup.clone());
    let (failure, touched) = site.fail(restore(&volume, plain)).await;
    assert_eq!(failure.code, Code::ImageDamaged, "{failure}");
    for words in ["cannot be written", "replaceImage", "to a new volume"] {
        assert!(failure.message.contains(words), "{failure}");
    }
    let detail = failure.detail.unwrap_or_default();
    assert!(detail.contains("bytes "), "{detail}");
    assert!(touched);

    let replacing = RestoreSource::BackupReplacing(backup);
    let completed = site.complete(restore(&volume, replacing)).await;
    assert!(completed.image_replaced);
    site.host.tools.qemu_nbd = real;
    assert_eq!(site.digest(&volume), before);
    site.check_image(&volume);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_may_not_be_written_says_so() {
    let Some(pool) = Pool::new() else { return };
    let site = &pool.site;
    let directory = site.path("pool");
    let create = || Work::CreateVolume {
        volume: site.volume(MIB),
    };
    run("chattr", ["+i", text(&directory)]);
    let (forbidden, _) = site.fail(create()).await;
    run("chattr", ["-i", text(&directory)]);
    pool.disk.protect(true);
    let (protected, _) = site.fail(create()).await;
    pool.disk.protect(false);
    for (failure, words) in [
        (forbidden, "not allowed to use"),
        (protected, "only be read"),
    ] {
        assert_eq!(failure.code, Code::StorageFailed, "{failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
    site.complete(create()).await;
}
