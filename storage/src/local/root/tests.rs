//! A mounted path: what is refused, what is noticed, and what a full or a vanished disk leaves behind.

use bytes::Bytes;
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::statfs::TMPFS_MAGIC,
};
use testbed::skip;

use super::*;
use crate::{Local, NfsExport, ObjectPath, Store as _, conformance, nfs_export::Address};

const SOURCE: &str = "server:/export";

/// A mount point on which a file system in memory comes and goes. Where NFS is meant, it stands in
/// for that.
struct MountPoint(tempfile::TempDir);

impl MountPoint {
    /// With a first file system mounted; nothing where that is not allowed.
    fn mounted(options: &str) -> Option<Self> {
        let point = Self(tempfile::tempdir().unwrap());
        match point.try_mount(SOURCE, options) {
            Ok(()) => Some(point),
            Err(errno) => {
                skip(&format!("file systems cannot be mounted here: {errno}"));
                None
            }
        }
    }

    fn try_mount(&self, source: &str, options: &str) -> nix::Result<()> {
        let (kind, flags) = (Some("tmpfs"), MsFlags::empty());
        mount(Some(source), self.0.path(), kind, flags, Some(options))
    }

    fn mount(&self, source: &str) {
        self.try_mount(source, "size=8m").unwrap();
    }

    fn unmount(&self) {
        umount2(self.0.path(), MntFlags::MNT_DETACH).unwrap();
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(self.0.path()).unwrap().next().is_none()
    }

    /// A store that takes the mount for one of NFS.
    fn store(&self) -> Local {
        let mounts = MountTable::taking_for_nfs(&["tmpfs"], TMPFS_MAGIC);
        Local::at(self.0.path().into(), mounts, Some(SOURCE.into()))
    }
}

impl Drop for MountPoint {
    fn drop(&mut self) {
        while umount2(self.0.path(), MntFlags::MNT_DETACH).is_ok() {}
    }
}

fn path() -> ObjectPath {
    ObjectPath::new("a/object").unwrap()
}

async fn put(store: &Local) -> Result<()> {
    store.put(&path(), Bytes::from_static(b"x")).await
}

#[tokio::test]
async fn a_mounted_export_passes_the_conformance_suite() {
    let Some(point) = MountPoint::mounted("size=64m") else {
        return;
    };
    conformance::check(&point.store()).await;
}

#[test]
fn an_export_that_is_mounted_is_found_in_the_table_of_this_host() {
    let Some(point) = MountPoint::mounted("size=8m") else {
        return;
    };
    // A source that no other test has.
    let export = point.0.path().display();
    point.mount(&format!("server:{export}"));
    let address = Address::new(&NfsExport {
        server: "server".into(),
        export: export.to_string(),
        directory: Some("backups".into()),
    });
    let mounts = MountTable::taking_for_nfs(&["tmpfs"], TMPFS_MAGIC);
    let (path, source) = mounts.find_export(&address.unwrap()).unwrap();
    assert_eq!(path, point.0.path().join("backups"));
    assert_eq!(source, format!("server:{export}"));
}

#[tokio::test]
async fn a_lost_mount_is_an_error_and_nothing_is_written_below_it() {
    let Some(point) = MountPoint::mounted("size=8m") else {
        return;
    };
    let (used, unused) = (point.store(), point.store());
    put(&used).await.unwrap();
    point.unmount();
    for store in [&used, &unused] {
        let error = put(store).await.unwrap_err();
        assert!(matches!(error, Error::Unproved { .. }), "{error}");
        assert!(error.to_string().contains(SOURCE), "{error}");
    }
    assert!(point.is_empty());

    point.mount("other:/export");
    let error = put(&used).await.unwrap_err();
    assert!(matches!(error, Error::Unproved { .. }), "{error}");
    assert!(point.is_empty());

    point.mount(SOURCE);
    put(&used).await.unwrap();
    put(&unused).await.unwrap();
}

#[tokio::test]
async fn a_mount_that_is_lost_during_a_write_fails_the_write() {
    let Some(point) = MountPoint::mounted("size=8m") else {
        return;
    };
    let store = point.store();
    let mut writer = store.create(&path(), 1).await.unwrap();
    writer.append(Bytes::from_static(b"x")).await.unwrap();
    point.unmount();
    let error = writer.commit().await.unwrap_err();
    assert!(matches!(error, Error::Unproved { .. }), "{error}");
    assert!(point.is_empty());
}

#[tokio::test]
async fn a_long_write_notices_a_lost_mount_before_its_end() {
    let Some(point) = MountPoint::mounted("size=128m") else {
        return;
    };
    let store = point.store();
    let mut writer = store.create(&path(), 1 << 40).await.unwrap();
    point.unmount();
    let megabyte = Bytes::from(vec![7; 1 << 20]);
    let mut error = None;
    for _ in 0..100 {
        if let Err(noticed) = writer.append(megabyte.clone()).await {
            error = Some(noticed);
            break;
        }
    }
    assert!(matches!(error, Some(Error::Unproved { .. })), "{error:?}");
    assert!(point.is_empty());
}

#[tokio::test]
async fn a_local_path_on_a_mount_needs_that_mount_from_its_first_use_on() {
    let Some(point) = MountPoint::mounted("size=8m") else {
        return;
    };
    let mounts = MountTable::taking_for_nfs(&["tmpfs"], TMPFS_MAGIC);
    let store = Local::at(point.0.path().into(), mounts, None);
    put(&store).await.unwrap();
    point.unmount();
    let error = put(&store).await.unwrap_err();
    assert!(error.to_string().contains(SOURCE), "{error}");
    assert!(point.is_empty());
}

