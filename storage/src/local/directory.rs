//! The directories of a local destination: creating, listing and removing them durably.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use super::failed;
use crate::{Error, Object, ObjectPath, Result};

const REMOVE_ATTEMPTS: usize = 8;

/// The directory below which all objects lie.
#[derive(Debug, Clone)]
pub(super) struct Root(PathBuf);

impl Root {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Where an object lies.
    pub(super) fn file(&self, path: &ObjectPath) -> PathBuf {
        path.components()
            .fold(self.0.clone(), |file, component| file.join(component))
    }

    /// Refuses to go on without the root.
    pub(super) fn ensure_present(&self) -> Result<()> {
        let path = self.0.display();
        match self.0.metadata() {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(Error::Unreachable {
                reason: format!("{path} is not a directory"),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Unreachable {
                reason: format!("directory {path} does not exist"),
            }),
            Err(error) => Err(Error::from_io(error, format!("looking at {path}"))),
        }
    }

    /// Creates the directories above an object, each flushed into the one that holds it.
    pub(super) fn ensure_parent(&self, path: &ObjectPath) -> Result<PathBuf> {
        let mut directory = self.0.clone();
        let depth = path.components().count() - 1;
        for component in path.components().take(depth) {
            let parent = directory.clone();
            directory.push(component);
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => sync(&parent)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::from_io(error, format!("creating {path}"))),
            }
        }
        Ok(directory)
    }

    /// Objects at or below a prefix, without temporaries.
    pub(super) fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        let mut pending = vec![prefix.clone()];
        while let Some(path) = pending.pop() {
            let place = self.file(&path);
            match fs::symlink_metadata(&place) {
                Ok(metadata) if metadata.is_dir() => {
                    pending.extend(list_children(&path, &place)?);
                }
                Ok(metadata) if metadata.is_file() => {
                    found.push(Object {
                        path,
                        size_bytes: metadata.len(),
                    });
                }
                Ok(_) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(failed(error, &path, "looking at")),
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Removes one file, and the directories that are empty without it.
    pub(super) fn remove_file(&self, path: &ObjectPath) -> Result<()> {
        match fs::remove_file(self.file(path)) {
            Ok(()) => self.prune(path),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(failed(error, path, "deleting")),
        }
    }

    /// Removes a file or a directory with all that is in it.
    pub(super) fn remove_tree(&self, path: &ObjectPath) -> Result<()> {
        let place = self.file(path);
        let mut attempt = 1;
        loop {
            match remove_all(&place) {
                Ok(()) => return self.prune(path),
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
        match self.remove_empty_parents(path) {
            Ok(Some(kept)) => sync(&kept),
            Ok(None) => Ok(()),
            Err(error) => Err(failed(error, path, "deleting the directory of")),
        }
    }

    /// Removes the directories above `path` that are empty now. Gives the first that stays.
    pub(super) fn remove_empty_parents(&self, path: &ObjectPath) -> io::Result<Option<PathBuf>> {
        let place = self.file(path);
        for parent in place.ancestors().skip(1) {
            if parent == self.0 {
                return Ok(Some(parent.to_owned()));
            }
            match fs::remove_dir(parent) {
                Ok(()) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                    return Ok(Some(parent.to_owned()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// Removes what there is at `place`, if anything.
fn remove_all(place: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(place) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(place),
        Ok(_) => fs::remove_file(place),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if !is_absent(&error) => Err(error),
        _ => Ok(()),
    }
}

fn list_children(path: &ObjectPath, place: &Path) -> Result<Vec<ObjectPath>> {
    let entries = match fs::read_dir(place) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed(error, path, "listing")),
    };
    let mut children = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(error, path, "listing"))?;
        // A name that is no component is a temporary, or not ours.
        let name = entry.file_name();
        children.extend(name.to_str().and_then(|name| path.join(name).ok()));
    }
    Ok(children)
}

/// Makes a directory's entries durable.
pub(super) fn sync(directory: &Path) -> Result<()> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| Error::from_io(error, format!("flushing {}", directory.display())))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
