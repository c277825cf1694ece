//! The line to the gateway: what an agent asks of it and tells it.
//!
//! The rest of the agent knows the gateway by the trait [`Link`] only. [`Gateway`] implements it over
//! GraphQL, with queries that are compiled against the contract in `schema.graphql`.

mod assignment;
mod gateway;
mod input;
mod query;
mod stream;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use uuid::Uuid;

pub use self::gateway::{Gateway, Token};

use crate::{
    driver::{Failure, Retained},
    operation::{BackupStorage, Outcome, Volume, Work},
    report::{Entry, Reading, Sighting},
};

/// The outcome of a request.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the gateway did not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There was no answer, or none from the gateway itself.
    #[error("the gateway cannot be reached: {0}")]
    Unreachable(String),
    /// It answered with an error.
    #[error("the gateway refuses: {message} ({code})")]
    Refused {
        /// The error's code in the contract.
        code: String,
        /// Its message.
        message: String,
    },
    /// It answered something that the contract does not have.
    #[error("the gateway does not keep to the contract: {0}")]
    Contract(String),
    /// No request could even be made.
    #[error("the link to the gateway is not set up correctly: {0}")]
    Setup(String),
}

impl Error {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { code, .. } => matches!(
                code.as_str(),
                "INTERNAL" | "RATE_LIMITED" | "UNAUTHENTICATED" | "TIMED_OUT"
            ),
            Self::Contract(_) | Self::Setup(_) => false,
        }
    }

    /// Whether the gateway does not know us.
    pub fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "UNAUTHENTICATED" || code == "FORBIDDEN")
    }
}

/// How the gateway has greeted us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The hypervisor that the token belongs to.
    pub hypervisor_name: String,
    /// How long a lease lasts once it is renewed.
    pub lease: Duration,
    /// How often leases should be renewed.
    pub heartbeat: Duration,
}

/// The right to work on an operation. Each new attempt has a higher epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The operation.
    pub operation_id: Uuid,
    /// Which of its attempts.
    pub epoch: i32,
}

/// What has become of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// It is ours.
    Held,
    /// It is ours, and the work is to be stopped.
    Cancel,
    /// It is no longer ours.
    Lost,
}

/// What becomes of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// What has become of the lease.
    pub state: LeaseState,
    /// Whether somebody may watch the operation.
    pub is_watched: bool,
}

/// An operation to work on.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The lease that comes with it.
    pub lease: Lease,
    /// How long the lease lasts from the moment of asking.
    pub lease_time: Duration,
    /// What to do, or why this agent cannot do it.
    pub work: std::result::Result<Work, Failure>,
}

/// A destination to try out.
#[derive(Debug, Clone)]
pub struct StorageTest {
    /// The test's id.
    pub id: Uuid,
    /// The backup storage, or why this agent cannot reach it.
    pub storage: std::result::Result<BackupStorage, Failure>,
    /// For how long somebody waits for the answer.
    pub wait: Duration,
}

/// What there is to do.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    /// Operations, which are ours from now.
    pub assignments: Vec<Assignment>,
    /// Tests that somebody waits for.
    pub storage_tests: Vec<StorageTest>,
    /// Volumes whose snapshots are to be measured, or why this agent cannot reach one.
    pub measurements: Vec<std::result::Result<Volume, Failure>>,
}

/// Everything an agent says to its gateway.
#[async_trait]
pub trait Link: Send + Sync {
    /// Says that this agent has started; whatever an earlier process held has stopped.
    async fn hello(&self) -> Result<Welcome>;

    /// Renews leases, and says what has become of each.
    async fn renew(&self, leases: &[Lease]) -> Result<Vec<(Lease, LeaseState)>>;

    /// Takes up to `limit` operations, all storage tests, and what is to be measured. What was given before and is
    /// not among what it is `holding` never arrived, and comes again.
    async fn claim(&self, limit: usize, holding: &[Lease]) -> Result<Claim>;

    /// Reports how far an operation is.
    async fn report_progress(&self, lease: Lease, reading: &Reading) -> Result<Heard>;

    /// Adds to an operation's log.
    async fn log(&self, lease: Lease, entries: &[Entry]) -> Result<LeaseState>;

    /// Says what the snapshots of a volume keep. False where that is out of date already.
    async fn report_retained(&self, volume_id: Uuid, retained: &[Retained]) -> Result<bool>;

    /// Says what was found in a place. False where another disk was accepted meanwhile.
    async fn report_place(&self, sighting: &Sighting) -> Result<bool>;

    /// Ends an operation. False where it had been ended from outside.
    async fn finish(&self, lease: Lease, outcome: &Outcome) -> Result<bool>;

    /// Answers a storage test: `Err` says what failed. False where nobody waits for it any more.
    async fn finish_storage_test(
        &self,
        id: Uuid,
        outcome: std::result::Result<(), String>,
    ) -> Result<bool>;

    /// Opens a stream that yields, at once and whenever there may be something to claim, cancel or
    /// stop, how many operations there are to claim.
    async fn listen(&self) -> Result<BoxStream<'static, Result<i32>>>;
}
