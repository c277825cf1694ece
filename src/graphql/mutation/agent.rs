//! What agents say: hello, heartbeats, claims, progress, logs, and how work ended.

mod message;

use async_graphql::{Context, Object};

use self::message::{
    AgentClaimInput, AgentClaimPayload, AgentFinishInput, AgentFinishPayload,
    AgentFinishStorageTestInput, AgentFinishStorageTestPayload, AgentHelloInput, AgentHelloPayload,
    AgentLogInput, AgentLogPayload, AgentRenewInput, AgentRenewPayload, AgentReportPlaceInput,
    AgentReportPlacePayload, AgentReportProgressInput, AgentReportProgressPayload,
    AgentReportRetainedInput, AgentReportRetainedPayload, held, level, meant, outcome, retained,
};
use super::audit::audited;
use crate::{
    domain::{
        Error,
        agent::{self, Hello},
        backup_storage,
        operation::{finish, log, progress, renew::renew},
        place_mark, retained,
    },
    graphql::{
        context::{app, requester},
        error::Result,
        id,
        types::{
            AgentCapability,
            agent::{
                AgentAssignment, AgentDestination, AgentLease, AgentLeaseState, AgentStorageTest,
                AgentVolume,
            },
        },
        visible,
    },
};

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
            let capabilities = input.capabilities.iter();
            let capabilities: Vec<AgentCapability> =
                capabilities.filter_map(|word| meant(word)).collect();
            let can = |capability| capabilities.contains(&capability);
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
        let storage_tests = asked.iter().map(|asked| AgentStorageTest {
            id: asked.test.id.into(),
            destination: AgentDestination::of(&asked.access),
            wait_seconds: seconds(asked.left),
        });
        // Whoever waits for an operation does not wait for what is to be measured, too.
        let due = match assignments.len() {
            0 => retained::offer(app, hypervisor).await,
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

    /// Reports progress of an operation: at most 4 times a second, and while nobody watches (`isWatched`) every 5 seconds.
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
        let app = app(ctx)?;
        let state = progress::record(app, hypervisor, lease, progress).await?;
        Ok(Some(AgentReportProgressPayload {
            is_watched: app.hub.is_watched(lease.operation),
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
            level: level(&entry.level),
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
        let accepted = retained::record(app(ctx)?, hypervisor, volume_id, measured).await?;
        Ok(Some(AgentReportRetainedPayload { accepted }))
    }

    /// Says what was found in a place: its marker, or what is wrong with it.
    #[graphql(visible = "visible::to_agents")]
    async fn agent_report_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was found, and where.")] input: AgentReportPlaceInput,
    ) -> Result<Option<AgentReportPlacePayload>> {
        audited(ctx, &[&input.place_id], async {
            let hypervisor = requester(ctx).agent()?;
            let id = id::find(&input.place_id, "place")?;
            let found = place_mark::Found {
                generation: input.generation,
                problem: input.problem.clone(),
            };
            let accepted = place_mark::report(app(ctx)?, hypervisor, id, found).await?;
            Ok(AgentReportPlacePayload { accepted })
        })
        .await
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

/// Whole seconds, as GraphQL's Int.
fn seconds(duration: std::time::Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
