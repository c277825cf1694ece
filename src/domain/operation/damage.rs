//! Damage is contained: a row that cannot be read, or lacks another that it refers to, costs its own
//! operation and no other.
//!
//! What is done to an operation is done within [`contain`]. When that fails for a reason that no later
//! attempt mends, the operation is failed by a transaction of its own, as an administrator would; and
//! when not even that is possible, `burial::bury` ends it without reading anything of its row.

mod burial;

use entity::{
    OperationId, Scope, hypervisor, operation, operation::OperationKind, operation_log::LogLevel,
};
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Select};

use self::burial::bury;
use super::{
    end::{Ending, end},
    entry::{self, Entry},
    find_locked,
    lease::{Agent, Lease},
    state::is_ended,
};
use crate::{
    app::App,
    domain::{
        Error, ErrorCode, Result,
        damage::{INCOMPLETE, is_damage},
        transaction::Transaction,
    },
};

/// Who ends a damaged operation, in its timeline.
const ACTOR: &str = "tidemark";
/// Does `work` on the operation `id`. Where that meets damage there is no outcome, and the operation has
/// failed. Errors that pass are given back.
pub fn contain<'a, T: Send + 'a>(
    app: &'a App,
    id: OperationId,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<T>>> {
    let work = Box::pin(work);
    Box::pin(async move {
        match damage_apart(work.await)? {
            Ok(outcome) => Ok(Some(outcome)),
            Err(damage) => {
                fail(app, id, Agent::MayWrite, &damage).await;
                Ok(None)
            }
        }
    })
}

/// The same for what an agent says under a lease. An operation that is not this agent's is left alone.
pub fn contain_report<'a, T: Send + 'a>(
    app: &'a App,
    hypervisor: &'a hypervisor::Model,
    lease: Lease,
    agent: Agent,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<T>>> {
    let work = Box::pin(work);
    Box::pin(async move {
        let damage = match damage_apart(work.await)? {
            Ok(outcome) => return Ok(Some(outcome)),
            Err(damage) => damage,
        };
        let own = operation::Entity::find_by_id(lease.operation)
            .filter(operation::Column::HypervisorId.eq(hypervisor.id))
            .filter(operation::Column::Epoch.eq(lease.epoch))
            .count(app.database.reads())
            .await?;
        if own > 0 {
            fail(app, lease.operation, agent, &damage).await;
        }
        Ok(None)
    })
}

/// Errors that pass stay errors; damage is an outcome of its own.
fn damage_apart<T>(outcome: Result<T>) -> Result<std::result::Result<T, Error>> {
    match outcome {
        Err(error) if !is_damage(&error) => Err(error),
        outcome => Ok(outcome),
    }
}

/// The ids of `query`'s rows. One that is none cannot be named to anybody: its row is buried.
pub async fn ids(app: &App, query: Select<operation::Entity>) -> Result<Vec<OperationId>> {
    let texts: Vec<String> = query
        .select_only()
        .column(operation::Column::Id)
        .into_tuple()
        .all(app.database.reads())
        .await?;
    let mut ids = Vec::with_capacity(texts.len());
    for text in texts {
        ids.extend(id(app, &text).await?);
    }
    Ok(ids)
}

/// The id that `text` is; none where its row had to be buried.
pub async fn id(app: &App, text: &str) -> Result<Option<OperationId>> {
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    let cause = Error::Broken(format!("{text:?} is no id of an operation"));
    if app.damage.is_news(&format!("operation {text}")) {
        tracing::error!(%cause, "a damaged operation has failed");
    }
    bury(app, text, Agent::MayWrite, &cause).await?;
    Ok(None)
}

/// Fails the operation `id`, of which `cause` cannot be mended.
pub async fn fail(app: &App, id: OperationId, agent: Agent, cause: &Error) {
    if app.damage.is_news(&format!("operation {id}")) {
        tracing::error!(operation = %id, %cause, "an operation's records are damaged: it has failed");
    }
    let Err(error) = end_plainly(app, id, agent, cause).await else {
        return;
    };
    tracing::debug!(operation = %id, %error, "a damaged operation cannot be ended as others are");
    if let Err(error) = bury(app, &id.to_string(), agent, cause).await
        && app.damage.is_news(&format!("burial of {id}"))
    {
        tracing::error!(operation = %id, %error, "nor can a damaged operation be ended otherwise");
    }
}

async fn end_plainly(app: &App, id: OperationId, agent: Agent, cause: &Error) -> Result<()> {
    let mut tx = Transaction::begin(app).await?;
    let mut operation = find_locked(&tx, Scope::Everything, id).await?;
    if is_ended(operation.status) {
        return Err(Error::Broken("it has ended already".to_owned()));
    }
    let now = tx.now();
    let was_held = operation.lease_expires_at.is_some();
    let lease = operation
        .lease_expires_at
        .filter(|at| agent == Agent::MayWrite && *at > now);
    // Nobody can tell whether it had begun to write.
    operation.volume_touched |=
        was_held && lease.is_none() && operation.kind == OperationKind::RestoreInPlace;
    let ending = Ending::Failed {
        code: ErrorCode::StorageFailed,
        message: INCOMPLETE.to_owned(),
        lease,
    };
    let entry = Entry {
        at: now,
        level: LogLevel::Error,
        message: cause.to_string(),
        public: false,
        number: None,
    };
    entry::append(tx.db(), id, vec![entry]).await?;
    tx.wake_agent(operation.hypervisor_id);
    end(&mut tx, operation, ending, ACTOR).await?;
    tx.commit().await
}
