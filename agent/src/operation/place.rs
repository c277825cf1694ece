//! Places prove themselves before anything is done in them, and again before something counts as gone.

use storage::{Error, Local};

use super::{BackupStorage, Operation, Pool, Volume};
use crate::driver::{Failure, Result, qcow2_file::keep_reserve};

impl Operation {
    /// Makes sure that every place that is worked in is the one that is meant.
    pub(super) async fn prove_places(&self) -> Result<()> {
        for volume in self.work.volumes() {
            self.prove_pool(volume).await?;
        }
        match self.work.backup_storage() {
            Some(storage) => self.prove_storage(storage).await,
            None => Ok(()),
        }
    }

    /// Makes sure that a volume's pool is the one that is meant.
    pub(super) async fn prove_pool(&self, volume: &Volume) -> Result<()> {
        let (Some(mark), Pool::Qcow2File { directory }) = (&volume.mark, &volume.pool) else {
            return Ok(());
        };
        let Some(expected) = self.report.places.expected(mark) else {
            return Ok(());
        };
        let proof = storage::prove(&Local::new(directory), &expected).await;
        self.report.places.note(mark, &proof);
        if proof.is_ok() {
            keep_reserve(directory, &self.report.journal).await;
        }
        proof.map(drop).map_err(|error| {
            let failure = match error {
                Error::Full { .. } => Failure::pool_full(),
                Error::Unproved { .. } => Failure::storage(
                    "The storage pool of the volume is not there, or is another one than before.",
                ),
                Error::Unreachable { .. } | Error::Transient { .. } => {
                    Failure::storage("The storage pool of the volume is not there.")
                }
                _ => Failure::storage("The volume's storage failed."),
            };
            failure.because(format!("{}: {error}", directory.display()))
        })
    }

    /// Makes sure that a backup storage is the one that is meant.
    pub(super) async fn prove_storage(&self, storage: &BackupStorage) -> Result<()> {
        let Some(mark) = &storage.mark else {
            return Ok(());
        };
        let Some(expected) = self.report.places.expected(mark) else {
            return Ok(());
        };
        let proof = match self.host.stores.open(storage) {
            Ok(store) => storage::prove(&*store, &expected).await,
            Err(error) => Err(error),
        };
        self.report.places.note(mark, &proof);
        Ok(proof.map(drop)?)
    }
}
