//! One file on its way into a local destination: temporary until it is committed.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::OwnedFd,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use nix::{
    errno::Errno,
    fcntl::{AtFlags, OFlag, PosixFadviseAdvice, openat, posix_fadvise, renameat},
    sys::stat::{Mode, fstatat},
    unistd::{UnlinkatFlags, unlinkat},
};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{
    directory::{is_absent, name_of, sync, writing},
    root::{Opened, Root},
    watchdog::Watchdog,
};
use crate::{Error, ObjectPath, ObjectWriter, Result, gather::Gather, reserve::Reserve};

/// A delete may take the directory that is just being written to; then it is created again.
const OPEN_ATTEMPTS: usize = 16;
/// What one thread is started for.
const BLOCK_BYTES: usize = 1 << 20;
/// How much may wait in the page cache before it is flushed, while more is written: the disk is not
/// idle until the end, and no flush takes long.
const FLUSH_BYTES: u64 = 64 << 20;

/// Writes to a temporary name, and renames.
pub(super) struct LocalWriter {
    watchdog: Watchdog,
    file: Arc<File>,
    temporary: Temporary,
    gather: Gather,
    reserve: Reserve,
    written_bytes: u64,
    unflushed_bytes: u64,
    flushing: Option<JoinHandle<Result<()>>>,
    /// An append is under way, or was given up half way: then bytes may be missing.
    torn: bool,
}

impl LocalWriter {
    pub(super) fn open(
        home: Arc<Root>,
        root: &Arc<Opened>,
        path: &ObjectPath,
        expected_bytes: u64,
        watchdog: Watchdog,
    ) -> Result<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a name that nobody else has, seen by nobody"
        )]
        let temporary = format!(".{}.{}", name_of(path), Uuid::now_v7().simple());
        let mut reserve = Reserve::new(expected_bytes);
        if reserve.is_due(0) {
            let available = root.available_bytes();
            let available = available.map_err(|error| writing(error, "creating", path))?;
            reserve.check(available, &format!("creating {path}"))?;
        }
        let mut attempt = 1;
        let (directory, file) = loop {
            match create(root, path, &temporary) {
                Err(error) if is_absent(&error) && attempt < OPEN_ATTEMPTS => attempt += 1,
                outcome => break outcome.map_err(|error| writing(error, "creating", path))?,
            }
        };
        Ok(Self {
            watchdog,
            file: Arc::new(file),
            temporary: Temporary(Some(Place {
                home,
                root: Arc::clone(root),
                directory,
                name: temporary,
                path: path.clone(),
            })),
            gather: Gather::new(BLOCK_BYTES),
            reserve,
            written_bytes: 0,
            unflushed_bytes: 0,
            flushing: None,
            torn: false,
        })
    }

    async fn write(&mut self, blocks: Vec<Bytes>) -> Result<()> {
        let bytes: u64 = blocks.iter().map(|block| block.len() as u64).sum();
        if bytes == 0 {
            return Ok(());
        }
        let (file, path) = (Arc::clone(&self.file), self.temporary.path()?);
        let root = self.reserve.is_due(bytes).then(|| self.temporary.root());
        let root = root.transpose()?;
        let written = self.watchdog.run("writing a file", move || {
            let written = blocks
                .iter()
                .try_for_each(|block| (&*file).write_all(block))
                .and_then(|()| root.map(|root| root.available_bytes()).transpose());
            written.map_err(|error| writing(error, "writing", &path))
        });
        if let Some(available) = written.await? {
            let doing = format!("writing {}", self.temporary.path()?);
            self.reserve.check(available, &doing)?;
        }
        self.written_bytes += bytes;
        self.unflushed_bytes += bytes;
        if self.unflushed_bytes >= FLUSH_BYTES {
            self.flush_behind().await?;
        }
        Ok(())
    }

    /// Has what was written so far flushed while more is written.
    async fn flush_behind(&mut self) -> Result<()> {
        self.flushed().await?;
        self.unflushed_bytes = 0;
        let (file, path) = (Arc::clone(&self.file), self.temporary.path()?);
        let watchdog = self.watchdog.clone();
        self.flushing = Some(tokio::spawn(async move {
            let flush = watchdog.run("flushing a file", move || {
                file.sync_data()
                    .map_err(|error| writing(error, "flushing", &path))?;
                forget(&file);
                Ok(())
            });
            flush.await
        }));
        Ok(())
    }

    async fn flushed(&mut self) -> Result<()> {
        let Some(flushing) = &mut self.flushing else {
            return Ok(());
        };
        let flushed = flushing.await;
        self.flushing = None;
        flushed.unwrap_or_else(|lost| {
            Err(Error::Io {
                doing: "flushing a file".into(),
                source: io::Error::other(lost),
            })
        })
    }

    fn ensure_whole(&self) -> Result<()> {
        if !self.torn {
            return Ok(());
        }
        let path = self.temporary.path()?;
        Err(Error::torn(format!("writing {path}")))
    }
}

