//! An NFS export spoken to directly, against nfs-ganesha: the suite, and what it is made for.

mod fault;
mod measure;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use testbed::Ganesha;
use tidemark_storage::{Destination, Error, Nfs, NfsExport, ObjectPath, Store, conformance, probe};
use tokio::time::{Instant, sleep, timeout};

fn export(ganesha: &Ganesha) -> NfsExport {
    NfsExport {
        server: ganesha.server.clone(),
        export: ganesha.export.clone(),
        directory: None,
    }
}

fn store(ganesha: &Ganesha) -> Nfs {
    Nfs::new(&export(ganesha)).unwrap()
}

fn path(path: &str) -> ObjectPath {
    ObjectPath::new(path).unwrap()
}

async fn put(store: &Nfs, name: &str) -> tidemark_storage::Result<()> {
    store.put(&path(name), Bytes::from_static(b"x")).await
}

async fn names(store: &Nfs, prefix: &str) -> Vec<String> {
    let objects = store.list(&path(prefix)).await.unwrap();
    objects.into_iter().map(|o| o.path.to_string()).collect()
}

/// A megabyte that is like no other.
fn block(seed: u64) -> Bytes {
    let mut content = vec![0; 1 << 20];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut content);
    content.into()
}

/// What is in a directory; nothing if it is none.
fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path())
}

