//! Volumes where they lie: one [`Driver`] for each kind of storage.
//!
//! A driver knows how a volume, its snapshots and its content are reached. What is done with them,
//! in which order and with what clean-up, is the same for every kind and stands in
//! [`operation`](crate::operation).

pub mod ceph_rbd;
mod failure;
mod open_snapshot;
mod open_target;
pub mod qcow2_file;
pub mod qcow2_live;
mod server;
mod tool;

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use uuid::Uuid;

pub use self::{
    failure::{Code, Failure, Removed},
    open_snapshot::OpenSnapshot,
    open_target::OpenTarget,
    server::Server,
    tool::Tools,
};

use crate::{process::Processes, report::Journal};

/// The outcome of a step.
pub type Result<T> = std::result::Result<T, Failure>;

/// The name of a snapshot on storage: made of ids only, never of a user's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotName {
    /// A customer's, by the snapshot's id.
    Kept(Uuid),
    /// One that lives as long as an operation, by the operation's id.
    Temporary(Uuid),
}

const KEPT_PREFIX: &str = "tidemark-";
const TEMPORARY_PREFIX: &str = "tidemark-tmp-";

impl SnapshotName {
    /// Reads a name from storage; none if it is not one of ours.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(id) = name.strip_prefix(TEMPORARY_PREFIX) {
            return Uuid::try_parse(id).ok().map(Self::Temporary);
        }
        let id = name.strip_prefix(KEPT_PREFIX)?;
        Uuid::try_parse(id).ok().map(Self::Kept)
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept(id) => write!(formatter, "{KEPT_PREFIX}{id}"),
            Self::Temporary(id) => write!(formatter, "{TEMPORARY_PREFIX}{id}"),
        }
    }
}

/// What a snapshot keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retained {
    /// The snapshot.
    pub snapshot_id: Uuid,
    /// Bytes that only it refers to.
    pub retained_bytes: u64,
}

/// When to measure what the snapshots keep, once that may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measuring {
    /// At once, because that is quick.
    Now,
    /// When the gateway asks for it, because whoever waits for the operation would notice.
    Later,
}

/// What a driver needs besides its volume.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The programs to run.
    pub tools: Tools,
    /// The operation's children.
    pub processes: Processes,
    /// Where sockets may lie.
    pub run_directory: PathBuf,
    /// What the operation tells.
    pub journal: Arc<Journal>,
}

/// Whether a volume may no longer be what it was: whoever changes its content says so before the first byte does, and
/// after all that may refuse. What is not known counts.
#[derive(Debug, Default)]
pub struct Touched(AtomicBool);

