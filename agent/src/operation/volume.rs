//! Creating and deleting volumes.

use super::{Completed, Operation, Volume};
use crate::driver::{Failure, Result};

impl Operation {
    pub(super) async fn create_volume(&self, volume: &Volume) -> Result<Completed> {
        self.tell("Creating the volume");
        let prepared = self.prepare(volume).await;
        let driver = prepared.map_err(Failure::before_change)?;
        driver.create().await?;
        Ok(Completed::default())
    }

    pub(super) async fn delete_volume(&self, volume: &Volume) -> Result<Completed> {
        self.tell("Deleting the volume");
        let driver = self.driver(volume);
        let driver = driver.map_err(|failure| self.not_begun(failure))?;
        // Whatever is in it goes with it, so there is nothing to clean up first.
        match driver.delete().await {
            Ok(()) => Ok(Completed::default()),
            Err(failure) => {
                let is_there = self.proved(volume, driver.is_there());
                Err(self.judged(failure, is_there).await)
            }
        }
    }
}
