//! Watching hypervisors come and go.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Subscription};
use entity::{HypervisorId, hypervisor};
use futures_util::{Stream, StreamExt, stream};
use sea_orm::{EntityTrait, QueryOrder};

use super::{
    joint::Reader,
    live::{Reading, State, live},
};
use crate::{
    app::App,
    domain::{Requester, readable},
    events::Topic,
    graphql::{
        context::{admin, app},
        error::Result,
        types::{Hypervisor, hypervisor::HypervisorStatus},
        visible,
    },
};

/// Watching hypervisors.
#[derive(Debug, Default)]
pub struct HypervisorSubscription;

#[Subscription]
impl HypervisorSubscription {
    /// Every hypervisor as it is now, then each that comes or changes. One that is deleted is told once more, with
    /// its `deletedAt`.
    #[graphql(visible = "visible::to_admins")]
    async fn hypervisor_events(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<Hypervisor>>> {
        let (app, requester) = (app(ctx)?.clone(), admin(ctx)?.clone());
        let read = {
            let app = app.clone();
            move |requester: Requester| {
                let app = app.clone();
                async move {
                    requester.admin()?;
                    let state = Fleet(list(&app).await?);
                    Ok(Reading {
                        state,
                        is_last: false,
                        changes_in: None,
                    })
                }
            }
        };
        let reader = Reader::alone(requester);
        let fleets = live(app, reader, &[Topic::Hypervisors], read);
        Ok(fleets
            .scan(HashMap::new(), |known, fleet| {
                let changed = fleet.map(|Fleet(fleet)| changed(known, fleet));
                std::future::ready(Some(changed))
            })
            .flat_map(|changed| match changed {
                Ok(changed) => stream::iter(
                    changed
                        .into_iter()
                        .map(|row| Ok(Hypervisor(row)))
                        .collect::<Vec<_>>(),
                ),
                Err(failure) => stream::iter(vec![Err(failure)]),
            }))
    }
}

/// A hypervisor, with what its heartbeats change left out.
#[derive(Clone, Debug)]
struct Member {
    row: Arc<hypervisor::Model>,
    status: HypervisorStatus,
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        let steady = |row: &hypervisor::Model| hypervisor::Model {
            last_seen_at: None,
            ..row.clone()
        };
        self.status == other.status && steady(&self.row) == steady(&other.row)
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Fleet(Vec<Member>);

impl State for Fleet {}

async fn list(app: &App) -> Result<Vec<Member>> {
    let db = app.database.reads();
    let now = app.clock.now(db).await?;
    // The deleted ones too: those who knew one are told that it is gone.
    let rows = hypervisor::Entity::find().order_by_asc(hypervisor::Column::Id);
    let rows = readable::rows(app, rows).await?;
    let member = |row: hypervisor::Model| Member {
        status: HypervisorStatus::of(&row, &app.settings, now),
        row: Arc::new(row),
    };
    Ok(rows.into_iter().flatten().map(member).collect())
}

/// The members that are not yet known as they are.
fn changed(
    known: &mut HashMap<HypervisorId, Member>,
    fleet: Vec<Member>,
) -> Vec<Arc<hypervisor::Model>> {
    let mut changed = Vec::new();
    for member in fleet {
        let row = Arc::clone(&member.row);
        if row.deleted_at.is_some() && !known.contains_key(&row.id) {
            continue;
        }
        if known
            .insert(row.id, member.clone())
            .is_none_or(|before| before != member)
        {
            changed.push(row);
        }
    }
    changed
}
