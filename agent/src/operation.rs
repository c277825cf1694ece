//! What is done with volumes: one operation from its beginning to its end.
//!
//! ```text
//!            ┌────────────▶ Completed
//! clean up ──┤ steps
//!            ├─ a step fails ──▶ undo ─▶ Failed
//!            └─ cancelled ─────▶ undo ─▶ Stopped
//! ```
//!
//! An operation begins by removing what dead attempts of any operation left of its volume, and one
//! that does not complete ends by removing what it left itself. Both are the same code, so that a
//! crash at any point is cleaned up after by whatever comes next. Cancelling drops the future of the
//! step that is running: its children are killed, save short changes of metadata, which finish.

mod backup;
mod outcome;
mod place;
mod removal;
mod restore;
mod snapshot;
mod stores;
mod volume;
mod wait;
mod work;

use std::{path::PathBuf, sync::Arc, time::Duration};

use storage::Store;
use tokio::{join, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::wait::Waits;
pub use self::{
    outcome::{Completed, Image, Outcome},
    stores::{RealStores, Stores},
    work::{
        BackupItem, BackupStorage, Belongs, Instance, Named, Owner, Pool, RestoreSource,
        SnapshotItem, Volume, Work,
    },
};
pub use crate::driver::ceph_rbd::CephPool;
use crate::{
    driver::{
        Driver, Measuring, Removed, Result, Retained, Surroundings, Tools, Touched,
        ceph_rbd::CephRbd, qcow2_file::Qcow2File, qcow2_live::Qcow2Live,
    },
    lock::{Held, Locks},
    process::{Launcher, Processes},
    report::{Journal, Level, Places, Progress},
};

/// Cleaning up is quick, or the storage hangs; then the next operation does it.
const UNDO_LIMIT: Duration = Duration::from_mins(1);

/// How long an operation that was cancelled may go on looking for space that it leaked.
const REPAIR_PATIENCE: Duration = Duration::from_millis(500);

/// How long an operation that is done may wait for what the snapshots keep to be measured.
const MEASURE_LIMIT: Duration = Duration::from_secs(2);

/// What operations run with: the same for all of them.
#[derive(Clone)]
pub struct Host {
    /// The programs.
    pub tools: Tools,
    /// Starts children.
    pub launcher: Launcher,
    /// A directory for sockets, ours alone.
    pub run_directory: PathBuf,
    /// How a destination is reached.
    pub stores: Arc<dyn Stores>,
    /// What must not be used at once.
    pub locks: Locks,
}

impl Host {
    /// What the snapshots of a volume keep. It only reads: whatever is done with the volume meanwhile
    /// may go on, and makes this out of date.
    pub async fn measure(&self, volume: &Volume) -> Result<Vec<Retained>> {
        let journal = Arc::default();
        let processes = Processes::new(self.launcher.clone(), Arc::clone(&journal));
        self.driver(volume, &processes, &journal)?.retained().await
    }

    fn surroundings(&self, processes: &Processes, journal: &Arc<Journal>) -> Surroundings {
        Surroundings {
            tools: self.tools.clone(),
            processes: processes.clone(),
            run_directory: self.run_directory.clone(),
            journal: Arc::clone(journal),
        }
    }

    fn driver(
        &self,
        volume: &Volume,
        processes: &Processes,
        journal: &Arc<Journal>,
    ) -> Result<Box<dyn Driver>> {
        let surroundings = self.surroundings(processes, journal);
        match &volume.pool {
            Pool::Qcow2File { directory } => {
                let file = Qcow2File::new(directory, volume.id, volume.size_bytes, surroundings)?;
                // Whether the instance is meant to run does not matter: its QEMU is there or not.
                let instance = volume.instance.as_ref();
                Ok(match instance.and_then(|it| it.qmp_socket.clone()) {
                    Some(socket) => {
                        let monitors = self.locks.monitors.clone();
                        Box::new(Qcow2Live::new(file, socket, monitors))
                    }
                    None => Box::new(file),
                })
            }
            Pool::CephRbd(pool) => {
                let driver = CephRbd::new(pool, volume.id, volume.size_bytes, surroundings)?;
                Ok(Box::new(driver))
            }
        }
    }
}

/// What an operation tells while it runs.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// How far it is.
    pub progress: Arc<Progress>,
    /// What it did.
    pub journal: Arc<Journal>,
    /// What it found in the places that it worked in.
    pub places: Arc<Places>,
}