#[tokio::test]
async fn a_disk_that_is_unmounted_or_mounted_in_between_is_noticed() {
    let Some(point) = MountPoint::mounted("size=8m") else {
        return;
    };
    let store = Local::new(point.0.path());
    put(&store).await.unwrap();
    point.unmount();
    let error = put(&store).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("on another file system than before"),
        "{error}"
    );
    assert!(point.is_empty());
}

#[tokio::test]
async fn a_disk_that_is_unmounted_between_operations_is_noticed_by_the_next() {
    let Some(point) = MountPoint::mounted("size=8m") else {
        return;
    };
    put(&Local::new(point.0.path())).await.unwrap();
    point.unmount();
    let outcomes = [
        put(&Local::new(point.0.path())).await,
        Local::new(point.0.path()).delete(&path()).await,
        Local::new(point.0.path())
            .read(&path(), 0..1)
            .await
            .map(drop),
    ];
    for outcome in outcomes {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Unproved { .. }), "{error}");
        assert!(error.to_string().contains("mounted on it"), "{error}");
    }
    assert!(point.is_empty());
    point.mount("another disk");
    put(&Local::new(point.0.path())).await.unwrap();
}

#[tokio::test]
async fn an_empty_directory_does_not_say_that_a_backup_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    // What a process that has just begun sees of a mount point with nothing on it.
    conformance::check_empty_is_doubted(&Local::new(directory.path())).await;
}

#[tokio::test]
async fn a_directory_whose_last_backup_was_deleted_is_believed() {
    let directory = tempfile::tempdir().unwrap();
    let store = Local::new(directory.path());
    let manifest = ObjectPath::new("volumes/v/b/manifest.json").unwrap();
    let content = Bytes::from_static(b"x");
    store.put(&manifest, content).await.unwrap();
    for _ in 0..2 {
        store.delete(&manifest).await.unwrap();
        let backup = ObjectPath::new("volumes/v/b").unwrap();
        store.delete_prefix(&backup).await.unwrap();
    }
    let gone = store.size(&manifest).await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    let kept: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(!directory.path().join("volumes/v").exists());
}

#[tokio::test]
async fn a_directory_that_was_made_anew_is_taken_up() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("root");
    fs::create_dir(&root).unwrap();
    let store = Local::new(&root);
    put(&store).await.unwrap();
    fs::rename(&root, parent.path().join("old")).unwrap();
    let error = put(&store).await.unwrap_err();
    assert!(
        error.to_string().ends_with("root does not exist"),
        "{error}"
    );
    fs::create_dir(&root).unwrap();
    put(&store).await.unwrap();
    assert!(root.join("a/object").exists());
}

#[tokio::test]
async fn data_leaves_a_reserve_and_a_manifest_may_use_it() {
    let Some(point) = MountPoint::mounted("size=96m") else {
        return;
    };
    let store = point.store();
    let mut writer = store.create(&path(), 1 << 40).await.unwrap();
    let megabyte = Bytes::from(vec![7; 1 << 20]);
    let mut full = None;
    for _ in 0..200 {
        if let Err(error) = writer.append(megabyte.clone()).await {
            full = Some(error);
            break;
        }
    }
    assert!(matches!(full, Some(Error::Full { .. })), "{full:?}");
    let available = store.root.open().unwrap().available_bytes().unwrap();
    assert!(available >= 8 << 20, "{available} bytes are left");
    writer.abort().await.unwrap();
    let left: Vec<_> = fs::read_dir(point.0.path().join("a")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");

    fs::write(point.0.path().join("filler"), vec![7; 85 << 20]).unwrap();
    let refused = store.create(&path(), 1 << 40).await.map(drop);
    assert!(matches!(refused, Err(Error::Full { .. })), "{refused:?}");
    put(&store).await.unwrap();
}

#[tokio::test]
async fn a_full_file_system_is_full_and_keeps_nothing() {
    let Some(point) = MountPoint::mounted("size=4m") else {
        return;
    };
    let store = point.store();
    let error = store.put(&path(), Bytes::from(vec![7; 1 << 19])).await;
    error.unwrap();
    let mut writer = store.create(&path(), 1).await.unwrap();
    let error = writer.append(Bytes::from(vec![7; 8 << 20])).await;
    assert!(matches!(error, Err(Error::Full { .. })), "{error:?}");
    writer.abort().await.unwrap();
    assert_eq!(store.size(&path()).await.unwrap(), 1 << 19);
}

#[tokio::test]
async fn a_read_only_file_system_denies_access() {
    let Some(point) = MountPoint::mounted("size=4m") else {
        return;
    };
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    let none = None::<&str>;
    mount(none, point.0.path(), none, flags, none).unwrap();
    let error = put(&point.store()).await.unwrap_err();
    assert!(matches!(error, Error::Permission { .. }), "{error}");
}

#[tokio::test]
async fn a_symbolic_link_is_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("object"), "secret").unwrap();
    std::os::unix::fs::symlink(outside.path(), root.path().join("a")).unwrap();
    let store = Local::new(root.path());
    assert!(put(&store).await.is_err());
    assert!(store.read(&path(), 0..1).await.is_err());
    // Nor is what lies behind it said not to be there.
    let prefix = ObjectPath::new("a").unwrap();
    for refused in [
        store.size(&path()).await.map(drop),
        store.list(&prefix).await.map(drop),
        store.delete(&path()).await,
        store.delete_prefix(&prefix).await,
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("a is a symbolic link"), "{error}");
    }
    let kept = fs::read_to_string(outside.path().join("object")).unwrap();
    assert_eq!(kept, "secret");
    assert!(root.path().join("a").is_symlink());
}
