//! Taking snapshots, letting them go, and going back to them.

use super::{Completed, Operation, SnapshotItem, Volume};
use crate::driver::{Driver, Failure, Result, SnapshotName};

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
        let driver = self.driver(volume);
        let driver = driver.map_err(|failure| self.not_begun(failure))?;
        let name = SnapshotName::Kept(snapshot.id);
        match self.remove_snapshot(&*driver, name).await {
            Ok(()) => Ok(self.measured(&*driver).await),
            Err(failure) => {
                let is_there = self.proved(volume, driver.has_snapshot(name));
                Err(self.judged(failure, is_there).await)
            }
        }
    }

    async fn remove_snapshot(&self, driver: &dyn Driver, name: SnapshotName) -> Result<()> {
        let prepared = async {
            driver.clean_up().await?;
            driver.repair().await
        };
        prepared.await.map_err(Failure::before_change)?;
        self.tell("Deleting the snapshot");
        driver.delete_snapshot(name).await
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
        driver.roll_back(name, &self.volume_touched).await?;
        Ok(self.measured(&*driver).await)
    }

    pub(super) async fn measured(&self, driver: &dyn Driver) -> Completed {
        Completed {
            retained: self.measure(driver).await,
            ..Completed::default()
        }
    }
}
