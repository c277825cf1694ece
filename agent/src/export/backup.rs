//! A backup that is being read: its manifest and seek table, checked before any of its frames is.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use storage::{
    Store,
    format::{Corrupt, Frame, Location, Manifest, Place, SeekTable, manifest::MAX_MANIFEST_BYTES},
};
use uuid::Uuid;

use super::Error;

/// The end of a frame, which for data is a part of the digest of its content (RFC 8878, section 3.1.1).
pub(super) type Checksum = [u8; 4];

/// An opened backup. That it could be opened says that its parts fit together; only
/// [`verify`](Backup::verify) and [`restore`](Backup::restore) look at its content.
#[derive(Debug)]
pub struct Backup {
    store: Arc<dyn Store>,
    location: Location,
    manifest: Manifest,
    table: SeekTable,
    /// What it was found to be, once the whole of it was read.
    pub(super) verified: Option<Verified>,
}

/// A backup that is what was written.
#[derive(Debug, Default)]
pub(super) struct Verified {
    /// The checksums of its frames.
    pub(super) checksums: Vec<Checksum>,
    /// How much of the disk is not zeros.
    pub(super) data_bytes: u64,
}

impl Backup {
    /// Opens a backup by its place.
    pub async fn open(
        store: Arc<dyn Store>,
        volume_id: Uuid,
        backup_id: Uuid,
    ) -> Result<Self, Error> {
        let location = Location::new(volume_id, backup_id)?;
        let manifest = read_manifest(&*store, &location).await?;
        if (manifest.volume_id, manifest.backup_id) != (volume_id, backup_id) {
            let reason = "it belongs to another backup";
            return Err(Corrupt::new(Place::Manifest, reason).into());
        }
        let table = read_table(&*store, &location, &manifest).await?;
        Ok(Self {
            store,
            location,
            manifest,
            table,
            verified: None,
        })
    }

    /// What the backup says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// How many bytes of a disk it takes to hold it: exactly, once it was [verified](Self::verify), at least so many
    /// before.
    pub fn needed_bytes(&self) -> u64 {
        let known = self.verified.as_ref();
        known.map_or(self.manifest.stored_bytes, |verified| verified.data_bytes)
    }

    pub(super) fn frames(&self) -> impl Iterator<Item = Frame> + Send + '_ {
        self.table.frames()
    }

    /// Bytes of the object.
    pub(super) async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        Ok(self.store.read(&self.location.disk, range).await?)
    }
}

async fn read_manifest(store: &dyn Store, location: &Location) -> Result<Manifest, Error> {
    match store.get(&location.manifest, MAX_MANIFEST_BYTES).await {
        Ok(encoded) => Ok(Manifest::parse(&encoded)?),
        Err(storage::Error::NotFound { path }) => Err(Error::Incomplete(path.to_string())),
        Err(storage::Error::OutOfRange { size, .. }) => {
            let reason = format!("it has {size} bytes, which no manifest has");
            Err(Corrupt::new(Place::Manifest, reason).into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn read_table(
    store: &dyn Store,
    location: &Location,
    manifest: &Manifest,
) -> Result<SeekTable, Error> {
    let size = match store.size(&location.disk).await {
        Err(storage::Error::NotFound { path }) => {
            return Err(Error::Incomplete(path.to_string()));
        }
        size => size?,
    };
    if size != manifest.stored_bytes {
        let reason = format!("it has {size} bytes, {} were stored", manifest.stored_bytes);
        return Err(Corrupt::new(Place::Object, reason).into());
    }
    let Some(start) = size.checked_sub(SeekTable::encoded_bytes(manifest.frame_count)) else {
        let reason = format!(
            "{} frames do not fit into {size} bytes",
            manifest.frame_count
        );
        return Err(Corrupt::new(Place::Manifest, reason).into());
    };
    let encoded = store.read(&location.disk, start..size).await?;
    Ok(SeekTable::parse(
        &encoded,
        size,
        manifest.volume_size_bytes,
    )?)
}
