//! The directory of a local destination: held open, and known again.

use std::{
    fs, io,
    os::fd::OwnedFd,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use nix::{
    fcntl::{AtFlags, OFlag, open},
    sys::{
        stat::{Mode, fstat, fstatat},
        statvfs::fstatvfs,
    },
};

use super::{mount::MountTable, place::Place};
use crate::{Error, Result};

/// The path of a destination, and the directory that it led to.
///
/// All that is done below goes through one open directory, so that a mount that comes or goes
/// cannot turn it elsewhere. Before each operation the path has to lead to that directory still. If
/// it leads to another one, that is taken only if it is as good: on the same NFS mount, or on the
/// same file system. An empty mount point is neither; nor is it what another store of this process
/// has seen something mounted on.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    mounts: MountTable,
    /// The source of the mount that it has to be on.
    required_source: Option<String>,
    place: Arc<Place>,
    opened: Mutex<Option<Arc<Opened>>>,
}

/// The directory as it was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) directory: OwnedFd,
    device: u64,
    inode: u64,
    /// Of the NFS mount that it lies on.
    source: Option<String>,
}

impl Opened {
    /// Whether this is the same directory as another.
    fn is(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// What a process may still write, all quotas aside.
    pub(super) fn available_bytes(&self) -> io::Result<u64> {
        let system = fstatvfs(&self.directory)?;
        Ok(system.blocks_available() * system.fragment_size())
    }
}

impl Root {
    pub(super) fn new(
        path: PathBuf,
        mounts: MountTable,
        required_source: Option<String>,
        place: Arc<Place>,
    ) -> Self {
        Self {
            path,
            mounts,
            required_source,
            place,
            opened: Mutex::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory, if it is the one that it was.
    pub(super) fn open(&self) -> Result<Arc<Opened>> {
        let found = fs::metadata(&self.path).map_err(|error| self.failed(error))?;
        if !found.is_dir() {
            return Err(self.unreachable("is not a directory"));
        }
        let previous = self.opened().clone();
        match previous {
            Some(previous) if (previous.device, previous.inode) == (found.dev(), found.ino()) => {
                Ok(previous)
            }
            previous => self.open_anew(previous.as_deref()),
        }
    }

    /// Refuses to go on if the path does not lead to `opened` any more.
    pub(super) fn ensure_same(&self, opened: &Opened) -> Result<()> {
        if self.open()?.is(opened) {
            return Ok(());
        }
        Err(self.unreachable("is another directory than before"))
    }

    /// Refuses to believe a directory in which there is nothing at all. It never held an object, or it
    /// is the mount point of a disk that is not mounted, and cannot tell what became of one.
    pub(super) fn ensure_used(&self, opened: &Opened) -> Result<()> {
        match opened.is_empty() {
            Ok(false) => Ok(()),
            Ok(true) => Err(self.unreachable("is empty: its disk may not be mounted")),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The error to give instead of one that says that an object is not there.
    pub(super) fn doubt(&self, opened: &Opened, error: Error) -> Error {
        match error {
            Error::NotFound { .. } => self.ensure_used(opened).err().unwrap_or(error),
            error => error,
        }
    }

    /// Opens the directory again, whatever handle of it there is: that one may be stale.
    pub(super) fn reopen(&self) -> Result<Arc<Opened>> {
        let previous = self.opened().clone();
        self.open_anew(previous.as_deref())
    }

    fn open_anew(&self, previous: Option<&Opened>) -> Result<Arc<Opened>> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory =
            open(&self.path, flags, Mode::empty()).map_err(|errno| self.failed(errno.into()))?;
        let status = fstat(&directory).map_err(|errno| self.failed(errno.into()))?;
        let source = self.mounts.source_of(&self.path, &directory)?;
        let required = previous
            .and_then(|previous| previous.source.as_ref())
            .or(self.required_source.as_ref());
        if let Some(required) = required
            && source.as_ref() != Some(required)
        {
            return Err(self.unreachable(&format!("is not on the mount of {required}")));
        }
        // A server's mount has a new device each time it is mounted.
        if let Some(previous) = previous
            && required.is_none()
            && (source.is_some() || previous.device != status.st_dev)
        {
            return Err(self.unreachable("is on another file system than before"));
        }
        let above = fstatat(&directory, "..", AtFlags::empty())
            .map_err(|errno| self.failed(errno.into()))?;
        let mounted = above.st_dev != status.st_dev;
        if !self.place.is_as_mounted_as_before(mounted) {
            return Err(self.unreachable("had something mounted on it, and has not any more"));
        }
        let opened = Arc::new(Opened {
            directory,
            device: status.st_dev,
            inode: status.st_ino,
            source,
        });
        *self.opened() = Some(Arc::clone(&opened));
        Ok(opened)
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, Option<Arc<Opened>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::NotFound => {
                let reason = format!("directory {} does not exist", self.path.display());
                Error::Unreachable { reason }
            }
            io::ErrorKind::NotADirectory => self.unreachable("is not a directory"),
            _ => Error::from_io(error, format!("looking at {}", self.path.display())),
        }
    }

    fn unreachable(&self, what: &str) -> Error {
        Error::Unreachable {
            reason: format!("{} {what}", self.path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use nix::{
        mount::{MntFlags, MsFlags, mount, umount2},
        sys::statfs::TMPFS_MAGIC,
    };
    use testbed::skip;

    use super::*;
    use crate::{Local, NfsExport, ObjectPath, Store as _, conformance, nfs::address::Address};

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
            assert!(matches!(error, Error::Unreachable { .. }), "{error}");
            assert!(error.to_string().contains(SOURCE), "{error}");
        }
        assert!(point.is_empty());

        point.mount("other:/export");
        let error = put(&used).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
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
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
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
            assert!(matches!(error, Error::Unreachable { .. }), "{error}");
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
        let store = Local::new(directory.path());
        let manifest = ObjectPath::new("volumes/v/b/manifest.json").unwrap();
        for outcome in [
            store.delete(&manifest).await,
            store.size(&manifest).await.map(drop),
            store.read(&manifest, 0..1).await.map(drop),
        ] {
            let error = outcome.unwrap_err();
            assert!(matches!(error, Error::Unreachable { .. }), "{error}");
            assert!(error.to_string().contains("is empty"), "{error}");
        }
        // Whoever clears up after himself needs nothing there.
        let backup = ObjectPath::new("volumes/v/b").unwrap();
        store.delete_prefix(&backup).await.unwrap();
        assert!(store.list(&backup).await.unwrap().is_empty());
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
        store.delete(&path()).await.unwrap();
        let prefix = ObjectPath::new("a").unwrap();
        assert!(store.list(&prefix).await.unwrap().is_empty());
        store.delete_prefix(&prefix).await.unwrap();
        let kept = fs::read_to_string(outside.path().join("object")).unwrap();
        assert_eq!(kept, "secret");
        assert!(fs::symlink_metadata(root.path().join("a")).is_err());
    }
}