/// Gives the page cache back what is on disk: nobody reads it soon, and instances have a use for the
/// memory. A file system that keeps it all the same does no harm.
fn forget(file: &File) {
    if let Err(error) = posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED) {
        tracing::debug!(%error, "the page cache keeps what was written");
    }
}

#[async_trait]
impl ObjectWriter for LocalWriter {
    async fn append(&mut self, chunk: Bytes) -> Result<()> {
        self.ensure_whole()?;
        self.torn = true;
        let blocks = self.gather.push(chunk);
        self.write(blocks).await?;
        self.torn = false;
        Ok(())
    }

    fn unconfirmed_bytes(&self) -> u64 {
        self.gather.pending_bytes()
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.ensure_whole()?;
        let rest = self.gather.rest();
        self.write(rest.into_iter().collect()).await?;
        self.flushed().await?;
        // Flushing may take long and may be given up on; only then does the object appear. A server's
        // errors may come here, and not before.
        let (file, path) = (Arc::clone(&self.file), self.temporary.path()?);
        let flush = self.watchdog.run("flushing a file", move || {
            file.sync_all()
                .map_err(|error| writing(error, "flushing", &path))
        });
        flush.await?;
        let (mut temporary, size_bytes) = (self.temporary, self.written_bytes);
        let rename = self
            .watchdog
            .run("renaming a file", move || temporary.rename(size_bytes));
        rename.await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let mut temporary = self.temporary;
        let discard = self.watchdog.run("deleting a file", move || {
            let Some(place) = temporary.0.take() else {
                return Ok(());
            };
            place
                .remove()
                .map_err(|error| writing(error, "discarding", &place.path))
        });
        discard.await
    }
}

fn create(root: &Opened, path: &ObjectPath, name: &str) -> io::Result<(OwnedFd, File)> {
    let directory = root.ensure_parent(path)?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let file = openat(&directory, name, flags, mode)?;
    Ok((directory, File::from(file)))
}

/// A file that goes, and its directories with it, when nobody wants it any more. Once it has been
/// renamed there is nothing left to go.
struct Temporary(Option<Place>);

struct Place {
    home: Arc<Root>,
    root: Arc<Opened>,
    directory: OwnedFd,
    name: String,
    path: ObjectPath,
}

impl Temporary {
    fn place(&self) -> Result<&Place> {
        self.0.as_ref().ok_or_else(|| Error::Io {
            doing: "writing a file".into(),
            source: io::ErrorKind::NotFound.into(),
        })
    }

    fn path(&self) -> Result<ObjectPath> {
        Ok(self.place()?.path.clone())
    }

    fn root(&self) -> Result<Arc<Opened>> {
        Ok(Arc::clone(&self.place()?.root))
    }

    /// Puts the file in its place, durably, and looks whether it is there.
    fn rename(&mut self, size_bytes: u64) -> Result<()> {
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
