//! Volumes as qcow2 files whose instance may be running.
//!
//! While a QEMU has the image open, nobody else may change it: snapshots are taken and removed by
//! that QEMU itself, which is asked by QMP. Whether it does have it open is asked anew for each
//! step, because instances start and stop as they like; without it, the file's own driver does the
//! step, and the lock on the file has the last word. Content is read the same way in both cases.
//!
//! QEMU is asked for two lists and for the two commands that take and remove a snapshot. Nothing
//! here stops an instance or makes it wait for us.

mod attachment;
mod node;

use std::path::PathBuf;

use async_trait::async_trait;
use uuid::Uuid;

use self::attachment::Attachment;
use super::{
    Code, Driver, Failure, OpenSnapshot, OpenTarget, Removed, Result, Retained, SnapshotName,
    Touched, qcow2_file::Qcow2File,
};
use crate::lock::Keyed;

/// One volume's image, and where the QEMU would be found that has it.
pub struct Qcow2Live {
    file: Qcow2File,
    socket: PathBuf,
    monitors: Keyed<PathBuf>,
}

impl Qcow2Live {
    /// The volume in `file`, whose instance takes commands at `socket`.
    pub fn new(file: Qcow2File, socket: PathBuf, monitors: Keyed<PathBuf>) -> Self {
        Self {
            file,
            socket,
            monitors,
        }
    }

    /// The QEMU that has the image open, or nothing if none does.
    async fn attachment(&self) -> Result<Option<Attachment>> {
        Attachment::find(&self.file, &self.socket, &self.monitors).await
    }

    /// Refuses what cannot be done under a running instance.
    async fn ensure_detached(&self, message: &str) -> Result<()> {
        match self.attachment().await? {
            Some(_) => Err(Failure::new(Code::VolumeAttached, message)),
            None => Ok(()),
        }
    }

    async fn ensure_restorable(&self) -> Result<()> {
        self.ensure_detached(
            "Cannot restore in-place while attached to a running instance. Stop the instance or \
             detach the volume first.",
        )
        .await
    }
}

#[async_trait]
impl Driver for Qcow2Live {
    async fn clean_up(&self) -> Result<()> {
        if let Some(mut qemu) = self.attachment().await? {
            match self.file.remove_leftovers(&mut qemu).await {
                Err(_) if qemu.has_ended() => self.file.suspect().await?,
                outcome => return outcome,
            }
        }
        self.file.clean_up().await
    }

    async fn repair(&self) -> Result<()> {
        // An instance keeps its image, and it is checked once that is stopped.
        if self.file.is_to_be_repaired().await? && self.attachment().await?.is_none() {
            self.file.repair().await?;
        }
        Ok(())
    }

    async fn create(&self) -> Result<()> {
        self.file.create().await
    }

    async fn delete(&self) -> Result<()> {
        self.ensure_detached(
            "Cannot delete the volume while attached to a running instance. Stop the instance or \
             detach the volume first.",
        )
        .await
        .map_err(Failure::before_change)?;
        self.file.delete().await
    }

    async fn is_there(&self) -> Result<bool> {
        self.file.is_there().await
    }

    async fn create_snapshot(&self, name: SnapshotName) -> Result<()> {
        let attachment = self.attachment().await.map_err(Failure::before_change)?;
        match attachment {
            Some(mut qemu) => {
                let sound = self.file.check_beside_writer().await;
                sound.map_err(Failure::before_change)?;
                let taken = self.file.take(&mut qemu, name).await;
                if taken.is_err() && qemu.may_have_leaked() {
                    self.file.suspect().await?;
                }
                taken
            }
            None => self.file.create_snapshot(name).await,
        }
    }

    async fn delete_snapshot(&self, name: SnapshotName) -> Result<()> {
        let attachment = self.attachment().await.map_err(Failure::before_change)?;
        let Some(mut qemu) = attachment else {
            self.file.delete_snapshot(name).await?;
            return self.repair().await;
        };
        match self.file.remove(&mut qemu, name).await {
            Err(_) if qemu.has_ended() => {}
            outcome => return outcome,
        }
        // Looking for it anew waits for whoever holds its socket.
        drop(qemu);
        let deleted = async {
            self.file.suspect().await?;
            self.file.delete_snapshot(name).await
        };
        // If it has not ended after all, it may do yet what it was asked for.
        deleted
            .await
            .map_err(|failure| failure.having_removed(Removed::Unknown))?;
        self.repair().await
    }

    async fn has_snapshot(&self, name: SnapshotName) -> Result<bool> {
        self.file.has_snapshot(name).await
    }

    async fn check_roll_back(&self, name: SnapshotName) -> Result<()> {
        self.ensure_restorable().await?;
        self.file.check_roll_back(name).await
    }

    async fn roll_back(&self, name: SnapshotName, touched: &Touched) -> Result<()> {
        self.ensure_restorable().await?;
        self.file.roll_back(name, touched).await
    }

    async fn retained(&self) -> Result<Vec<Retained>> {
        self.file.retained().await
    }

    async fn open_snapshot(&self, name: SnapshotName) -> Result<OpenSnapshot> {
        self.file.open_snapshot(name).await
    }

    async fn check_overwrite(&self) -> Result<()> {
        self.ensure_restorable().await?;
        self.file.check_overwrite().await
    }

    async fn overwrite(&self) -> Result<OpenTarget> {
        self.ensure_restorable().await?;
        self.file.overwrite().await
    }

    async fn ensure_room(&self, data_bytes: u64) -> Result<()> {
        self.file.ensure_room(data_bytes).await
    }

    async fn stage_replacement(&self, by: Uuid, stored_bytes: u64) -> Result<OpenTarget> {
        self.ensure_restorable().await?;
        self.file.stage_replacement(by, stored_bytes).await
    }

    async fn replace(&self) -> Result<()> {
        self.ensure_restorable().await?;
        self.file.replace().await
    }

    async fn is_replacement(&self, by: Uuid) -> Result<bool> {
        self.file.is_replacement(by).await
    }

    async fn stage(&self) -> Result<OpenTarget> {
        self.file.stage().await
    }

    async fn publish(&self) -> Result<()> {
        self.file.publish().await
    }
}