impl Touched {
    /// From now on it may be another.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// What was to change it is known to have been refused.
    pub fn revoke(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Whether it may be another.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Where a snapshot lies, for storage that can make a volume of it by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneOrigin {
    /// The pool.
    pub pool: String,
    /// The image.
    pub image: String,
    /// The snapshot.
    pub snapshot: SnapshotName,
}

/// One volume on its storage.
///
/// Every step may be repeated: after it has been done, after it has failed, and after the process
/// was killed in the middle of it. The caller sees to it that one operation at a time works on a
/// volume.
#[async_trait]
pub trait Driver: Send + Sync {
    /// Removes what dead attempts have left of the volume: temporary snapshots, unfinished images.
    async fn clean_up(&self) -> Result<()>;

    /// Gives back the space that an interrupted change may have leaked, which may take minutes.
    async fn repair(&self) -> Result<()> {
        Ok(())
    }

    /// Creates the volume, empty.
    async fn create(&self) -> Result<()>;

    /// Removes the volume with everything in it. One that is gone already is a success. A failure says what was
    /// removed, unless [`is_there`](Self::is_there) tells.
    async fn delete(&self) -> Result<()>;

    /// Whether the volume is there as a whole.
    async fn is_there(&self) -> Result<bool>;

    /// Takes a snapshot of this instant, in place of any that has the name. A failure says if it was not begun.
    async fn create_snapshot(&self, name: SnapshotName) -> Result<()>;

    /// [Cleans up](Self::clean_up), [repairs](Self::repair) and [takes a snapshot](Self::create_snapshot),
    /// as one step for storage where looking around while the snapshot is taken saves time.
    async fn begin_with_snapshot(&self, name: SnapshotName) -> Result<()> {
        let prepared = async {
            self.clean_up().await?;
            self.repair().await
        };
        prepared.await.map_err(Failure::before_change)?;
        self.create_snapshot(name).await
    }

    /// Removes a snapshot. One that is gone already is a success. A failure says what was removed, unless
    /// [`has_snapshot`](Self::has_snapshot) tells.
    async fn delete_snapshot(&self, name: SnapshotName) -> Result<()>;

    /// Whether the volume has a snapshot.
    async fn has_snapshot(&self, name: SnapshotName) -> Result<bool>;

    /// Checks that the volume could be rolled back to a snapshot, and changes nothing.
    async fn check_roll_back(&self, name: SnapshotName) -> Result<()>;

    /// Makes the volume what it was at a snapshot; all snapshots stay, and so does its size. Says when it begins to.
    async fn roll_back(&self, name: SnapshotName, touched: &Touched) -> Result<()>;

    /// When [`retained`](Self::retained) is to be asked.
    fn measuring(&self) -> Measuring {
        Measuring::Now
    }

    /// What each of the volume's snapshots keeps.
    async fn retained(&self) -> Result<Vec<Retained>>;

    /// Opens a snapshot to be read, at the size that the volume had when it was taken.
    async fn open_snapshot(&self, name: SnapshotName) -> Result<OpenSnapshot>;

    /// Checks that the volume can be overwritten, and changes nothing of its content. Where that is not so because
    /// of what its image is like, the failure is [`Code::ImageDamaged`], and the image can be
    /// [replaced](Self::stage_replacement).
    async fn check_overwrite(&self) -> Result<()>;

    /// Refuses to overwrite the volume with more data than its pool has room for, as far as that can be told.
    async fn ensure_room(&self, _data_bytes: u64) -> Result<()> {
        Ok(())
    }

    /// Opens the volume itself, to be written. From here on nobody else can use it.
    async fn overwrite(&self) -> Result<OpenTarget>;

    /// Begins an image that is to take the place of the volume's, which is damaged or gone, and which nobody may be
    /// using. It will say that this operation made it, and hold at least so many bytes.
    async fn stage_replacement(&self, by: Uuid, stored_bytes: u64) -> Result<OpenTarget>;

    /// Puts the image that was [staged](Self::stage_replacement), and filled, in the place of the volume's. What is under
    /// way goes on when nobody waits for it any more, and the operation's end waits for it.
    async fn replace(&self) -> Result<()>;

    /// Whether the volume's image is one that this operation has put in the place of another.
    async fn is_replacement(&self, by: Uuid) -> Result<bool>;

    /// Begins a new volume, to be filled.
    async fn stage(&self) -> Result<OpenTarget>;

    /// Where a snapshot lies, if its storage can make a volume of it without our moving the bytes.
    fn clone_origin(&self, _name: SnapshotName) -> Option<CloneOrigin> {
        None
    }

    /// Begins a new volume like [`stage`](Self::stage), and has its storage fill it with what a
    /// snapshot of another volume holds. Says whether that was possible. If not, nothing has changed,
    /// and the content has to be copied.
    async fn stage_clone(&self, _origin: &CloneOrigin) -> Result<bool> {
        Ok(false)
    }

    /// Makes the volume that was [staged](Self::stage), and filled, exist. One that exists already by
    /// that is a success.
    async fn publish(&self) -> Result<()>;
}

/// Runs file system calls where they may wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|lost| Failure::new(Code::StorageFailed, "The agent failed.").because(lost))
}
