//! Making and deleting backups.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use storage::{
    Store,
    format::{
        Location, Manifest,
        manifest::{FORMAT_VERSION, Origin, StorageType},
    },
};

use super::{BackupItem, Completed, Operation, Volume};
use crate::{
    clock,
    driver::{Code, Driver, Failure, OpenSnapshot, Removed, Result, SnapshotName},
    export::{self, Written},
    report::Level,
};

/// What a backup is made with.
struct Begun {
    driver: Box<dyn Driver>,
    store: Arc<dyn Store>,
    location: Location,
    /// The temporary snapshot's.
    name: SnapshotName,
    taken_at: DateTime<Utc>,
    snapshot: OpenSnapshot,
}

impl Operation {
    pub(super) async fn create_backup(
        &self,
        volume: &Volume,
        backup: &BackupItem,
    ) -> Result<Completed> {
        // Until bytes are written, nothing of the backup is in its storage.
        let begun = self.begin_backup(volume, backup).await;
        let Begun {
            driver,
            store,
            location,
            name,
            taken_at,
            snapshot,
        } = begun.map_err(Failure::before_change)?;
        let progress = &self.report.progress;
        let written =
            match export::write(snapshot.source(), &*store, &location.disk, progress).await {
                Ok(written) => written,
                Err(error) => return Err(snapshot.explain(error).await),
            };
        snapshot.finish().await?;
        self.delete_temporary_snapshot(&*driver, name).await;

        let manifest = manifest(volume, backup, &written, taken_at);
        let encoded = manifest.encode().map_err(|error| {
            Failure::new(Code::StorageFailed, "The agent failed.").because(error)
        })?;
        store.put(&location.manifest, encoded.into()).await?;
        self.tell(format!("Stored {} bytes", written.stored_bytes));
        Ok(Completed {
            stored_bytes: Some(written.stored_bytes),
            checksum: Some(format!("blake3:{}", written.object_blake3)),
            ..Completed::default()
        })
    }

    /// Holds the volume still by a snapshot, which is removed when the copy is made, and by the clean-up if it never
    /// is.
    async fn begin_backup(&self, volume: &Volume, backup: &BackupItem) -> Result<Begun> {
        let driver = self.prepare(volume).await?;
        let store = self.store(&backup.storage)?;
        let location = location(backup)?;
        store.delete_prefix(&location.directory).await?;
        self.tell("Taking a temporary snapshot");
        let name = SnapshotName::Temporary(self.id);
        driver.create_snapshot(name).await?;
        let taken_at = clock::now();
        self.tell("Copying the volume to the backup storage");
        let snapshot = driver.open_snapshot(name).await?;
        ensure_size(volume, snapshot.source().size_bytes())?;
        Ok(Begun {
            driver,
            store,
            location,
            name,
            taken_at,
            snapshot,
        })
    }

    /// The copy is made; that the snapshot stays for now is no reason to throw it away.
    async fn delete_temporary_snapshot(&self, driver: &dyn Driver, name: SnapshotName) {
        if let Err(failure) = driver.delete_snapshot(name).await {
            let message = format!("The temporary snapshot stays for now: {failure}");
            self.report.journal.private(Level::Warn, message);
        }
    }

    /// Removes the half of a backup that was made.
    pub(super) async fn undo_backup(&self, backup: &BackupItem) -> Result<()> {
        self.prove_storage(&backup.storage).await?;
        let store = self.store(&backup.storage)?;
        Ok(store.delete_prefix(&location(backup)?.directory).await?)
    }

    pub(super) async fn delete_backup(&self, backup: &BackupItem) -> Result<Completed> {
        self.tell("Deleting the backup");
        let opened = self.store(&backup.storage);
        let store = opened.map_err(|failure| self.not_begun(failure))?;
        let location = location(backup).map_err(|failure| self.not_begun(failure))?;
        match remove(&*store, &location).await {
            Ok(()) => Ok(Completed::default()),
            Err(failure) => {
                let is_there = is_there(&*store, &location);
                Err(self.judged(failure, is_there).await)
            }
        }
    }
}

/// Removes a backup, its manifest first: without that it is none any more, however little of the rest is gone.
async fn remove(store: &dyn Store, location: &Location) -> Result<()> {
    // Whether the storage can be reached at all is known before anything goes.
    let was_there = is_there(store, location)
        .await
        .map_err(Failure::before_change)?;
    let manifest = store.delete(&location.manifest).await;
    manifest.map_err(|error| {
        // Where it is another place than a moment ago, nothing is done.
        let is_untouched = !was_there || matches!(error, storage::Error::Unproved { .. });
        let failure = Failure::from(error);
        if is_untouched {
            failure.before_change()
        } else {
            failure
        }
    })?;
    // One that confirms a deletion and does nothing is asked for no more: the backup is whole.
    if is_there(store, location)
        .await
        .is_ok_and(|is_there| is_there)
    {
        let reason = format!("{} is there still, once deleted", location.manifest);
        return Err(Failure::from(storage::Error::Unfaithful { reason }).before_change());
    }
    let rest = store.delete_prefix(&location.directory).await;
    rest.map_err(|error| Failure::from(error).having_removed(Removed::Some))
}

async fn is_there(store: &dyn Store, location: &Location) -> Result<bool> {
    match store.size(&location.manifest).await {
        Ok(_) => Ok(true),
        Err(storage::Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A volume may be resized by others until the snapshot holds it still.
fn ensure_size(volume: &Volume, found: u64) -> Result<()> {
    if found == volume.size_bytes {
        return Ok(());
    }
    let message = format!(
        "The volume cannot be worked on: its snapshot holds {found} bytes instead of {}.",
        volume.size_bytes
    );
    Err(Failure::storage(message))
}

fn location(backup: &BackupItem) -> Result<Location> {
    Ok(Location::new(backup.volume_id, backup.id)?)
}

fn manifest(
    volume: &Volume,
    backup: &BackupItem,
    written: &Written,
    taken_at: DateTime<Utc>,
) -> Manifest {
    let (owner, belongs) = (backup.owner.clone(), volume.belongs.clone());
    let origin = Origin {
        installation_id: owner.installation_id,
        account_id: owner.account.id,
        account_name: owner.account.name,
        pool_id: belongs.pool.id,
        pool_name: belongs.pool.name,
        group_id: belongs.group.id,
        group_name: belongs.group.name,
    };
    Manifest {
        format_version: FORMAT_VERSION,
        tidemark_version: env!("CARGO_PKG_VERSION").into(),
        backup_id: backup.id,
        backup_name: backup.name.clone(),
        volume_id: volume.id,
        volume_name: volume.name.clone(),
        plan_id: belongs.plan.id,
        plan_name: belongs.plan.name,
        origin: Some(origin),
        storage_type: volume.pool.storage_type(),
        volume_size_bytes: volume.size_bytes,
        frame_count: written.frame_count,
        stored_bytes: written.stored_bytes,
        object_blake3: written.object_blake3,
        disk_blake3: written.disk_blake3,
        created_at: backup.created_at,
        taken_at,
        completed_at: clock::now(),
    }
}

/// An item, a "Backup" or a "Snapshot", restores onto its own kind of storage only.
pub(super) fn ensure_same_storage(
    what: &str,
    item: StorageType,
    volume: StorageType,
) -> Result<()> {
    if item == volume {
        return Ok(());
    }
    let message = format!(
        "{what} created on {item} cannot restore onto a plan backed by {volume}. Choose a target \
         plan whose storage type matches the source volume's storage type."
    );
    Err(Failure::new(Code::StorageTypeMismatch, message))
}
