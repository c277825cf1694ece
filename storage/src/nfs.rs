//! A destination in a directory of an NFS export, spoken to directly: no mount, no kernel client.
//!
//! The protocol is NFS 4.1 by the library `nfs-rs`. What this module adds is what a mount would give:
//! one connection that comes back ([`connection`]), files that appear whole ([`writer`]), errors by
//! what can be done about them ([`failure`]), and a limit on every wait.

mod connection;
mod directory;
mod failure;
mod file;
mod pace;
mod temporary;
mod writer;

use std::{collections::VecDeque, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use self::{
    connection::{Connection, Mounted},
    failure::Outcome,
    writer::NfsWriter,
};
use crate::{
    Error, Local, NfsExport, Object, ObjectPath, ObjectWriter, Patience, Policy, Result, Retry,
    Store, local::mount::MountTable, nfs_export::Address,
};

/// READs in flight for one range.
const READ_WINDOW: usize = 8;
const MAX_READ_BYTES: u32 = 1 << 20;

/// Objects as files below one directory of an export. Both have to exist already.
///
/// Files are written under a temporary name, flushed by the server, closed, renamed and looked at
/// again. Files have mode 0600, directories 0700; they belong to the user that the server takes this
/// process for.
#[derive(Debug)]
pub struct Nfs {
    connection: Connection,
    patience: Patience,
}

impl Nfs {
    /// A destination in `export`. It is connected to at the first use.
    pub fn new(export: &NfsExport) -> Result<Self> {
        Ok(Self {
            connection: Connection::new(Address::new(export)?),
            patience: Policy::ONCE.into(),
        })
    }

    /// Waits as `patience` says for a server that is gone while it is written to.
    #[must_use]
    pub fn with_patience(self, patience: impl Into<Patience>) -> Self {
        let patience = patience.into();
        Self { patience, ..self }
    }
}

/// The store of an export: by the host's own mount of it where there is one, else directly.
pub(crate) fn open(export: &NfsExport, patience: Patience) -> Result<Arc<dyn Store>> {
    let address = Address::new(export)?;
    if let Some((path, source)) = MountTable::default().find_export(&address) {
        let local = Local::on_mount(path, source).with_patience(patience);
        return Ok(Arc::new(local));
    }
    let store = Arc::new(Nfs::new(export)?.with_patience(patience.clone()));
    Ok(Arc::new(Retry::new(store, patience)))
}

#[async_trait]
impl Store for Nfs {
    async fn create(
        &self,
        path: &ObjectPath,
        expected_bytes: u64,
    ) -> Result<Box<dyn ObjectWriter>> {
        let (connection, patience) = (self.connection.clone(), self.patience.clone());
        let writer = NfsWriter::open(connection, patience, path.clone(), expected_bytes);
        Ok(Box::new(writer.await?))
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        let path = path.clone();
        self.connection
            .run(format!("reading {path}"), move |mounted| {
                let (path, range) = (path.clone(), range.clone());
                async move { read(&mounted, &path, range).await }
            })
            .await
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        let path = path.clone();
        self.connection
            .run(format!("looking at {path}"), move |mounted| {
                let path = path.clone();
                async move { Ok(mounted.find_file(&path).await?.size_bytes) }
            })
            .await
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        let prefix = prefix.clone();
        self.connection
            .run(format!("listing {prefix}"), move |mounted| {
                let prefix = prefix.clone();
                async move { mounted.list_objects(&prefix).await }
            })
            .await
    }

    async fn is_vacant(&self) -> Result<bool> {
        self.connection
            .run(
                "looking whether the directory is empty",
                |mounted| async move { mounted.is_vacant().await },
            )
            .await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        let path = path.clone();
        self.connection
            .run(format!("deleting {path}"), move |mounted| {
                let path = path.clone();
                async move {
                    mounted.ensure_used().await?;
                    mounted.remove_file(path.as_str()).await
                }
            })
            .await
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        let prefix = prefix.clone();
        self.connection
            .run(format!("deleting {prefix}"), move |mounted| {
                let prefix = prefix.clone();
                async move { mounted.remove_tree(&prefix).await }
            })
            .await
    }
}

async fn read(mounted: &Arc<Mounted>, path: &ObjectPath, range: Range<u64>) -> Outcome<Bytes> {
    let found = mounted.find_file(path).await?;
    let (size, end) = (found.size_bytes, range.end);
    let length = usize::try_from(end.saturating_sub(range.start));
    let (true, Ok(length)) = (end <= size, length) else {
        let path = path.clone();
        return Err(Error::OutOfRange { path, size, end }.into());
    };
    let piece_bytes = mounted.io_bytes().0.clamp(1, MAX_READ_BYTES);
    let mut content = BytesMut::with_capacity(length);
    let mut in_flight = VecDeque::with_capacity(READ_WINDOW);
    let mut next = range.start;
    loop {
        while next < end && in_flight.len() < READ_WINDOW {
            let piece = next..end.min(next + u64::from(piece_bytes));
            next = piece.end;
            let (mounted, handle) = (Arc::clone(mounted), found.handle.clone());
            in_flight.push_back(tokio::spawn(async move {
                read_piece(&mounted, handle, piece).await
            }));
        }
        let Some(piece) = in_flight.pop_front() else {
            return Ok(content.freeze());
        };
        let pieces = piece.await.map_err(|lost| Error::Io {
            doing: format!("reading {path}"),
            source: std::io::Error::other(lost),
        })?;
        for piece in pieces? {
            content.extend_from_slice(&piece);
        }
    }
}

/// Reads a piece whole; a server may give less than it is asked for.
async fn read_piece(mounted: &Mounted, handle: Bytes, piece: Range<u64>) -> Outcome<Vec<Bytes>> {
    let mut pieces = Vec::with_capacity(1);
    let mut offset = piece.start;
    while offset < piece.end {
        let handle = handle.clone();
        let count = u32::try_from(piece.end - offset).unwrap_or(u32::MAX);
        let got = mounted
            .ask(|mount| async move { mount.read(handle, offset, count).await })
            .await?;
        if got.is_empty() || got.len() as u64 > piece.end - offset {
            return Err(Error::Unfaithful {
                reason: format!("{count} bytes were asked for, {} came", got.len()),
            }
            .into());
        }
        offset += got.len() as u64;
        pieces.push(got);
    }
    Ok(pieces)
}
