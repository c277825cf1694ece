//! What lies below a local destination's directory, reached step by step from its open handle: a
//! symbolic link is never followed.

use std::{
    ffi::{CStr, CString},
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
};

use nix::{
    dir::Dir,
    errno::Errno,
    fcntl::{AtFlags, OFlag, openat},
    sys::stat::{FileStat, Mode, SFlag, fstatat, mkdirat},
    unistd::{UnlinkatFlags, unlinkat},
};

use super::{failed, root::Opened};
use crate::{
    Error, Object, ObjectPath, Result,
    path::{OUTERMOST, is_nothing},
};

const REMOVE_ATTEMPTS: usize = 8;

impl Opened {
    /// The directory that has the object in it.
    pub(super) fn parent(&self, path: &ObjectPath) -> io::Result<OwnedFd> {
        let depth = path.components().count() - 1;
        self.walk(path.components().take(depth))
    }

    fn walk<'a>(&self, components: impl Iterator<Item = &'a str>) -> io::Result<OwnedFd> {
        let mut directory = self.directory.try_clone()?;
        for component in components {
            directory = open_directory(&directory, component)?;
        }
        Ok(directory)
    }

    /// Whether there is nothing at all, not even what was left half done.
    pub(super) fn is_empty(&self) -> io::Result<bool> {
        Ok(names(&self.directory)?.is_empty())
    }

    /// Whether there is nothing but what file systems bring, what tests leave, and the marker.
    pub(super) fn is_vacant(&self) -> io::Result<bool> {
        for name in names(&self.directory)? {
            let Ok(name) = name.to_str() else {
                return Ok(false);
            };
            let counts = if name == OUTERMOST {
                match open_directory(&self.directory, name) {
                    Ok(directory) => !names(directory)?.is_empty(),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                    // It is something else, which is something.
                    Err(error) if is_absent(&error) => true,
                    Err(error) => return Err(error),
                }
            } else {
                !is_nothing(name)
            };
            if counts {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Opens an object's file.
    pub(super) fn file(&self, path: &ObjectPath) -> io::Result<File> {
        let parent = self.parent(path)?;
        // Not to wait for the writer of a pipe that somebody put there.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let file = File::from(openat(&parent, name_of(path), flags, Mode::empty())?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// The directory that has the object in it; it and those above are created, each flushed into the
    /// one that holds it.
    pub(super) fn ensure_parent(&self, path: &ObjectPath) -> io::Result<OwnedFd> {
        let mut directory = self.directory.try_clone()?;
        let depth = path.components().count() - 1;
        for component in path.components().take(depth) {
            match mkdirat(&directory, component, Mode::S_IRWXU) {
                Ok(()) => sync(&directory)?,
                Err(Errno::EEXIST) => {}
                // What is there need not be created, whoever may create.
                Err(errno) => {
                    if let Ok(there) = open_directory(&directory, component) {
                        directory = there;
                        continue;
                    }
                    return Err(errno.into());
                }
            }
            directory = open_directory(&directory, component)?;
        }
        Ok(directory)
    }

    /// Objects at or below a prefix, without temporaries.
    pub(super) fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        let parent = self.parent(prefix).and_then(|parent| {
            ensure_no_link(&parent, name_of(prefix))?;
            Ok(parent)
        });
        match parent {
            Ok(parent) => collect(&parent, prefix, &mut found)?,
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(failed(error, prefix, "listing")),
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Removes one file, and the directories that are empty without it.
    pub(super) fn remove_file(&self, path: &ObjectPath) -> Result<()> {
        let removed = self.parent(path).and_then(|parent| {
            Ok(unlinkat(
                &parent,
                name_of(path),
                UnlinkatFlags::NoRemoveDir,
            )?)
        });
        match removed {
            Ok(()) => self.prune(path),
            // A directory is no object.
            Err(error) if is_absent(&error) || error.kind() == io::ErrorKind::IsADirectory => {
                Ok(())
            }
            Err(error) => Err(failed(error, path, "deleting")),
        }
    }

    /// Removes a file or a directory with all that is in it.
    pub(super) fn remove_tree(&self, path: &ObjectPath) -> Result<()> {
        let name = CString::new(name_of(path))
            .map_err(|error| failed(io::Error::other(error), path, "deleting"))?;
        let mut attempt = 1;
        loop {
            let removed = self.parent(path).and_then(|parent| {
                ensure_no_link(&parent, name_of(path))?;
                remove_all(&parent, &name)
            });
            match removed {
                Ok(()) => return self.prune(path),
                Err(error) if is_absent(&error) => return self.prune(path),
                // A writer that is just being dropped has renamed a file behind our back.
                Err(error)
                    if error.kind() == io::ErrorKind::DirectoryNotEmpty
                        && attempt < REMOVE_ATTEMPTS =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(failed(error, path, "deleting")),
            }
        }
    }

    /// Removes the directories above `path` that are empty now, and makes it durable.
    fn prune(&self, path: &ObjectPath) -> Result<()> {
        let kept = self.remove_empty_parents(path);
        kept.and_then(|kept| sync(&kept))
            .map_err(|error| failed(error, path, "deleting the directory of"))
    }

    /// Removes the directories above `path` that are empty now, but for the outermost: that it is
    /// there says that the destination is. Gives the first that stays.
    pub(super) fn remove_empty_parents(&self, path: &ObjectPath) -> io::Result<OwnedFd> {
        let components: Vec<&str> = path.components().collect();
        for depth in (2..components.len()).rev() {
            let above = match self.walk(components[..depth - 1].iter().copied()) {
                Ok(above) => above,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(error),
            };
            match unlinkat(&above, components[depth - 1], UnlinkatFlags::RemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(Errno::ENOTEMPTY | Errno::EEXIST) => {
                    return self.walk(components[..depth].iter().copied());
                }
                Err(errno) => return Err(errno.into()),
            }
        }
        let outermost = components.len().saturating_sub(1).min(1);
        match self.walk(components[..outermost].iter().copied()) {
            Err(error) if is_absent(&error) => self.directory.try_clone(),
            outcome => outcome,
        }
    }
}

/// The last component.
pub(super) fn name_of(path: &ObjectPath) -> &str {
    path.components().next_back().unwrap_or_default()
}

fn open_directory(parent: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match openat(&parent, name, flags, Mode::empty()) {
        Ok(directory) => Ok(directory),
        Err(Errno::ENOTDIR) => {
            ensure_no_link(&parent, name)?;
            Err(Errno::ENOTDIR.into())
        }
        Err(errno) => Err(errno.into()),
    }
}

/// Refuses a symbolic link: what lies behind it is not looked at, so that nothing is known to be absent there.
fn ensure_no_link(parent: impl AsFd, name: &str) -> io::Result<()> {
    match fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(status) if kind_of(&status) == SFlag::S_IFLNK => {
            let message = format!("{name} is a symbolic link, and none is followed");
            Err(io::Error::other(message))
        }
        _ => Ok(()),
    }
}

fn kind_of(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

/// The names in a directory, but for itself and its parent.
fn names(directory: impl AsFd) -> io::Result<Vec<CString>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut names = Vec::new();
    for entry in Dir::openat(directory, c".", flags, Mode::empty())?.iter() {
        let entry = entry?;
        if ![c".", c".."].contains(&entry.file_name()) {
            names.push(entry.file_name().to_owned());
        }
    }
    Ok(names)
}

/// Adds what lies under a name of `parent`: the object, or the objects below it.
fn collect(parent: &OwnedFd, path: &ObjectPath, found: &mut Vec<Object>) -> Result<()> {
    let failed = |error| failed(error, path, "listing");
    let status = match fstatat(parent, name_of(path), AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(status) => status,
        Err(Errno::ENOENT) => return Ok(()),
        Err(errno) => return Err(failed(errno.into())),
    };
    let kind = kind_of(&status);
    if kind == SFlag::S_IFREG {
        found.push(Object {
            path: path.clone(),
            size_bytes: u64::try_from(status.st_size).unwrap_or_default(),
        });
    }
    if kind != SFlag::S_IFDIR {
        return Ok(());
    }
    let children = open_directory(parent, name_of(path))
        .and_then(|directory| Ok((names(&directory)?, directory)));
    let (children, directory) = match children {
        Ok(children) => children,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for child in children {
        // A name that is no component is a temporary, or not ours.
        let child = child.to_str().ok().and_then(|name| path.join(name).ok());
        if let Some(child) = child {
            collect(&directory, &child, found)?;
        }
    }
    Ok(())
}

/// Removes what there is under a name, if anything.
fn remove_all(parent: impl AsFd, name: &CStr) -> io::Result<()> {
    match unlinkat(&parent, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => return Ok(()),
        Err(Errno::EISDIR | Errno::EPERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = match openat(&parent, name, flags, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::ENOENT) => return Ok(()),
        // It is no directory after all: we may not remove it.
        Err(Errno::ENOTDIR) => return Err(Errno::EPERM.into()),
        Err(errno) => return Err(errno.into()),
    };
    for child in names(&directory)? {
        remove_all(&directory, &child)?;
    }
    match unlinkat(&parent, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Makes a directory's entries durable.
pub(super) fn sync(directory: &OwnedFd) -> io::Result<()> {
    Ok(nix::unistd::fsync(directory)?)
}

/// The error of something that concerns an object that is being written.
pub(super) fn writing(error: io::Error, verb: &str, path: &ObjectPath) -> Error {
    Error::from_io(error, format!("{verb} {path}"))
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