/// Waits until clean-up that runs by itself has emptied a directory but for outermost ones.
async fn until_empty(directory: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let stays = |entry: &PathBuf| entry.is_file() || entries(entry).next().is_some();
    while let Some(entry) = entries(directory).find(stays) {
        assert!(Instant::now() < deadline, "{} stays", entry.display());
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_passes_the_conformance_suite() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let store = Destination::Nfs(export(&ganesha)).open().unwrap();
    conformance::check(&*store).await;
    probe(store).await.unwrap();
    until_empty(&ganesha.directory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_a_marker() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    conformance::check_marker(&store(&ganesha)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_below_the_export_passes_the_conformance_suite() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let outside = ganesha.directory.join("outside");
    let inside = ganesha.directory.join("back ups%20?#/tidemark");
    std::fs::create_dir_all(&inside).unwrap();
    std::fs::write(&outside, "kept").unwrap();
    let store = Nfs::new(&NfsExport {
        directory: Some("back ups%20?#/tidemark".into()),
        ..export(&ganesha)
    });
    conformance::check(&store.unwrap()).await;
    until_empty(&inside).await;
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_export_does_not_say_that_a_backup_is_gone_and_a_used_one_does() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let store = store(&ganesha);
    conformance::check_empty_is_doubted(&store).await;

    let (backup, manifest) = (path("volumes/v/b"), path("volumes/v/b/manifest.json"));
    put(&store, manifest.as_str()).await.unwrap();
    for _ in 0..2 {
        store.delete(&manifest).await.unwrap();
        store.delete_prefix(&backup).await.unwrap();
    }
    let gone = store.size(&manifest).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    assert!(ganesha.directory.join("volumes").is_dir());
    assert!(!ganesha.directory.join("volumes/v").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_behind_a_symbolic_link_is_not_said_to_be_gone() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let (backup, manifest) = (path("volumes/v/b"), path("volumes/v/b/manifest.json"));
    put(&store(&ganesha), manifest.as_str()).await.unwrap();
    let [volumes, moved] = ["volumes", "moved"].map(|name| ganesha.directory.join(name));
    std::fs::rename(&volumes, &moved).unwrap();
    std::os::unix::fs::symlink("moved", &volumes).unwrap();
    // Who was there before may know it by its handle still.
    let store = store(&ganesha);
    for (what, refused) in [
        ("size", store.size(&manifest).await.map(drop)),
        ("list", store.list(&backup).await.map(drop)),
        ("delete", store.delete(&manifest).await),
        ("delete all below", store.delete_prefix(&backup).await),
    ] {
        let told = refused.map_err(|error| error.to_string());
        let told = told.expect_err(what);
        assert!(
            told.contains("volumes is a symbolic link"),
            "{what}: {told}"
        );
    }
    assert!(moved.join("v/b/manifest.json").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_comes_back_as_it_was_and_only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let store = store(&ganesha);
    let object = path("a/object");
    let mut writer = store.create(&object, 64 << 20).await.unwrap();
    let mut content = Vec::new();
    for seed in 0..48 {
        // Chunks of odd sizes, so that none is a block.
        let chunk = block(seed).slice(..(1 << 20) - 77 * usize::try_from(seed).unwrap());
        content.extend_from_slice(&chunk);
        writer.append(chunk).await.unwrap();
        assert!(
            writer.unconfirmed_bytes() <= 9 << 20,
            "the window is bounded"
        );
    }
    writer.commit().await.unwrap();
    let size = content.len() as u64;
    assert_eq!(store.read(&object, 0..size).await.unwrap(), content);
    let middle = store.read(&object, 12_345_678..23_456_789).await.unwrap();
    assert_eq!(middle, content[12_345_678..23_456_789]);

    let mode = |name: &str| {
        let metadata = ganesha.directory.join(name).metadata().unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!((mode("a"), mode("a/object")), (0o700, 0o600));
    let there = std::fs::read(ganesha.directory.join("a/object")).unwrap();
    assert_eq!(there, content);
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_objects_are_listed() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let store = store(&ganesha);
    std::fs::create_dir(ganesha.directory.join("many")).unwrap();
    for i in 0..1200 {
        std::fs::write(ganesha.directory.join(format!("many/{i:04}")), "x").unwrap();
    }
    std::fs::write(ganesha.directory.join("many/.temporary"), "x").unwrap();
    let names = names(&store, "many").await;
    let expected: Vec<String> = (0..1200).map(|i| format!("many/{i:04}")).collect();
    assert_eq!(names, expected);
    store.delete_prefix(&path("many")).await.unwrap();
    assert_eq!(std::fs::read_dir(&ganesha.directory).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_of_one_object_the_last_wins_and_none_is_torn() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let (one, other) = (store(&ganesha), store(&ganesha));
    let object = path("a/object");
    let write = async |store: &Nfs, seed: u64| {
        let mut writer = store.create(&object, 8 << 20).await.unwrap();
        for _ in 0..8 {
            writer.append(block(seed)).await.unwrap();
        }
        writer.commit().await.unwrap();
    };
    tokio::join!(write(&one, 1), write(&other, 2));
    let content = one.read(&object, 0..8 << 20).await.unwrap();
    let whole = |seed| (0..8).all(|i| content.slice(i << 20..(i + 1) << 20) == block(seed));
    assert!(whole(1) || whole(2));
    assert_eq!(names(&other, "a").await, ["a/object"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_dropped_at_any_moment_leaves_a_whole_object_or_none() {
    let Some(ganesha) = Ganesha::start().await else {
        return;
    };
    let store = store(&ganesha);
    let object = path("a/object");
    put(&store, "kept/object").await.unwrap();
    let (mut whole, mut none) = (0, 0);
    for step in 0..120_u64 {
        let write = async {
            let mut writer = store.create(&object, 4 << 20).await.unwrap();
            for seed in 0..4 {
                writer.append(block(seed)).await.unwrap();
            }
            writer.commit().await.unwrap();
        };
        let _ = timeout(Duration::from_micros(step * 250), write).await;
        match store.size(&object).await {
            Ok(size) => {
                assert_eq!(size, 4 << 20);
                whole += 1;
            }
            Err(Error::NotFound { .. }) => none += 1,
            Err(error) => panic!("{error}"),
        }
        store.delete_prefix(&path("a")).await.unwrap();
    }
    assert!(none > 0, "nothing was dropped: {whole} whole");
    // More were dropped than a session has slots for; it still serves.
    put(&store, "after").await.unwrap();
    store.delete(&path("after")).await.unwrap();
    store.delete(&path("kept/object")).await.unwrap();
    until_empty(&ganesha.directory).await;
}
