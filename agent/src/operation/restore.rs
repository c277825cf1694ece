//! Restoring backups in place, and making new volumes of snapshots and backups.

use super::{BackupItem, Completed, Operation, SnapshotItem, Volume, backup::ensure_same_storage};
use crate::{
    driver::{Code, Driver, Failure, Result, SnapshotName},
    export::{self, Backup},
};

impl Operation {
    /// Overwrites a volume with a backup. The backup is read and checked whole before the first
    /// byte of the volume changes: a corrupt one must not cost the volume as well.
    pub(super) async fn overwrite(
        &self,
        volume: &Volume,
        backup: &BackupItem,
    ) -> Result<Completed> {
        if backup.volume_id != volume.id {
            let message = "The backup is of another volume.";
            return Err(Failure::new(Code::ItemNotAvailable, message));
        }
        let driver = self.prepare(volume).await?;
        driver.check_overwrite().await?;
        let mut source = self.open_backup(backup, volume).await?;
        self.tell("Checking the backup");
        source.verify(&self.report.progress).await?;

        self.tell("Restoring the volume from the backup");
        let opened = driver.overwrite().await?;
        self.touch_volume();
        source
            .restore(opened.target(), &self.report.progress)
            .await?;
        opened.close().await?;
        Ok(self.measured(&*driver).await)
    }

    pub(super) async fn restore_backup(
        &self,
        backup: &BackupItem,
        target: &Volume,
    ) -> Result<Completed> {
        let driver = self.prepare(target).await?;
        let source = self.open_backup(backup, target).await?;
        self.tell("Making a new volume of the backup");
        let new = driver.stage().await?;
        source.restore(new.target(), &self.report.progress).await?;
        new.close().await?;
        driver.publish().await?;
        Ok(Completed::default())
    }

    pub(super) async fn restore_snapshot(
        &self,
        volume: &Volume,
        snapshot: &SnapshotItem,
        target: &Volume,
    ) -> Result<Completed> {
        let (kind, target_kind) = (volume.pool.storage_type(), target.pool.storage_type());
        ensure_same_storage("Snapshot", kind, target_kind)?;
        ensure_fits(snapshot.volume_size_bytes, target)?;
        let from = self.prepare(volume).await?;
        let into = self.prepare(target).await?;
        self.tell("Making a new volume of the snapshot");
        let name = SnapshotName::Kept(snapshot.id);
        if !self.clone_snapshot(&*from, name, &*into).await? {
            self.copy_snapshot(&*from, name, &*into).await?;
        }
        into.publish().await?;
        Ok(Completed::default())
    }

    /// Leaves the work to the storage, if it can do it.
    async fn clone_snapshot(
        &self,
        from: &dyn Driver,
        name: SnapshotName,
        into: &dyn Driver,
    ) -> Result<bool> {
        let Some(origin) = from.clone_origin(name) else {
            return Ok(false);
        };
        self.report.progress.enter("Cloning");
        into.stage_clone(&origin).await
    }

    async fn copy_snapshot(
        &self,
        from: &dyn Driver,
        name: SnapshotName,
        into: &dyn Driver,
    ) -> Result<()> {
        let snapshot = from.open_snapshot(name).await?;
        let new = into.stage().await?;
        let progress = &self.report.progress;
        if let Err(error) = export::copy(snapshot.source(), new.target(), progress).await {
            return Err(snapshot.explain(error).await);
        }
        new.close().await?;
        snapshot.finish().await
    }

    /// Opens a backup, and checks by its own manifest that it may become this volume.
    async fn open_backup(&self, backup: &BackupItem, volume: &Volume) -> Result<Backup> {
        let store = self.store(&backup.storage)?;
        let opened = Backup::open(store, backup.volume_id, backup.id).await?;
        let manifest = opened.manifest();
        ensure_same_storage("Backup", manifest.storage_type, volume.pool.storage_type())?;
        ensure_fits(manifest.volume_size_bytes, volume)?;
        Ok(opened)
    }
}

fn ensure_fits(item_bytes: u64, volume: &Volume) -> Result<()> {
    if item_bytes <= volume.size_bytes {
        return Ok(());
    }
    let message = format!(
        "A volume of {} bytes is too small for an item of {item_bytes}.",
        volume.size_bytes
    );
    Err(Failure::new(Code::TargetTooSmall, message))
}
