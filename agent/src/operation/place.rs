//! Places prove themselves before anything is done in them, and again before something counts as gone.

use std::path::Path;

use storage::{Error, Expected, Local};

use super::{BackupStorage, CephPool, Operation, Pool, Volume};
use crate::{
    driver::{Failure, Result, ceph_rbd::CephPlace, qcow2_file::keep_reserve},
    report::Mark,
};

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
        let Some(mark) = &volume.mark else {
            return Ok(());
        };
        let Some(expected) = self.report.places.expected(mark) else {
            return Ok(());
        };
        match &volume.pool {
            Pool::Qcow2File { directory } => self.prove_directory(mark, &expected, directory).await,
            Pool::CephRbd(pool) => self.prove_ceph_pool(mark, &expected, pool).await,
        }
    }

    async fn prove_directory(
        &self,
        mark: &Mark,
        expected: &Expected,
        directory: &Path,
    ) -> Result<()> {
        let proof = storage::prove(&Local::new(directory), expected).await;
        self.report.places.note(mark, &proof);
        if proof.is_ok() {
            keep_reserve(directory, &self.report.journal).await;
        }
        proof
            .map(drop)
            .map_err(|error| unproved(&error).because(format!("{}: {error}", directory.display())))
    }

    async fn prove_ceph_pool(
        &self,
        mark: &Mark,
        expected: &Expected,
        pool: &CephPool,
    ) -> Result<()> {
        let surroundings = self
            .host
            .surroundings(&self.processes, &self.report.journal);
        let place = CephPlace::new(pool, surroundings)?;
        let proof = storage::prove(&place, expected).await;
        self.report.places.note(mark, &proof);
        proof.map(drop).map_err(|error| match error {
            Error::Unproved { .. } => {
                unproved(&error).because(format!("the pool {}: {error}", pool.pool))
            }
            // The cluster has said more.
            _ => place.into_failure().unwrap_or_else(|| unproved(&error)),
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

/// Why nothing is done in a pool.
fn unproved(error: &Error) -> Failure {
    match error {
        Error::Full { .. } => Failure::pool_full(),
        Error::Unproved { .. } => Failure::storage(
            "The storage pool of the volume is not there, or is another one than before.",
        ),
        Error::Unreachable { .. } | Error::Transient { .. } => {
            Failure::storage("The storage pool of the volume is not there.")
        }
        _ => Failure::storage("The volume's storage failed."),
    }
}
