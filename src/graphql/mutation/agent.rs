//! What agents say: hello, heartbeats, claims, progress, logs, and how work ended.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};
use entity::SnapshotId;

use super::audit::audited;
use crate::{
    domain::{
        Error,
        agent::{self, Hello},
        backup_storage,
        operation::{
            finish::{self, Outcome},
            log, progress,
            renew::{Lease, renew},
        },
        volume::measure,
    },
    graphql::{
        context::{app, requester},
        error::Result,
        id,
        scalar::{ByteCount, DateTime},
        types::{
            AgentCapability, ErrorCode, LogLevel,
            agent::{
                AgentAssignment, AgentDestination, AgentLease, AgentLeaseState, AgentStorageTest,
                AgentVolume,
            },
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
    /// What it can do.
    pub capabilities: Vec<AgentCapability>,
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
}

/// A line of an operation's log.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentLogEntryInput {
    /// When it was written.
    pub at: DateTime,
    /// How much it matters.
    pub level: LogLevel,
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
}

/// What a snapshot keeps.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentRetainedInput {
    /// The snapshot.
    pub snapshot_id: ID,
    /// Bytes that only it keeps.
    pub retained_bytes: ByteCount,
}

/// Why the work failed.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentFailedInput {
    /// For programs.
    pub code: ErrorCode,
    /// For the customer.
    pub message: String,
    /// A restore in place has begun to write, so the volume is no longer what it was.
    pub volume_touched: bool,
}

/// How far the work had come.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentStoppedInput {
    /// A restore in place has begun to write, so the volume is no longer what it was.
    pub volume_touched: bool,
}

/// Whether the report came in time.
#[derive(Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentFinishPayload {
    /// False when it came too late: it changed nothing, but freed the lock of an operation that
    /// had been ended from outside.
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

/// What agents say.
#[derive(Debug, Default)]
pub struct AgentMutation;

#[Object]
impl AgentMutation {
    /// An agent's process starts. If it holds the state directory that the last one held, whatever
    /// that one worked on has stopped: its leases end now.
    #[graphql(visible = "visible::to_agents")]
    async fn agent_hello(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it says of itself.")] input: AgentHelloInput,
    ) -> Result<Option<AgentHelloPayload>> {
        audited(ctx, &[], async {
            let app = app(ctx)?;
            let can = |capability| input.capabilities.contains(&capability);
            let state_id = input.state_id.parse();
            let hello = Hello {
                version: input.version.clone(),
                state_id: state_id.map_err(|_| Error::invalid("`stateId` is a UUID."))?,
                can_snapshot: can(AgentCapability::VolumeSnapshot),
                can_backup: can(AgentCapability::VolumeBackup),
            };
            let hypervisor = agent::hello(app, requester(ctx).agent()?, hello).await?;
            Ok(AgentHelloPayload {
                hypervisor_id: hypervisor.id.into(),
                hypervisor_name: hypervisor.name,
                lease_seconds: seconds(app.settings.lease),
                heartbeat_seconds: seconds(app.settings.heartbeat),
            })
        })
        .await
    }

    /// The heartbeat: renews the leases and says which of them are still this agent's.
    #[graphql(visible = "visible::to_agents")]
    async fn agent_renew(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it holds.")] input: AgentRenewInput,
    ) -> Result<Option<AgentRenewPayload>> {
        let (app, hypervisor) = (app(ctx)?, requester(ctx).agent()?);
        agent::record_heartbeat(app, hypervisor).await?;
        let mut leases = Vec::with_capacity(input.leases.len());
        for input in &input.leases {
            leases.push(match held(&input.operation_id, input.epoch) {
                Ok(lease) => AgentLease::new(lease, renew(app, hypervisor, lease).await?),
                // An id that is none costs this lease, not those beside it.
                Err(_) => AgentLease {
                    operation_id: input.operation_id.clone(),
                    epoch: input.epoch,
                    state: AgentLeaseState::Lost,
                },
            });
        }
        Ok(Some(AgentRenewPayload { leases }))
    }

    /// Takes pending operations of this hypervisor, all storage tests asked of it, and what is to be
    /// measured. A heartbeat too.
    #[graphql(visible = "visible::to_agents")]
    async fn agent_claim(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much it can take.")] input: AgentClaimInput,
    ) -> Result<Option<AgentClaimPayload>> {
        let (app, hypervisor) = (app(ctx)?, requester(ctx).agent()?);
        agent::record_heartbeat(app, hypervisor).await?;
        let limit = u64::try_from(input.limit.clamp(0, 100)).unwrap_or_default();
        // An id that is none is no operation that could be offered again.
        let holding = input.holding.map(|leases| {
            let leases = leases.iter();
            leases
                .filter_map(|lease| held(&lease.operation_id, lease.epoch).ok())
                .collect::<Vec<_>>()
        });
        let assigned = agent::assign(app, hypervisor, limit, holding.as_deref())
            .await?
            .into_iter();
        let assignments = assigned.map(|assignment| AgentAssignment {
            assignment,
            lease_seconds: seconds(app.settings.lease),
        });
        // The operations are the agent's by now: what else cannot be read comes with the next claim.
        let asked = backup_storage::list_asked_of(app, hypervisor.id).await;
        let asked = asked.unwrap_or_else(|error| {
            tracing::error!(%error, "tests of backup storages cannot be listed");
            Vec::new()
        });
        let storage_tests = asked.iter().map(|(test, access)| AgentStorageTest {
            id: test.id.into(),
            destination: AgentDestination::of(access),
        });
        // Whoever waits for an operation does not wait for what is to be measured, too.
        let due = match assignments.len() {
            0 => measure::offer(app, hypervisor).await,
            _ => Ok(Vec::new()),
        };
        let due = due.unwrap_or_else(|error| {
            tracing::error!(%error, "what is to be measured cannot be listed");
            Vec::new()
        });
        Ok(Some(AgentClaimPayload {
            assignments: assignments.collect(),
            storage_tests: storage_tests.collect(),
            measurements: due.iter().map(AgentVolume::of).collect(),
        }))
    }

