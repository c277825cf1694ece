//! Restoring backups in place, and making new volumes of snapshots and backups.

use super::{
    BackupItem, Completed, Image, Operation, RestoreSource, SnapshotItem, Volume, Work,
    backup::ensure_same_storage, tidy,
};
use crate::{
    driver::{Code, Driver, Failure, Result, SnapshotName},
    export::{self, Backup},
    report::Level,
};

impl Operation {
    /// Overwrites a volume with a backup. The backup is read and checked whole before the first
    /// byte of the volume changes: a corrupt one must not cost the volume as well.
    ///
    /// The cure does not require health: where the image is damaged or gone, a new one can take its place.
    /// That is only permitted, never forced: with a sound image its snapshots stay.
    pub(super) async fn overwrite(
        &self,
        volume: &Volume,
        backup: &BackupItem,
        may_replace: bool,
    ) -> Result<Completed> {
        if backup.volume_id != volume.id {
            let message = "The backup is of another volume.";
            return Err(Failure::new(Code::ItemNotAvailable, message));
        }
        ensure_fits(backup.volume_size_bytes, volume)?;
        let driver = self.driver(volume)?;
        let tidied = tidy(&*driver).await;
        if may_replace && driver.is_replacement(self.id).await? {
            // An earlier attempt came to its end, and could not say so any more.
            return Ok(replaced());
        }
        match driver.check_overwrite().await {
            Ok(()) => tidied?,
            // A damaged image need not be tidied.
            Err(failure) => {
                return self
                    .replace(&*driver, volume, backup, may_replace, failure)
                    .await;
            }
        }
        let mut source = self.open_backup(backup, volume).await?;
        self.tell("Checking the backup");
        source.verify(&self.report.progress).await?;
        let opened = async {
            driver.ensure_room(source.needed_bytes()).await?;
            self.tell("Restoring the volume from the backup");
            driver.overwrite().await
        };
        let opened = match opened.await {
            Ok(opened) => opened,
            Err(failure) => {
                return self
                    .replace(&*driver, volume, backup, may_replace, failure)
                    .await;
            }
        };
        self.volume_touched.set();
        let restored = source.restore(opened.target(), &self.report.progress).await;
        match restored {
            Err(error) if error.is_broken() => {
                if may_replace && let Err(failure) = opened.close().await {
                    let message = format!("Letting go of the image failed: {failure}");
                    self.report.journal.private(Level::Warn, message);
                }
                let broken = Failure::damaged("A part of the volume's image cannot be written.");
                return self
                    .replace(
                        &*driver,
                        volume,
                        backup,
                        may_replace,
                        broken.because(&error),
                    )
                    .await;
            }
            restored => restored?,
        }
        opened.close().await?;
        Ok(self.measured(&*driver).await)
    }

    /// Puts a new image in the place of the volume's, if what keeps that from being overwritten is that it is damaged,
    /// and if that may be. The new one is whole, and checked, before the old one goes.
    ///
    /// That the image is gone may be because its pool is: that proves itself before anything is concluded or made.
    async fn replace(
        &self,
        driver: &dyn Driver,
        volume: &Volume,
        backup: &BackupItem,
        may_replace: bool,
        obstacle: Failure,
    ) -> Result<Completed> {
        if obstacle.code != Code::ImageDamaged {
            return Err(obstacle);
        }
        self.prove_pool(volume).await?;
        if !may_replace {
            let message = format!(
                "{} Restore the backup again and let a new image take its place (replaceImage), which costs the \
                 volume's snapshots, or restore it to a new volume.",
                obstacle.message
            );
            return Err(Failure {
                message,
                ..obstacle
            });
        }
        self.tell(format!("{} A new one takes its place", obstacle.message));
        let source = self.open_backup(backup, volume).await?;
        self.prove_pool(volume).await?;
        let new = driver
            .stage_replacement(self.id, source.needed_bytes())
            .await?;
        source.restore(new.target(), &self.report.progress).await?;
        new.close().await?;
        self.prove_pool(volume).await?;
        self.image_touched.set();
        driver.replace().await?;
        Ok(replaced())
    }

    /// What this operation has made of the volume's image, in this attempt or an earlier one.
    pub(super) async fn image(&self) -> Image {
        let Work::RestoreInPlace {
            volume,
            source: RestoreSource::BackupReplacing(_),
        } = &self.work
        else {
            return Image::Kept;
        };
        let asked = async { self.driver(volume)?.is_replacement(self.id).await };
        match asked.await {
            Ok(true) => Image::Replaced,
            Ok(false) => Image::Kept,
            Err(_) if self.is_first && !self.image_touched.is_set() => Image::Kept,
            Err(_) => Image::Unknown,
        }
    }

    pub(super) async fn restore_backup(
        &self,
        backup: &BackupItem,
        target: &Volume,
    ) -> Result<Completed> {
        let prepared = async {
            let driver = self.prepare(target).await?;
            let source = self.open_backup(backup, target).await?;
            // The backup storage may have been waited for, and the pool have gone meanwhile.
            self.prove_pool(target).await?;
            Ok::<_, Failure>((driver, source))
        };
        // Of the new volume nothing is made yet.
        let (driver, source) = prepared.await.map_err(Failure::before_change)?;
        self.tell("Making a new volume of the backup");
        let new = driver.stage().await?;
        source.restore(new.target(), &self.report.progress).await?;
        new.close().await?;
        self.publish(&*driver, target).await
    }

    pub(super) async fn restore_snapshot(
        &self,
        volume: &Volume,
        snapshot: &SnapshotItem,
        target: &Volume,
    ) -> Result<Completed> {
        let prepared = async {
            let (kind, target_kind) = (volume.pool.storage_type(), target.pool.storage_type());
            ensure_same_storage("Snapshot", kind, target_kind)?;
            ensure_fits(snapshot.volume_size_bytes, target)?;
            Ok::<_, Failure>((self.prepare(volume).await?, self.prepare(target).await?))
        };
        let (from, into) = prepared.await.map_err(Failure::before_change)?;
        self.tell("Making a new volume of the snapshot");
        let name = SnapshotName::Kept(snapshot.id);
        if !self.clone_snapshot(&*from, name, &*into).await? {
            self.copy_snapshot(&*from, name, &*into).await?;
        }
        self.publish(&*into, target).await
    }

    /// Makes a new volume that is filled exist, in a pool that is there before and afterwards: of a disk that has gone
    /// meanwhile nobody knows what is on it.
    async fn publish(&self, driver: &dyn Driver, target: &Volume) -> Result<Completed> {
        self.prove_pool(target).await?;
        driver.publish().await?;
        self.prove_pool(target).await?;
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

/// Why an operation that was to stop is not told to have stopped.
pub(super) fn unknown() -> Failure {
    Failure::storage("Nobody can tell whether a new image has taken the place of the volume's.")
}

pub(super) fn replaced() -> Completed {
    Completed {
        image_replaced: true,
        ..Completed::default()
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
