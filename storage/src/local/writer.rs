//! One file on its way into a local destination: temporary until it is committed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

use super::{
    blocking,
    directory::{Root, sync},
};
use crate::{Error, ObjectPath, ObjectWriter, Result};

/// A delete may take the directory that is just being written to; then it is created again.
const OPEN_ATTEMPTS: usize = 16;

/// Writes to a temporary name, and renames.
pub(super) struct LocalWriter {
    file: Arc<File>,
    temporary: Temporary,
    destination: PathBuf,
    directory: PathBuf,
    path: ObjectPath,
}

impl LocalWriter {
    pub(super) fn open(root: &Root, path: &ObjectPath) -> Result<Self> {
        let destination = root.file(path);
        let name = path.components().next_back().unwrap_or_default();
        #[expect(
            clippy::disallowed_methods,
            reason = "a name that nobody else has, seen by nobody"
        )]
        let temporary = format!(".{name}.{}", Uuid::now_v7().simple());
        let mut attempt = 1;
        loop {
            let directory = root.ensure_parent(path)?;
            let temporary = directory.join(&temporary);
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&temporary)
            {
                Ok(file) => {
                    return Ok(Self {
                        file: Arc::new(file),
                        temporary: Temporary {
                            file: temporary,
                            root: root.clone(),
                            path: path.clone(),
                        },
                        destination,
                        directory,
                        path: path.clone(),
                    });
                }
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound && attempt < OPEN_ATTEMPTS =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(Error::from_io(error, format!("creating {path}"))),
            }
        }
    }
}

#[async_trait]
impl ObjectWriter for LocalWriter {
    async fn append(&mut self, chunk: Bytes) -> Result<()> {
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        blocking("writing a file", move || {
            let written = (&*file).write_all(&chunk);
            written.map_err(|error| Error::from_io(error, format!("writing {path}")))
        })
        .await
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        // Flushing may take long and may be given up on; only then does the object appear.
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        blocking("flushing a file", move || {
            file.sync_all()
                .map_err(|error| Error::from_io(error, format!("flushing {path}")))
        })
        .await?;
        blocking("renaming a file", move || {
            fs::rename(&self.temporary.file, &self.destination)
                .map_err(|error| Error::from_io(error, format!("renaming {}", self.path)))?;
            sync(&self.directory)
        })
        .await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        blocking("deleting a file", move || {
            let removed = self.temporary.remove();
            removed.map_err(|error| Error::from_io(error, format!("discarding {}", self.path)))
        })
        .await
    }
}

/// A file that goes, and its directories with it, when nobody wants it any more. Once it has been
/// renamed there is nothing left to go.
struct Temporary {
    file: PathBuf,
    root: Root,
    path: ObjectPath,
}

impl Temporary {
    fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.file) {
            Ok(()) => self.root.remove_empty_parents(&self.path).map(drop),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::warn!(path = %self.file.display(), %error, "a temporary file stays");
        }
    }
}
