//! The file of an object that is not committed yet: under another name, and gone unless it is renamed.

use std::{fs::File, io, os::fd::OwnedFd, sync::Arc};

use nix::{
    errno::Errno,
    fcntl::{AtFlags, OFlag, openat, renameat},
    sys::stat::{Mode, fstatat},
    unistd::{UnlinkatFlags, unlinkat},
};
use uuid::Uuid;

use super::{
    directory::{is_absent, name_of, sync, writing},
    root::{Opened, Root},
};
use crate::{Error, ObjectPath, Result};

/// A delete may take the directory that is just being written to; then it is created again.
const OPEN_ATTEMPTS: usize = 16;

/// A file that goes, and its directories with it, when nobody wants it any more. Once it has been
/// renamed there is nothing left to go.
pub(super) struct Temporary(Option<Place>);

struct Place {
    home: Arc<Root>,
    root: Arc<Opened>,
    directory: OwnedFd,
    name: String,
    path: ObjectPath,
}

impl Temporary {
    /// Creates the file that becomes the object `path`.
    pub(super) fn create(
        home: Arc<Root>,
        root: &Arc<Opened>,
        path: &ObjectPath,
    ) -> Result<(Self, File)> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a name that nobody else has, seen by nobody"
        )]
        let name = format!(".{}.{}", name_of(path), Uuid::now_v7().simple());
        let mut attempt = 1;
        let (directory, file) = loop {
            match create(root, path, &name) {
                Err(error) if is_absent(&error) && attempt < OPEN_ATTEMPTS => attempt += 1,
                outcome => break outcome.map_err(|error| writing(error, "creating", path))?,
            }
        };
        let place = Place {
            home,
            root: Arc::clone(root),
            directory,
            name,
            path: path.clone(),
        };
        Ok((Self(Some(place)), file))
    }

    fn place(&self) -> Result<&Place> {
        self.0.as_ref().ok_or_else(|| Error::Io {
            doing: "writing a file".into(),
            source: io::ErrorKind::NotFound.into(),
        })
    }

    pub(super) fn path(&self) -> Result<ObjectPath> {
        Ok(self.place()?.path.clone())
    }

    /// The destination's directory, and as it was opened.
    pub(super) fn root(&self) -> Result<(Arc<Root>, Arc<Opened>)> {
        let place = self.place()?;
        Ok((Arc::clone(&place.home), Arc::clone(&place.root)))
    }

    /// Puts the file in its place, durably, and looks whether it is there.
    pub(super) fn rename(&mut self, size_bytes: u64) -> Result<()> {
        let place = self.place()?;
        place.home.ensure_same(&place.root)?;
        let (directory, path, to) = (&place.directory, &place.path, name_of(&place.path));
        renameat(directory, place.name.as_str(), directory, to)
            .map_err(|errno| writing(errno.into(), "renaming", path))?;
        let synced = sync(directory).map_err(|error| writing(error, "flushing", path));
        let status = fstatat(directory, to, AtFlags::AT_SYMLINK_NOFOLLOW);
        let path = path.clone();
        self.0 = None;
        synced?;
        let status = status.map_err(|errno| writing(errno.into(), "looking at", &path))?;
        if u64::try_from(status.st_size) == Ok(size_bytes) {
            return Ok(());
        }
        Err(Error::Unfaithful {
            reason: format!(
                "{size_bytes} bytes were written to {path}, it has {}",
                status.st_size
            ),
        })
    }

    /// Removes the file.
    pub(super) fn discard(mut self) -> Result<()> {
        let Some(place) = self.0.take() else {
            return Ok(());
        };
        place
            .remove()
            .map_err(|error| writing(error, "discarding", &place.path))
    }
}

impl Place {
    fn remove(&self) -> io::Result<()> {
        match unlinkat(
            &self.directory,
            self.name.as_str(),
            UnlinkatFlags::NoRemoveDir,
        ) {
            Ok(()) => self.root.remove_empty_parents(&self.path).map(drop),
            Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn discard(&self) {
        if let Err(error) = self.remove() {
            tracing::warn!(path = %self.path, %error, "a temporary file stays");
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let Some(place) = self.0.take() else {
            return;
        };
        // Whoever drops us must not wait for a disk or a server.
        let thread = std::thread::Builder::new().name("storage-io".into());
        if let Err(error) = thread.spawn(move || place.discard()) {
            tracing::warn!(%error, "a temporary file stays: no thread to remove it");
        }
    }
}

fn create(root: &Opened, path: &ObjectPath, name: &str) -> io::Result<(OwnedFd, File)> {
    let directory = root.ensure_parent(path)?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let file = openat(&directory, name, flags, mode)?;
    Ok((directory, File::from(file)))
}