    /// Reports progress of an operation: at most 4 times a second.
    #[graphql(visible = "visible::to_agents")]
    async fn agent_report_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How far it is.")] input: AgentReportProgressInput,
    ) -> Result<Option<AgentReportProgressPayload>> {
        let hypervisor = requester(ctx).agent()?;
        let lease = held(&input.operation_id, input.epoch)?;
        let progress = progress::Progress {
            phase: input.phase,
            bytes_done: input.bytes_done.0,
            bytes_total: input.bytes_total.0,
        };
        let state = progress::record(app(ctx)?, hypervisor, lease, progress).await?;
        Ok(Some(AgentReportProgressPayload {
            lease: AgentLease::new(lease, state),
        }))
    }

    /// Adds lines to an operation's log.
    #[graphql(visible = "visible::to_agents")]
    async fn agent_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it wrote.")] input: AgentLogInput,
    ) -> Result<Option<AgentLogPayload>> {
        let hypervisor = requester(ctx).agent()?;
        let lease = held(&input.operation_id, input.epoch)?;
        let entries = input.entries.into_iter().map(|entry| log::Entry {
            at: entry.at.0,
            level: entry.level.into(),
            message: entry.message,
            public: entry.public,
            number: entry.number.map(i64::from),
        });
        let state = log::record(app(ctx)?, hypervisor, lease, entries.collect()).await?;
        Ok(Some(AgentLogPayload {
            lease: AgentLease::new(lease, state),
        }))
    }

    /// Ends an operation, as its agent says.
    #[graphql(visible = "visible::to_agents")]
    async fn agent_finish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How it ended.")] input: AgentFinishInput,
    ) -> Result<Option<AgentFinishPayload>> {
        audited(ctx, &[&input.operation_id], async {
            let hypervisor = requester(ctx).agent()?;
            let lease = held(&input.operation_id, input.epoch)?;
            let outcome = outcome(&input.outcome)?;
            let accepted = finish::finish(app(ctx)?, hypervisor, lease, outcome).await?;
            Ok(AgentFinishPayload { accepted })
        })
        .await
    }

    /// Says what the snapshots of a volume keep.
    #[graphql(visible = "visible::to_agents")]
    async fn agent_report_retained(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was measured.")] input: AgentReportRetainedInput,
    ) -> Result<Option<AgentReportRetainedPayload>> {
        let hypervisor = requester(ctx).agent()?;
        let volume_id = id::find(&input.volume_id, "volume")?;
        let measured = retained(&input.retained)?;
        let accepted = measure::record(app(ctx)?, hypervisor, volume_id, measured).await?;
        Ok(Some(AgentReportRetainedPayload { accepted }))
    }

    /// Answers a test of a backup storage.
    #[graphql(visible = "visible::to_agents")]
    async fn agent_finish_storage_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How it ended.")] input: AgentFinishStorageTestInput,
    ) -> Result<Option<AgentFinishStorageTestPayload>> {
        audited(ctx, &[&input.id], async {
            let hypervisor = requester(ctx).agent()?;
            let id = id::find(&input.id, "storage test")?;
            let (ok, message) = (input.ok, &input.message);
            let accepted =
                backup_storage::answer(app(ctx)?, hypervisor.id, id, ok, message).await?;
            Ok(AgentFinishStorageTestPayload { accepted })
        })
        .await
    }
}

fn held(operation: &ID, epoch: i32) -> Result<Lease> {
    Ok(Lease {
        operation: id::find(operation, "operation")?,
        epoch,
    })
}

fn outcome(input: &AgentOutcomeInput) -> Result<Outcome> {
    Ok(match input {
        AgentOutcomeInput::Completed(completed) => Outcome::Completed(finish::Completed {
            stored_bytes: completed.stored_bytes.map(|bytes| bytes.0),
            checksum: completed.checksum.clone(),
            retained: retained(completed.retained.iter().flatten())?,
        }),
        AgentOutcomeInput::Failed(failed) => Outcome::Failed {
            code: failed.code.into(),
            message: failed.message.clone(),
            volume_touched: failed.volume_touched,
        },
        AgentOutcomeInput::Stopped(stopped) => Outcome::Stopped {
            volume_touched: stopped.volume_touched,
        },
    })
}

fn retained<'a>(
    measured: impl IntoIterator<Item = &'a AgentRetainedInput>,
) -> Result<Vec<(SnapshotId, i64)>> {
    let measured = measured.into_iter().map(|one| {
        let id = id::find(&one.snapshot_id, "snapshot")?;
        Ok((id, one.retained_bytes.0))
    });
    measured.collect()
}

/// Whole seconds, as GraphQL's Int.
fn seconds(duration: std::time::Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
