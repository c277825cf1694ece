//! Creating and deleting volumes.

use super::{Completed, Operation, Volume};
use crate::driver::Result;

impl Operation {
    pub(super) async fn create_volume(&self, volume: &Volume) -> Result<Completed> {
        self.tell("Creating the volume");
        self.prepare(volume).await?.create().await?;
        Ok(Completed::default())
    }

    pub(super) async fn delete_volume(&self, volume: &Volume) -> Result<Completed> {
        self.tell("Deleting the volume");
        // Whatever is in it goes with it, so there is nothing to clean up first.
        self.driver(volume)?.delete().await?;
        Ok(Completed::default())
    }
}
