//! Taking snapshots, letting them go, and going back to them.

use super::{Completed, Operation, SnapshotItem, Volume};
use crate::driver::{Driver, Result, SnapshotName};

impl Operation {
    pub(super) async fn create_snapshot(
        &self,
        volume: &Volume,
        snapshot: &SnapshotItem,
    ) -> Result<Completed> {
        let driver = self.driver(volume)?;
        self.tell("Taking the snapshot");
        let name = SnapshotName::Kept(snapshot.id);
        driver.begin_with_snapshot(name).await?;
        Ok(self.measured(&*driver).await)
    }

    /// Lets a snapshot go that was taken and will not be told of.
    pub(super) async fn undo_snapshot(
        &self,
        volume: &Volume,
        snapshot: &SnapshotItem,
    ) -> Result<()> {
        self.driver(volume)?
            .delete_snapshot(SnapshotName::Kept(snapshot.id))
            .await
    }

    pub(super) async fn delete_snapshot(
        &self,
        volume: &Volume,
        snapshot: &SnapshotItem,
    ) -> Result<Completed> {
        let driver = self.prepare(volume).await?;
        self.tell("Deleting the snapshot");
        driver
            .delete_snapshot(SnapshotName::Kept(snapshot.id))
            .await?;
        Ok(self.measured(&*driver).await)
    }

    pub(super) async fn roll_back(
        &self,
        volume: &Volume,
        snapshot: &SnapshotItem,
    ) -> Result<Completed> {
        let driver = self.prepare(volume).await?;
        let name = SnapshotName::Kept(snapshot.id);
        driver.check_roll_back(name).await?;
        self.tell("Restoring the volume from the snapshot");
        self.report.progress.enter("Restoring");
        self.touch_volume();
        driver.roll_back(name).await?;
        Ok(self.measured(&*driver).await)
    }

    pub(super) async fn measured(&self, driver: &dyn Driver) -> Completed {
        Completed {
            retained: self.measure(driver).await,
            ..Completed::default()
        }
    }
}
