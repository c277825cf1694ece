//! A destination in a directory of this host: a disk's, or that of a server that is mounted.

mod directory;
pub(crate) mod mount;
mod output;
mod place;
mod root;
mod temporary;
mod watchdog;
mod writer;

use std::{
    io,
    ops::Range,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;

use self::{
    mount::MountTable,
    place::Place,
    root::{Opened, Root},
    writer::LocalWriter,
};
use crate::{Error, Object, ObjectPath, ObjectWriter, Patience, Policy, Result, Store};

/// Objects as files below one directory, which has to exist already: a path that is gone because a
/// disk is not mounted must not be taken for an empty destination.
///
/// Files are written beside their place under a temporary name, flushed, renamed and looked at again;
/// the directories on the way are flushed too. Files have mode 0600, directories 0700. The directory
/// is held open, and a path that comes to lead elsewhere, or to an empty mount point, is an error.
/// Directories directly below it are kept when they are empty: one without any is not believed when
/// it says that an object is gone.
#[derive(Debug, Clone)]
pub struct Local {
    root: Arc<Root>,
    place: Arc<Place>,
    patience: Patience,
}

impl Local {
    /// A destination in `root`. Nothing is touched before the first use.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::at(root.into(), MountTable::default(), None)
    }

    /// A destination in a directory that has to be on the mount of `source`.
    pub(crate) fn on_mount(root: PathBuf, source: String) -> Self {
        Self::at(root, MountTable::default(), Some(source))
    }

    fn at(root: PathBuf, mounts: MountTable, required_source: Option<String>) -> Self {
        let place = Place::of(&root);
        let root = Root::new(root, mounts, required_source, Arc::clone(&place));
        Self {
            root: Arc::new(root),
            place,
            patience: Policy::ONCE.into(),
        }
    }

    /// Waits as `patience` says for a file system that hangs.
    #[must_use]
    pub fn with_patience(self, patience: impl Into<Patience>) -> Self {
        let patience = patience.into();
        Self { patience, ..self }
    }

    /// The directory that holds everything.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Does something below the directory. If that cannot be reached, which is also what a stale
    /// handle means, it is opened anew and tried once more.
    async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl Fn(&Arc<Opened>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let root = Arc::clone(&self.root);
        let watched =
            self.place
                .watchdog
                .run(&self.patience, doing, move || match work(&root.open()?) {
                    Err(Error::Unreachable { .. }) => work(&root.reopen()?),
                    outcome => outcome,
                });
        watched.await
    }
}

#[async_trait]
impl Store for Local {
    async fn create(
        &self,
        path: &ObjectPath,
        expected_bytes: u64,
    ) -> Result<Box<dyn ObjectWriter>> {
        let (path, home) = (path.clone(), Arc::clone(&self.root));
        let watched = (self.place.watchdog.clone(), self.patience.clone());
        let writer = self.run("creating a file", move |root| {
            let (home, watched) = (Arc::clone(&home), watched.clone());
            LocalWriter::open(home, root, &path, expected_bytes, watched)
        });
        Ok(Box::new(writer.await?))
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        let (path, home) = (path.clone(), Arc::clone(&self.root));
        let content = self.run("reading a file", move |root| {
            read(root, &path, range.clone()).map_err(|error| home.doubt(root, error))
        });
        let content = content.await?;
        self.patience.prove();
        Ok(content)
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        let (path, home) = (path.clone(), Arc::clone(&self.root));
        self.run("reading a file's size", move |root| {
            match root.file(&path).and_then(|file| file.metadata()) {
                Ok(metadata) => Ok(metadata.len()),
                Err(source) => Err(home.doubt(root, failed(source, &path, "looking at"))),
            }
        })
        .await
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        let prefix = prefix.clone();
        self.run("listing a directory", move |root| root.list(&prefix))
            .await
    }

    async fn is_vacant(&self) -> Result<bool> {
        self.run("looking whether a directory is empty", |root| {
            let vacant = root.is_vacant();
            vacant.map_err(|error| Error::from_io(error, "looking whether the directory is empty"))
        })
        .await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        let (path, home) = (path.clone(), Arc::clone(&self.root));
        self.run("deleting a file", move |root| {
            home.ensure_used(root)?;
            root.remove_file(&path)
        })
        .await
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        let prefix = prefix.clone();
        self.run("deleting a directory", move |root| {
            root.remove_tree(&prefix)
        })
        .await
    }
}

fn read(root: &Opened, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
    let file = root
        .file(path)
        .map_err(|source| failed(source, path, "opening"))?;
    let size = file
        .metadata()
        .map_err(|source| failed(source, path, "looking at"))?
        .len();
    let length = range.end.saturating_sub(range.start);
    let (true, Ok(length)) = (range.end <= size, usize::try_from(length)) else {
        return Err(Error::OutOfRange {
            path: path.clone(),
            size,
            end: range.end,
        });
    };
    let mut content = vec![0; length];
    file.read_exact_at(&mut content, range.start)
        .map_err(|source| failed(source, path, "reading"))?;
    Ok(content.into())
}

/// An operating system's error about one object.
fn failed(source: io::Error, path: &ObjectPath, verb: &str) -> Error {
    if directory::is_absent(&source) {
        return Error::NotFound { path: path.clone() };
    }
    Error::from_io(source, format!("{verb} {path}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn a_directory_passes_the_conformance_suite() {
        let directory = tempfile::tempdir().unwrap();
        conformance::check(&Local::new(directory.path())).await;
        assert_eq!(
            std::fs::read_dir(directory.path()).unwrap().count(),
            0,
            "something was left"
        );
    }

    #[tokio::test]
    async fn a_directory_has_a_marker() {
        let directory = tempfile::tempdir().unwrap();
        conformance::check_marker(&Local::new(directory.path())).await;
    }

    #[tokio::test]
    async fn a_root_that_is_missing_is_not_created() {
        let directory = tempfile::tempdir().unwrap();
        let store = Local::new(directory.path().join("unmounted"));
        let path = ObjectPath::new("a").unwrap();
        let error = store
            .put(&path, Bytes::from_static(b"x"))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        assert!(
            error.to_string().ends_with("unmounted does not exist"),
            "{error}"
        );
        assert!(!store.root().exists());
    }

    #[tokio::test]
    async fn only_the_owner_can_read_what_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let store = Local::new(directory.path());
        store
            .put(&ObjectPath::new("a/b").unwrap(), Bytes::from_static(b"x"))
            .await
            .unwrap();
        let mode = |path: &str| {
            directory
                .path()
                .join(path)
                .metadata()
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!((mode("a"), mode("a/b")), (0o700, 0o600));
    }

    #[tokio::test]
    async fn deleting_a_prefix_takes_what_a_crash_left_there() {
        let directory = tempfile::tempdir().unwrap();
        let store = Local::new(directory.path());
        let mut writer = store
            .create(&ObjectPath::new("a/b").unwrap(), 1)
            .await
            .unwrap();
        writer.append(Bytes::from_static(b"half")).await.unwrap();
        std::mem::forget(writer);
        assert_eq!(
            std::fs::read_dir(directory.path().join("a"))
                .unwrap()
                .count(),
            1
        );
        store
            .delete_prefix(&ObjectPath::new("a").unwrap())
            .await
            .unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