/// Removes what dead attempts left of a volume.
async fn tidy(driver: &dyn Driver) -> Result<()> {
    driver.clean_up().await?;
    driver.repair().await
}

/// One attempt at one operation.
pub struct Operation {
    id: Uuid,
    work: Work,
    host: Host,
    report: Report,
    processes: Processes,
    waits: Arc<Waits>,
    volume_touched: Touched,
    image_touched: Touched,
    is_first: bool,
    undo_limit: Duration,
}

impl Operation {
    /// An attempt, the first or a later one.
    pub fn new(id: Uuid, work: Work, host: Host, report: Report) -> Self {
        let processes = Processes::new(host.launcher.clone(), Arc::clone(&report.journal));
        let waits = Arc::new(Waits::new(report.clone()));
        Self {
            id,
            work,
            host,
            report,
            processes,
            waits,
            volume_touched: Touched::default(),
            image_touched: Touched::default(),
            is_first: true,
            undo_limit: UNDO_LIMIT,
        }
    }

    /// Says which claim of the operation this is: others may have begun before the second.
    #[must_use]
    pub fn claimed_as(mut self, epoch: i32) -> Self {
        self.is_first = epoch <= 1;
        self
    }

    /// Gives up cleaning up after `limit`.
    #[must_use]
    pub fn undo_within(mut self, limit: Duration) -> Self {
        self.undo_limit = limit;
        self
    }

    /// Does the work, or stops and cleans up as soon as `cancel` says so.
    pub async fn perform(&self, cancel: &CancellationToken) -> Outcome {
        let journal = &self.report.journal;
        let Some(_turns) = cancel.run_until_cancelled(self.take_turns()).await else {
            let volume_touched = false;
            return Outcome::Stopped { volume_touched };
        };
        let result = cancel.run_until_cancelled(Box::pin(self.run())).await;
        self.report.progress.settle();
        if let Some(Ok(completed)) = result {
            return Outcome::Completed(completed);
        }
        // Whoever is told that the work has stopped may begin anew: no child may be left, however long
        // the last change of an image takes, whether the work began it or the cleaning up.
        self.processes.settled().await;
        let image = self.image().await;
        if result.is_none() && image == Image::Replaced {
            // It came to its end before it could be stopped.
            return Outcome::Completed(restore::replaced());
        }
        let undone = async {
            self.undo().await;
            // Whoever cancels does not want to wait for long: the next operation has time for it.
            let patience = match result {
                Some(_) => self.undo_limit,
                None => REPAIR_PATIENCE,
            };
            if timeout(patience, self.repair()).await.is_err() {
                self.processes.settled().await;
            }
        };
        if timeout(self.undo_limit, undone).await.is_err() {
            journal.private(Level::Warn, "Cleaning up did not finish in time");
            self.processes.settled().await;
        }
        let volume_touched = self.volume_touched.is_set() || image != Image::Kept;
        let failure = match (result, image) {
            (Some(Err(failure)), _) => Some(failure),
            (_, Image::Unknown) => Some(restore::unknown()),
            _ => None,
        };
        if let Some(mut failure) = failure {
            // Another attempt may have begun before this one.
            failure.begun |= !self.is_first;
            journal.public(Level::Error, failure.message.clone());
            if let Some(detail) = &failure.detail {
                journal.private(Level::Error, detail.clone());
            }
            Outcome::Failed {
                failure,
                volume_touched,
                image,
            }
        } else {
            journal.public(Level::Info, "Stopped");
            Outcome::Stopped { volume_touched }
        }
    }

    /// Waits until no earlier attempt of this agent has any of the volumes.
    async fn take_turns(&self) -> Vec<Held> {
        let mut ids: Vec<_> = self.work.volumes().map(|volume| volume.id).collect();
        // In one order for all, so that no two wait for each other.
        ids.sort_unstable();
        ids.dedup();
        let mut turns = Vec::new();
        for id in ids {
            turns.push(self.host.locks.volumes.lock(id).await);
        }
        turns
    }

    async fn run(&self) -> Result<Completed> {
        let proved = self.prove_places().await;
        proved.map_err(|failure| self.not_begun(failure))?;
        let completed = self.steps().await?;
        if self.work.rests_on_absence() {
            // Where the disk is gone by now, nobody knows whether what was found missing is.
            let proved = self.prove_places().await;
            proved.map_err(|failure| failure.having_removed(Removed::Unknown))?;
        }
        Ok(completed)
    }

