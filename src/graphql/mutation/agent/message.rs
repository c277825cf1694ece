//! What agents send with their mutations, and what they are answered.

use async_graphql::{ID, InputObject, OneofObject, SimpleObject, resolver_utils::EnumType};
use entity::SnapshotId;

use crate::{
    domain::{
        ErrorCode,
        operation::{
            effect::image::Image,
            finish::{self, Outcome, Removed},
            lease::Lease,
        },
    },
    graphql::{
        error::Result,
        id,
        scalar::{ByteCount, DateTime},
        types::{
            LogLevel,
            agent::{AgentAssignment, AgentLease, AgentStorageTest, AgentVolume},
        },
        visible,
    },
};

/// What an agent says of itself.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentHelloInput {
    /// Its version.
    pub version: String,
    /// The id of its state directory, which only one process can hold: a UUID.
    pub state_id: ID,
    /// What it can do: of `AgentCapability`. What the gateway does not know it does not ask for.
    pub capabilities: Vec<String>,
}

/// What an agent is told when it starts.
#[derive(Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentHelloPayload {
    /// Its hypervisor.
    pub hypervisor_id: ID,
    /// What that is called.
    pub hypervisor_name: String,
    /// How long a lease lasts without a heartbeat.
    pub lease_seconds: i32,
    /// How often to renew.
    pub heartbeat_seconds: i32,
}

/// A lease, as its agent holds it.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentLeaseInput {
    /// The operation.
    pub operation_id: ID,
    /// The epoch of the claim.
    pub epoch: i32,
}

/// The leases that an agent holds.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentRenewInput {
    /// All of them; none is a heartbeat too.
    pub leases: Vec<AgentLeaseInput>,
}

/// What has become of an agent's leases.
#[derive(Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentRenewPayload {
    /// In the order of the input.
    pub leases: Vec<AgentLease>,
}

/// How much more an agent can take.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentClaimInput {
    /// The most operations: 0 to 100.
    pub limit: i32,
    /// The leases that it holds. What it was given before, has said no word of and does not hold never arrived,
    /// and is offered again at once. Left out, that is offered again when its lease is over.
    pub holding: Option<Vec<AgentLeaseInput>>,
}

/// What an agent is to do.
#[derive(Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentClaimPayload {
    /// Operations that it holds now.
    pub assignments: Vec<AgentAssignment>,
    /// Backup storages that it is to test.
    pub storage_tests: Vec<AgentStorageTest>,
    /// Volumes of which it is to measure what their snapshots keep.
    pub measurements: Vec<AgentVolume>,
}

/// How far an agent is.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentReportProgressInput {
    /// The operation.
    pub operation_id: ID,
    /// The epoch of the claim.
    pub epoch: i32,
    /// What is going on, for a person: 1 to 64 characters.
    pub phase: String,
    /// Bytes that the destination acknowledged.
    pub bytes_done: ByteCount,
    /// Bytes in all; 0 while unknown.
    pub bytes_total: ByteCount,
}

/// What has become of the lease.
#[derive(Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentReportProgressPayload {
    /// The lease.
    pub lease: AgentLease,
    /// Whether somebody may watch the operation: then its progress is reported 4 times a second, and else every 5 seconds,
    /// a new phase at once.
    pub is_watched: bool,
}

/// A line of an operation's log.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentLogEntryInput {
    /// When it was written.
    pub at: DateTime,
    /// How much it matters: of `LogLevel`. One that the gateway does not know is INFO to it.
    pub level: String,
    /// What was written.
    pub message: String,
    /// Safe for the customer to read; the rest only administrators see.
    pub public: bool,
    /// Counts the agent's lines under this lease: one that is sent again is kept once.
    pub number: Option<i32>,
}

/// What an agent wrote while it worked.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentLogInput {
    /// The operation.
    pub operation_id: ID,
    /// The epoch of the claim.
    pub epoch: i32,
    /// At most 2000 lines, oldest first.
    pub entries: Vec<AgentLogEntryInput>,
}

/// What has become of the lease.
#[derive(Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentLogPayload {
    /// The lease.
    pub lease: AgentLease,
}

/// How the work ended.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentFinishInput {
    /// The operation.
    pub operation_id: ID,
    /// The epoch of the claim.
    pub epoch: i32,
    /// How it ended.
    pub outcome: AgentOutcomeInput,
}

/// How the work ended: exactly one of the three.
#[derive(Debug, OneofObject)]
#[graphql(visible = "visible::to_agents")]
pub enum AgentOutcomeInput {
    /// Done.
    Completed(AgentCompletedInput),
    /// Ended by an error.
    Failed(AgentFailedInput),
    /// Stopped because it was cancelled or lost; nothing is being written any more.
    Stopped(AgentStoppedInput),
}

/// What the work yields.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentCompletedInput {
    /// Of a backup: bytes at its destination.
    pub stored_bytes: Option<ByteCount>,
    /// Of a backup: the digest of its object.
    pub checksum: Option<String>,
    /// What each of the volume's snapshots keeps now, where the work changed or measured it.
    pub retained: Option<Vec<AgentRetainedInput>>,
    /// Of a restore with `replaceImage`: a new image has taken the old one's place, in which the volume's snapshots
    /// lay.
    #[graphql(default)]
    pub image_replaced: bool,
}

/// What a snapshot keeps.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentRetainedInput {
    /// The snapshot.
    pub snapshot_id: ID,
    /// Bytes that only snapshots keep, it as the newest of them.
    pub retained_bytes: ByteCount,
}

