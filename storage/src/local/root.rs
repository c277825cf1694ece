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
        Err(self.another("is another directory than before"))
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
            // A place without a marker may well be a new one.
            Error::NotFound { path } if path.is_marker() => Error::NotFound { path },
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
            return Err(self.another(&format!("is not on the mount of {required}")));
        }
        // A server's mount has a new device each time it is mounted.
        if let Some(previous) = previous
            && required.is_none()
            && (source.is_some() || previous.device != status.st_dev)
        {
            return Err(self.another("is on another file system than before"));
        }
        let above = fstatat(&directory, "..", AtFlags::empty())
            .map_err(|errno| self.failed(errno.into()))?;
        let mounted = above.st_dev != status.st_dev;
        if !self.place.is_as_mounted_as_before(mounted) {
            return Err(self.another("had something mounted on it, and has not any more"));
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

    /// What is there now is not what was there: nothing is done in it, and it says nothing of what is gone.
    fn another(&self, what: &str) -> Error {
        Error::Unproved {
            reason: format!("{} {what}", self.path.display()),
        }
    }

    fn unreachable(&self, what: &str) -> Error {
        Error::Unreachable {
            reason: format!("{} {what}", self.path.display()),
        }
    }
}

#[cfg(test)]
mod tests;