    async fn steps(&self) -> Result<Completed> {
        match &self.work {
            Work::CreateVolume { volume } => self.create_volume(volume).await,
            Work::DeleteVolume { volume } => self.delete_volume(volume).await,
            Work::CreateSnapshot { volume, snapshot } => {
                self.create_snapshot(volume, snapshot).await
            }
            Work::DeleteSnapshot { volume, snapshot } => {
                self.delete_snapshot(volume, snapshot).await
            }
            Work::CreateBackup { volume, backup } => self.create_backup(volume, backup).await,
            Work::DeleteBackup { backup } => self.delete_backup(backup).await,
            Work::RestoreInPlace { volume, source } => match source {
                RestoreSource::Snapshot(snapshot) => self.roll_back(volume, snapshot).await,
                RestoreSource::Backup(backup) => self.overwrite(volume, backup, false).await,
                RestoreSource::BackupReplacing(backup) => {
                    self.overwrite(volume, backup, true).await
                }
            },
            Work::RestoreSnapshot {
                volume,
                snapshot,
                target,
            } => self.restore_snapshot(volume, snapshot, target).await,
            Work::RestoreBackup { backup, target } => self.restore_backup(backup, target).await,
        }
    }

    /// Removes what this attempt has left, now that all of its children are gone.
    async fn undo(&self) {
        let undone = match &self.work {
            Work::DeleteBackup { .. } => Ok(()),
            // At once, because either storage may hang, and must not keep the other from being cleaned.
            Work::CreateBackup { volume, backup } => {
                let (volume, backup) = join!(self.clean_up(volume), self.undo_backup(backup));
                volume.and(backup)
            }
            Work::RestoreBackup { target, .. } => self.clean_up(target).await,
            Work::RestoreSnapshot { volume, target, .. } => {
                let (target, volume) = join!(self.clean_up(target), self.clean_up(volume));
                target.and(volume)
            }
            Work::CreateSnapshot { volume, snapshot } => match self.clean_up(volume).await {
                Ok(()) => self.undo_snapshot(volume, snapshot).await,
                // What could not be asked once need not be asked again.
                failed => failed,
            },
            Work::CreateVolume { volume }
            | Work::DeleteVolume { volume }
            | Work::DeleteSnapshot { volume, .. }
            | Work::RestoreInPlace { volume, .. } => self.clean_up(volume).await,
        };
        if let Err(failure) = undone {
            let message = format!("Cleaning up is left to the next operation: {failure}");
            self.report.journal.private(Level::Warn, message);
        }
    }

    async fn repair(&self) {
        for volume in self.work.volumes() {
            let repaired = async {
                self.prove_pool(volume).await?;
                self.driver(volume)?.repair().await
            };
            if let Err(failure) = repaired.await {
                let message = format!("Giving back space is left to the next operation: {failure}");
                self.report.journal.private(Level::Warn, message);
            }
        }
    }

    /// The driver of a volume, once it has removed what dead attempts left of it.
    async fn prepare(&self, volume: &Volume) -> Result<Box<dyn Driver>> {
        let driver = self.driver(volume)?;
        tidy(&*driver).await?;
        Ok(driver)
    }

    async fn clean_up(&self, volume: &Volume) -> Result<()> {
        self.prove_pool(volume).await?;
        self.driver(volume)?.clean_up().await
    }

    fn driver(&self, volume: &Volume) -> Result<Box<dyn Driver>> {
        self.host
            .driver(volume, &self.processes, &self.report.journal)
    }

    fn store(&self, storage: &BackupStorage) -> Result<Arc<dyn Store>> {
        let waits = Arc::clone(&self.waits);
        Ok(self.host.stores.open_telling(storage, waits)?)
    }

    fn tell(&self, message: impl Into<String>) {
        self.report.journal.public(Level::Info, message);
    }

    /// What the volume's snapshots keep, now that all else is done: not knowing it is no reason to fail,
    /// nor to keep the volume from the next operation.
    async fn measure(&self, driver: &dyn Driver) -> Option<Vec<Retained>> {
        if driver.measuring() == Measuring::Later {
            return None;
        }
        let unknown = match timeout(MEASURE_LIMIT, driver.retained()).await {
            Ok(Ok(retained)) => return Some(retained),
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => "measuring it takes too long".into(),
        };
        let message = format!("What the snapshots keep is not known: {unknown}");
        self.report.journal.private(Level::Warn, message);
        None
    }
}