/// Why the work failed.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentFailedInput {
    /// For programs: of `ErrorCode`. One that the gateway does not know is `STORAGE_FAILED` to it.
    pub code: String,
    /// For the customer.
    pub message: String,
    /// A restore in place has begun to write, so the volume is no longer what it was.
    pub volume_touched: bool,
    /// Of a deletion: what was removed. NOTHING if it was refused, SOME if it is gone in part or whole; UNKNOWN unless
    /// said otherwise, or in a word that the gateway does not know.
    pub removed: Option<String>,
    /// Of what was to be made: whether anything of it was begun on storage, whatever became of that; true unless said
    /// otherwise.
    pub begun: Option<bool>,
    /// Of a restore with `replaceImage`: a new image has taken the old one's place, in which the volume's snapshots
    /// lay.
    #[graphql(default)]
    pub image_replaced: bool,
    /// Of a restore with `replaceImage`: whether nobody can tell if a new image has taken the old one's place. Then what
    /// becomes of the snapshots is asked again.
    pub image_in_doubt: Option<bool>,
}

/// How far the work had come.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentStoppedInput {
    /// A restore in place has begun to write, so the volume is no longer what it was.
    pub volume_touched: bool,
    /// Of a restore with `replaceImage`: a new image has taken the old one's place, in which the volume's snapshots
    /// lay.
    #[graphql(default)]
    pub image_replaced: bool,
}

/// Whether the report came in time.
#[derive(Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentFinishPayload {
    /// False when it came too late to change how the operation ended. What one that had been ended from outside still
    /// held is free then, and what the agent says that it removed counts as gone.
    pub accepted: bool,
}

/// How a test of a backup storage ended.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentFinishStorageTestInput {
    /// The test.
    pub id: ID,
    /// Whether a small object could be written, read back and deleted.
    pub ok: bool,
    /// What failed, for an administrator.
    pub message: String,
}

/// Whether the answer came in time.
#[derive(Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentFinishStorageTestPayload {
    /// False when nobody waits for it any more.
    pub accepted: bool,
}

/// What was measured of a volume.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentReportRetainedInput {
    /// The volume.
    pub volume_id: ID,
    /// What each of its snapshots keeps.
    pub retained: Vec<AgentRetainedInput>,
}

/// Whether the report came in time.
#[derive(Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentReportRetainedPayload {
    /// False when an operation has come between: it is asked for again.
    pub accepted: bool,
}

/// What was found in a place: a storage pool or a backup storage.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentReportPlaceInput {
    /// The place.
    pub place_id: ID,
    /// The generation that was expected there.
    pub generation: i32,
    /// What is wrong with it, for an administrator; left out if it has its marker.
    pub problem: Option<String>,
}

/// Whether the report counts.
#[derive(Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentReportPlacePayload {
    /// False when another generation is expected by now.
    pub accepted: bool,
}

pub(super) fn held(operation: &ID, epoch: i32) -> Result<Lease> {
    Ok(Lease {
        operation: id::find(operation, "operation")?,
        epoch,
    })
}

pub(super) fn outcome(input: &AgentOutcomeInput) -> Result<Outcome> {
    Ok(match input {
        AgentOutcomeInput::Completed(completed) => Outcome::Completed(finish::Completed {
            stored_bytes: completed.stored_bytes.map(|bytes| bytes.0),
            checksum: completed.checksum.clone(),
            retained: retained(completed.retained.iter().flatten())?,
            image: image(completed.image_replaced, None),
        }),
        AgentOutcomeInput::Failed(failed) => Outcome::Failed {
            code: code(&failed.code),
            message: failed.message.clone(),
            volume_touched: failed.volume_touched,
            removed: failed.removed.as_deref().map_or(Removed::Unknown, removed),
            begun: failed.begun.unwrap_or(true),
            image: image(failed.image_replaced, failed.image_in_doubt),
        },
        AgentOutcomeInput::Stopped(stopped) => Outcome::Stopped {
            volume_touched: stopped.volume_touched,
            image: image(stopped.image_replaced, None),
        },
    })
}

/// The value that an agent means by `word`; none where a newer agent knows more of them.
pub(super) fn meant<E: EnumType>(word: &str) -> Option<E> {
    let known = E::items().iter().find(|known| known.name == word);
    known.map(|known| known.value)
}

/// How much a line matters of which an agent says `word`.
pub(super) fn level(word: &str) -> entity::operation_log::LogLevel {
    meant::<LogLevel>(word).map_or(entity::operation_log::LogLevel::Info, Into::into)
}

/// What went wrong of which an agent says `word`.
fn code(word: &str) -> ErrorCode {
    word.parse().unwrap_or_else(|()| {
        tracing::warn!(
            code = word,
            "an agent tells of an error that this gateway does not know"
        );
        ErrorCode::StorageFailed
    })
}

/// What has become of a volume's image.
fn image(replaced: bool, in_doubt: Option<bool>) -> Image {
    match (replaced, in_doubt) {
        (true, _) => Image::Replaced,
        (false, Some(true)) => Image::Unknown,
        (false, _) => Image::Kept,
    }
}

/// What a deletion has removed of which an agent says `word`.
fn removed(word: &str) -> Removed {
    match word {
        "NOTHING" => Removed::Nothing,
        "SOME" => Removed::Some,
        _ => Removed::Unknown,
    }
}

pub(super) fn retained<'a>(
    measured: impl IntoIterator<Item = &'a AgentRetainedInput>,
) -> Result<Vec<(SnapshotId, i64)>> {
    let measured = measured.into_iter().map(|one| {
        let id = id::find(&one.snapshot_id, "snapshot")?;
        Ok((id, one.retained_bytes.0))
    });
    measured.collect()
}
