//! What goes wrong with an NFS server, made to go wrong with a real one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use nix::sys::statvfs::statvfs;
use testbed::{Ganesha, skip};
use tidemark_storage::{Destination, Error, Nfs, NfsExport, Patience, Policy, Store};
use tokio::time::{Instant, sleep, timeout};

use super::{block, export, names, path, put, store, until_empty};

/// What an administrator waits for an error at the most.
const PATIENCE: Duration = Duration::from_mins(1);

/// Passes an outcome on, which has to come in time.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    let outcome = timeout(PATIENCE, work).await;
    outcome.unwrap()
}

fn assert_unreachable<T>(outcome: Result<T, Error>, what: &str) {
    let error = outcome.err().unwrap();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(
        error.to_string().contains(what),
        "{error} does not say {what}"
    );
}

/// The same of a server that may be back in a moment, from a store that asks it once.
fn assert_passing<T>(outcome: Result<T, Error>, what: &str) {
    let error = outcome.err().unwrap();
    assert!(error.is_transient(), "{error:?}");
    assert!(
        error.to_string().contains(what),
        "{error} does not say {what}"
    );
}

/// Writes until it fails.
async fn write_on(store: &Nfs, name: &str) -> Error {
    let mut writer = match store.create(&path(name), 1 << 30).await {
        Ok(writer) => writer,
        Err(error) => return error,
    };
    for seed in 0..512 {
        if let Err(error) = writer.append(block(seed)).await {
            return error;
        }
    }
    writer.commit().await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_between_operations_is_not_noticed() {
    let Some(mut ganesha) = Ganesha::start().await else {
        return;
    };
    let store = store(&ganesha);
    put(&store, "before").await.unwrap();
    ganesha.kill();
    ganesha.restart().await;
    assert_eq!(store.size(&path("before")).await.unwrap(), 1);
    // Opening waits for the server's grace period to end.
    in_time(put(&store, "after")).await.unwrap();
    store.delete(&path("before")).await.unwrap();
    store.delete(&path("after")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_fails_the_write_and_serves_again_once_it_is_back() {
    let Some(mut ganesha) = Ganesha::start().await else {
        return;
    };
    let store = store(&ganesha);
    put(&store, "before").await.unwrap();
    let mut writer = store.create(&path("a/object"), 1 << 30).await.unwrap();
    for seed in 0..20 {
        writer.append(block(seed)).await.unwrap();
    }
    ganesha.kill();
    let killed_at = Instant::now();
    let error = in_time(async {
        for seed in 20..60 {
            writer.append(block(seed)).await?;
        }
        writer.commit().await
    });
    assert_unreachable(error.await, &ganesha.server);
    assert_passing(in_time(store.size(&path("before"))).await, "refused");
    assert!(killed_at.elapsed() < Duration::from_secs(20));

    ganesha.restart().await;
    in_time(put(&store, "after")).await.unwrap();
    assert_eq!(names(&store, "before").await, ["before"]);
    assert!(
        names(&store, "a").await.is_empty(),
        "half an object is listed"
    );
    for prefix in ["a", "before", "after"] {
        store.delete_prefix(&path(prefix)).await.unwrap();
    }
    until_empty(&ganesha.directory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_waited_for_by_whoever_reads() {
    let Some(mut ganesha) = Ganesha::start().await else {
        return;
    };
    let once = store(&ganesha);
    let store = Destination::Nfs(export(&ganesha)).open().unwrap();
    let object = path("a/object");
    store.put(&object, block(1)).await.unwrap();
    ganesha.kill();
    assert_passing(in_time(once.read(&object, 0..1)).await, "refused");
    let (read, size, ()) = in_time(async {
        tokio::join!(
            store.read(&object, 0..1 << 20),
            store.size(&object),
            ganesha.restart()
        )
    })
    .await;
    assert_eq!(read.unwrap(), block(1));
    assert_eq!(size.unwrap(), 1 << 20);

    ganesha.kill();
    let gone = in_time(store.read(&object, 0..1)).await;
    assert_unreachable(gone, "(tried ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restarted_server_may_have_lost_is_not_committed() {
    let Some(mut ganesha) = Ganesha::start().await else {
        return;
    };
    let store = store(&ganesha);
    let mut writer = store.create(&path("a/object"), 1 << 30).await.unwrap();
    for seed in 0..20 {
        writer.append(block(seed)).await.unwrap();
    }
    ganesha.kill();
    ganesha.restart().await;
    assert_unreachable(in_time(writer.commit()).await, &ganesha.server);
    assert!(in_time(store.list(&path("a"))).await.unwrap().is_empty());
    in_time(store.delete_prefix(&path("a"))).await.unwrap();
    until_empty(&ganesha.directory).await;
}

/// The file that an object is written to until it is committed.
fn temporary(ganesha: &Ganesha) -> PathBuf {
    let mut entries = fs::read_dir(ganesha.directory.join("a")).unwrap();
    entries.next().unwrap().unwrap().path()
}

/// A store that waits for a server that has worked, an object of 20 MiB on its way there, and at most
/// how much of it is flushed.
async fn half_written(
    ganesha: &Ganesha,
) -> (Arc<dyn Store>, Box<dyn tidemark_storage::ObjectWriter>, u64) {
    let patience = Patience::from(Policy::default()).up_to(Duration::from_mins(2));
    let store = Destination::Nfs(export(ganesha));
    let store = store.open_with(patience).unwrap();
    let mut writer = store.create(&path("a/object"), 1 << 30).await.unwrap();
    for seed in 0..20 {
        writer.append(block(seed)).await.unwrap();
    }
    // It is asked to flush as soon as it has 16 MiB, in blocks of its own size; the rest may be lost.
    (store, writer, 18 << 20)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_survives_a_restart_of_the_server_that_loses_what_it_had_not_flushed() {
    let Some(mut ganesha) = Ganesha::start().await else {
        return;
    };
    let (store, mut writer, flushed) = half_written(&ganesha).await;
    ganesha.kill();
    let file = fs::File::options().write(true).open(temporary(&ganesha));
    file.unwrap().set_len(flushed).unwrap();
    let rest = async {
        for seed in 20..40 {
            writer.append(block(seed)).await?;
        }
        writer.commit().await
    };
    let back = async {
        sleep(Duration::from_secs(2)).await;
        ganesha.restart().await;
    };
    let (written, ()) = timeout(PATIENCE * 2, async { tokio::join!(rest, back) })
        .await
        .unwrap();
    written.unwrap();
    let object = path("a/object");
    assert_eq!(store.size(&object).await.unwrap(), 40 << 20);
    for seed in 0..40 {
        let read = store.read(&object, seed << 20..(seed + 1) << 20);
        assert!(read.await.unwrap() == block(seed), "block {seed} differs");
    }
    store.delete_prefix(&path("a")).await.unwrap();
    until_empty(&ganesha.directory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_without_what_it_had_flushed_fails_the_write() {
    let Some(mut ganesha) = Ganesha::start().await else {
        return;
    };
    let (store, writer, flushed) = half_written(&ganesha).await;
    ganesha.kill();
    let file = fs::File::options().write(true).open(temporary(&ganesha));
    file.unwrap().set_len(flushed / 2).unwrap();
    ganesha.restart().await;
    let outcome = in_time(writer.commit()).await;
    assert!(
        matches!(outcome, Err(Error::Unfaithful { .. })),
        "{outcome:?}"
    );
    store.delete_prefix(&path("a")).await.unwrap();
    until_empty(&ganesha.directory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_is_an_error_within_a_minute() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let (reader, writer, newcomer) = (store(&ganesha), store(&ganesha), store(&ganesha));
    put(&reader, "before").await.unwrap();
    let mut object = writer.create(&path("a/object"), 1 << 30).await.unwrap();
    ganesha.pause();
    let append = async {
        for seed in 0..20 {
            object.append(block(seed)).await?;
        }
        Ok(())
    };
    let before = path("before");
    let (size, read, appended, connected) = in_time(async {
        tokio::join!(
            reader.size(&before),
            reader.read(&before, 0..1),
            append,
            newcomer.size(&before)
        )
    })
    .await;
    assert_passing(size, &ganesha.server);
    assert_passing(read, &ganesha.server);
    assert_unreachable(appended, &ganesha.server);
    assert_passing(connected, &ganesha.server);

    ganesha.resume();
    for store in [&reader, &writer, &newcomer] {
        assert_eq!(in_time(store.size(&before)).await.unwrap(), 1);
    }
    drop(object);
    in_time(writer.delete_prefix(&path("a"))).await.unwrap();
    in_time(writer.delete(&before)).await.unwrap();
    until_empty(&ganesha.directory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_and_never_created() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let store = |export_path: &str, directory: Option<&str>| {
        Nfs::new(&NfsExport {
            server: ganesha.server.clone(),
            export: export_path.into(),
            directory: directory.map(Into::into),
        })
        .unwrap()
    };
    let missing = put(&store("/absent", None), "a").await;
    assert_unreachable(missing, "has no export");
    let missing = put(&store("/absent", Some("b")), "a").await;
    assert_unreachable(missing, "has no export");
    let missing = put(&store("/export", Some("b/c")), "a").await;
    assert_unreachable(missing, "directory b/c does not exist");
    fs::write(ganesha.directory.join("file"), "x").unwrap();
    let file = put(&store("/export", Some("file")), "a").await;
    assert_unreachable(file, "is not a directory");
    assert_eq!(fs::read_dir(&ganesha.directory).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_listens_the_error_says_so_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap().to_string();
    drop(listener);
    let store = Nfs::new(&NfsExport {
        server: server.clone(),
        export: "/export".into(),
        directory: None,
    });
    let started_at = Instant::now();
    assert_passing(put(&store.unwrap(), "a").await, "refused");
    assert!(started_at.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_was_made_anew_is_found_again_and_one_that_is_gone_is_missed() {
    let home = tempfile::tempdir().unwrap();
    // Without a cache: it would answer from that for a minute.
    let permissions = "Access_Type = RW; Squash = No_Root_Squash; Attr_Expiration_Time = 0;";
    let Some(ganesha) = Ganesha::restricting(home.path(), permissions).await else {
        return;
    };
    let directory = ganesha.directory.join("backups");
    fs::create_dir(&directory).unwrap();
    let store = Nfs::new(&NfsExport {
        directory: Some("backups".into()),
        ..export(&ganesha)
    })
    .unwrap();
    put(&store, "a/object").await.unwrap();
    let mut writer = store.create(&path("b/object"), 1).await.unwrap();
    writer.append(block(1)).await.unwrap();

    fs::remove_dir_all(&directory).unwrap();
    assert_unreachable(
        put(&store, "a/object").await,
        "directory backups does not exist",
    );
    assert!(!directory.exists());

    fs::create_dir(&directory).unwrap();
    assert!(names(&store, "a").await.is_empty());
    put(&store, "a/object").await.unwrap();
    assert!(directory.join("a/object").exists());
    let outcome = writer.commit().await;
    assert!(outcome.is_err(), "the file went with its directory");
    assert!(!directory.join("b").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_removed_behind_our_back_is_an_error() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let store = store(&ganesha);
    let mut writer = store.create(&path("a/object"), 1).await.unwrap();
    writer.append(block(1)).await.unwrap();
    for entry in fs::read_dir(ganesha.directory.join("a")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert!(writer.commit().await.is_err());
    assert!(names(&store, "a").await.is_empty());

    put(&store, "b/manifest.json").await.unwrap();
    fs::remove_file(ganesha.directory.join("b/manifest.json")).unwrap();
    let gone = store.get(&path("b/manifest.json"), 100).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    store.delete(&path("b/manifest.json")).await.unwrap();
    store.delete_prefix(&path("b")).await.unwrap();
}

async fn refused_by(permissions: &str) {
    let directory = tempfile::tempdir().unwrap();
    let Some(ganesha) = Ganesha::restricting(directory.path(), permissions).await else {
        return;
    };
    let store = store(&ganesha);
    let refused = put(&store, "a/object").await;
    assert!(
        matches!(refused, Err(Error::Permission { .. })),
        "{refused:?}"
    );
    let refused = store.create(&path("object"), 1 << 20).await.map(drop);
    assert!(
        matches!(refused, Err(Error::Permission { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_export_denies_access() {
    refused_by("Access_Type = RO; Squash = No_Root_Squash;").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_whose_root_is_nobody_denies_access() {
    refused_by("Access_Type = RW; Squash = Root_Squash;").await;
}

/// A small disk of its own, mounted.
struct SmallDisk {
    home: tempfile::TempDir,
}

impl SmallDisk {
    fn mounted(megabytes: u64) -> Option<Self> {
        let disk = Self {
            home: tempfile::tempdir().unwrap(),
        };
        let image = disk.home.path().join("image");
        let file = fs::File::create(&image).unwrap();
        file.set_len(megabytes << 20).unwrap();
        fs::create_dir(disk.directory()).unwrap();
        let mount = ["mount", "-o", "loop"].map(Path::new);
        let done = run(&["mkfs.ext4", "-q"].map(Path::new), &[&image])
            && run(&mount, &[&image, &disk.directory()]);
        if !done {
            skip("a file system in a file cannot be mounted here");
            return None;
        }
        fs::remove_dir(disk.directory().join("lost+found")).unwrap();
        Some(disk)
    }

    fn directory(&self) -> PathBuf {
        self.home.path().join("mounted")
    }

    fn free_bytes(&self) -> u64 {
        let status = statvfs(&self.directory()).unwrap();
        status.blocks_available() * status.fragment_size()
    }

    /// Waits until there is as much space again: a file that is gone keeps its own for a while.
    async fn until_free(&self, bytes: u64) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.free_bytes() < bytes {
            assert!(Instant::now() < deadline, "the disk stays full");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run(&["umount", "-l"].map(Path::new), &[&self.directory()]);
    }
}

fn run(command: &[&Path], paths: &[&Path]) -> bool {
    let mut child = Command::new(command[0]);
    child.args(&command[1..]).args(paths).stderr(Stdio::null());
    child.status().is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_is_full_keeps_nothing_and_goes_on() {
    let Some(disk) = SmallDisk::mounted(96) else {
        return;
    };
    let Some(ganesha) = Ganesha::exporting(&disk.directory()).await else {
        return;
    };
    let store = store(&ganesha);
    put(&store, "before").await.unwrap();
    let enough = disk.free_bytes() / 2;

    let error = write_on(&store, "a/data").await;
    assert!(matches!(error, Error::Full { .. }), "{error:?}");
    until_empty(&disk.directory().join("a")).await;

    // Who expects little is not watched, and meets the end of the disk itself.
    let mut writer = store.create(&path("a/small"), 1).await.unwrap();
    let outcome = async {
        for seed in 0..200 {
            writer.append(block(seed)).await?;
        }
        writer.commit().await
    };
    let outcome = outcome.await;
    assert!(matches!(outcome, Err(Error::Full { .. })), "{outcome:?}");
    until_empty(&disk.directory().join("a")).await;
    disk.until_free(enough).await;
    store
        .put(&path("after"), Bytes::from(vec![7; 1 << 20]))
        .await
        .unwrap();
    assert_eq!(names(&store, "before").await, ["before"]);
}
