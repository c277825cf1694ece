//! Damage is contained: a row that cannot be read, or lacks another that it refers to, costs its own
//! operation and no other.
//!
//! What is done to an operation is done within [`contain`]. When that fails for a reason that no later
//! attempt mends, the operation is failed by a transaction of its own, as an administrator would; and
//! when not even that is possible, [`bury`] ends it without reading anything of its row.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use entity::{
    AccountId, OperationId, Scope, VolumeId, account, backup, hypervisor, operation,
    operation::{OperationKind, OperationStatus},
    operation_event::{self, OperationEventKind},
    operation_log::{self, LogLevel},
    snapshot,
    snapshot::ItemStatus,
    volume,
    volume::{DataState, VolumeState},
};
use futures_util::future::BoxFuture;
use sea_orm::{
    ActiveEnum, ColumnTrait, DbErr, EntityTrait, ExprTrait, Iterable, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, RuntimeErr, Select, SqlxError,
    sea_query::{Expr, Func, Query, SimpleExpr},
};

use super::{
    find_locked,
    finish::{Ending, end},
    log,
    renew::Lease,
    state::{IN_FLIGHT, is_ended},
};
use crate::{
    app::App,
    domain::{
        Error, ErrorCode, Result,
        transaction::{ROW_LOCK, Transaction},
    },
    events::Topic,
};

/// Who ends a damaged operation, in its timeline.
const ACTOR: &str = "tidemark";
/// What its owner is told.
pub const INCOMPLETE: &str =
    "The gateway's records of the operation are not complete. Ask the operator.";
/// The most rows that are remembered as told of.
const MAX_KNOWN: usize = 10_000;

/// The damage that the log knows of already.
#[derive(Clone, Debug, Default)]
pub struct Known(Arc<Mutex<HashSet<String>>>);

impl Known {
    /// Whether nothing was said of `row` yet.
    pub fn is_news(&self, row: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(row.to_owned())
    }
}

/// Whether an agent may be writing for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// As long as its lease lasts: until then its volumes are not freed.
    MayWrite,
    /// It said that it has stopped.
    HasStopped,
}

/// Whether `error` lies in what the database holds, so that no later attempt mends it.
pub fn is_damage(error: &Error) -> bool {
    match error {
        Error::Broken(_) | Error::NotFound(_) | Error::SecretUnreadable { .. } => true,
        Error::Database(error) => match error {
            DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => match &**error {
                SqlxError::Database(error) => {
                    error.is_foreign_key_violation() || error.is_check_violation()
                }
                SqlxError::ColumnDecode { .. } | SqlxError::Decode(_) => true,
                _ => false,
            },
            DbErr::Type(_)
            | DbErr::Json(_)
            | DbErr::TryIntoErr { .. }
            | DbErr::RecordNotFound(_)
            | DbErr::RecordNotUpdated => true,
            _ => false,
        },
        _ => false,
    }
}

/// Does `work` on the operation `id`. Where that meets damage there is no outcome, and the operation has
/// failed. Errors that pass are given back.
pub fn contain<'a, T: Send + 'a>(
    app: &'a App,
    id: OperationId,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<T>>> {
    let work = Box::pin(work);
    Box::pin(async move {
        match work.await {
            Ok(outcome) => Ok(Some(outcome)),
            Err(error) if is_damage(&error) => {
                fail(app, id, Agent::MayWrite, &error).await;
                Ok(None)
            }
            Err(error) => Err(error),
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
        match work.await {
            Ok(outcome) => Ok(Some(outcome)),
            Err(error) if is_damage(&error) => {
                let own = operation::Entity::find_by_id(lease.operation)
                    .filter(operation::Column::HypervisorId.eq(hypervisor.id))
                    .filter(operation::Column::Epoch.eq(lease.epoch))
                    .count(app.database.reads())
                    .await?;
                if own > 0 {
                    fail(app, lease.operation, agent, &error).await;
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    })
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
    let entry = log::Entry {
        at: now,
        level: LogLevel::Error,
        message: cause.to_string(),
        public: false,
        number: None,
    };
    log::append(tx.db(), id, vec![entry]).await?;
    tx.wake_agent(operation.hypervisor_id);
    end(&mut tx, operation, ending, ACTOR).await?;
    tx.commit().await
}

/// Ends the operation whose id reads `id`, by statements that read nothing of its row that may be damaged:
/// what it was to make or to delete has failed, and what it held is free once no agent may be writing.
///
/// Each row is written once: PostgreSQL looks again at what a row refers to when it is written twice.
pub async fn bury(app: &App, id: &str, agent: Agent, cause: &Error) -> Result<()> {
    let mut tx = Transaction::begin(app).await?;
    let remains = Remains::read(&tx, id).await?;
    end_row(&tx, id, agent, remains.likely_kind.as_deref()).await?;
    let noted = remains
        .likely_kind
        .as_ref()
        .map_or_else(String::new, |likely| {
            format!("; its kind was {:?}, and is {likely} now", remains.kind)
        });
    tell(&mut tx, id, &remains, &format!("{cause}{noted}")).await?;
    free_volumes(&tx, id).await?;
    fail_items(&tx, id).await?;
    for volume in remains
        .held
        .iter()
        .filter_map(|id| id.parse::<VolumeId>().ok())
    {
        tx.wake(Topic::Volume(volume));
    }
    if let Ok(id) = id.parse() {
        tx.wake(Topic::Operation(id));
    }
    tx.commit().await
}

/// What can be read of a damaged operation, as texts.
#[derive(Debug, Default)]
struct Remains {
    kind: Option<String>,
    /// Where the kind is none, which would hide the row from administrators: what it may have been.
    likely_kind: Option<String>,
    /// The account, if that is there.
    account: Option<AccountId>,
    /// The volumes that it holds.
    held: Vec<String>,
}

type Texts = (
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl Remains {
    async fn read(tx: &Transaction<'_>, id: &str) -> Result<Self> {
        use operation::Column;
        let row: Option<Texts> = operation::Entity::find()
            .select_only()
            .columns([
                Column::Kind,
                Column::AccountId,
                Column::SnapshotId,
                Column::BackupId,
                Column::TargetVolumeId,
            ])
            .filter(Column::Id.eq(id))
            .lock(ROW_LOCK)
            .into_tuple()
            .one(tx.db())
            .await?;
        let locked: Vec<(String, Option<String>)> = volume::Entity::find()
            .select_only()
            .columns([volume::Column::Id, volume::Column::ActiveOperation])
            .filter(volume::Column::ActiveOperationId.eq(id))
            .order_by_asc(volume::Column::Id)
            .lock(ROW_LOCK)
            .into_tuple()
            .all(tx.db())
            .await?;
        let holder = locked.iter().find_map(|(_, kind)| kind.clone());
        let held = locked.into_iter().map(|(id, _)| id).collect();
        let Some((kind, account, snapshot, backup, target)) = row else {
            return Ok(Self {
                held,
                ..Self::default()
            });
        };
        let known = |kind: &str| OperationKind::iter().any(|known| known.to_value() == kind);
        let likely = match (target, snapshot, backup) {
            (Some(_), _, _) => OperationKind::RestoreToNewVolume,
            (None, Some(_), _) => OperationKind::CreateSnapshot,
            (None, None, Some(_)) => OperationKind::CreateBackup,
            (None, None, None) => OperationKind::CreateVolume,
        };
        let likely_kind = (!known(&kind)).then(|| {
            let holder = holder.filter(|kind| known(kind));
            holder.unwrap_or_else(|| likely.to_value())
        });
        let accounts = account::Entity::find()
            .filter(account::Column::Id.eq(&account))
            .count(tx.db())
            .await?;
        let account = account.parse().ok().filter(|_| accounts > 0);
        Ok(Self {
            kind: Some(kind),
            likely_kind,
            account,
            held,
        })
    }
}

async fn end_row(
    tx: &Transaction<'_>,
    id: &str,
    agent: Agent,
    likely_kind: Option<&str>,
) -> Result<()> {
    use operation::Column;
    let or = |column: Column, value: SimpleExpr| {
        SimpleExpr::from(Func::coalesce([Expr::col(column), value]))
    };
    let lease = match agent {
        Agent::HasStopped => Expr::null(),
        Agent::MayWrite => Expr::case(
            Expr::col(Column::LeaseExpiresAt).gt(tx.now()),
            Expr::col(Column::LeaseExpiresAt),
        )
        .finally(Expr::null())
        .into(),
    };
    let risen = Expr::case(
        Expr::col(Column::Status).is_in(IN_FLIGHT),
        Expr::col(Column::Revision).add(1),
    )
    .finally(Expr::col(Column::Revision));
    let code = ErrorCode::StorageFailed.as_str();
    let mut end = operation::Entity::update_many()
        .col_expr(Column::Status, Expr::value(OperationStatus::Failed))
        .col_expr(Column::Revision, risen.into())
        .col_expr(Column::Phase, Expr::value("Failed"))
        .col_expr(Column::LeaseExpiresAt, lease)
        .col_expr(Column::BytesPerSecond, Expr::null())
        .col_expr(
            Column::FinishedAt,
            or(Column::FinishedAt, Expr::value(tx.now())),
        )
        .col_expr(Column::ErrorCode, or(Column::ErrorCode, Expr::value(code)))
        .col_expr(
            Column::ErrorMessage,
            or(Column::ErrorMessage, Expr::value(INCOMPLETE)),
        )
        .filter(Column::Id.eq(id));
    if let Some(kind) = likely_kind {
        end = end.col_expr(Column::Kind, Expr::value(kind));
    }
    end.exec(tx.db()).await?;
    Ok(())
}

/// Tells administrators in the operation's log, and its owner in its timeline, where that can be.
async fn tell(tx: &mut Transaction<'_>, id: &str, remains: &Remains, cause: &str) -> Result<()> {
    let (Some(_), Ok(id)) = (&remains.kind, id.parse::<OperationId>()) else {
        return Ok(());
    };
    let told = operation_log::Entity::find()
        .filter(operation_log::Column::OperationId.eq(id))
        .filter(operation_log::Column::Message.eq(cause))
        .count(tx.db())
        .await?;
    if told == 0 {
        let entry = log::Entry {
            at: tx.now(),
            level: LogLevel::Error,
            message: cause.to_owned(),
            public: false,
            number: None,
        };
        log::append(tx.db(), id, vec![entry]).await?;
    }
    let ends = operation_event::Entity::find()
        .filter(operation_event::Column::OperationId.eq(id))
        .filter(operation_event::Column::Kind.eq(OperationEventKind::Failed))
        .count(tx.db())
        .await?;
    if let Some(account) = remains.account.filter(|_| ends == 0) {
        let kind = OperationEventKind::Failed;
        tx.record_of(id, account, kind, ACTOR, Some(INCOMPLETE.to_owned()));
    }
    Ok(())
}

/// What the operation was to make or to delete has failed. What it read is left to whoever frees items
/// that nothing holds.
async fn fail_items(tx: &Transaction<'_>, id: &str) -> Result<()> {
    const BROKEN_OFF: [ItemStatus; 3] = [
        ItemStatus::Pending,
        ItemStatus::Creating,
        ItemStatus::Deleting,
    ];
    let item = |column: operation::Column| {
        Query::select()
            .column(column)
            .from(operation::Entity)
            .and_where(operation::Column::Id.eq(id))
            .to_owned()
    };
    snapshot::Entity::update_many()
        .col_expr(snapshot::Column::Status, Expr::value(ItemStatus::Failed))
        .col_expr(snapshot::Column::Failure, Expr::value(INCOMPLETE))
        .filter(snapshot::Column::Id.in_subquery(item(operation::Column::SnapshotId)))
        .filter(snapshot::Column::OperationId.eq(id))
        .filter(snapshot::Column::Status.is_in(BROKEN_OFF))
        .exec(tx.db())
        .await?;
    backup::Entity::update_many()
        .col_expr(backup::Column::Status, Expr::value(ItemStatus::Failed))
        .col_expr(backup::Column::Failure, Expr::value(INCOMPLETE))
        .filter(backup::Column::Id.in_subquery(item(operation::Column::BackupId)))
        .filter(backup::Column::OperationId.eq(id))
        .filter(backup::Column::Status.is_in(BROKEN_OFF))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Frees what the operation held, unless an agent may still be writing. A volume that was being restored may
/// have been written to; one that was being made or deleted has failed.
async fn free_volumes(tx: &Transaction<'_>, id: &str) -> Result<()> {
    use volume::Column;
    let rows = || operation::Entity::find().filter(operation::Column::Id.eq(id));
    let held = rows()
        .filter(operation::Column::LeaseExpiresAt.is_not_null())
        .count(tx.db())
        .await?;
    let started = rows()
        .filter(operation::Column::Epoch.gt(0))
        .count(tx.db())
        .await?;
    let on_its_way = Expr::col(Column::State).is_in([VolumeState::Creating, VolumeState::Deleting]);
    let state =
        Expr::case(on_its_way, Expr::value(VolumeState::Failed)).finally(Expr::col(Column::State));
    let mut free = volume::Entity::update_many()
        .col_expr(Column::State, state.into())
        .filter(Column::ActiveOperationId.eq(id));
    if held == 0 {
        free = free
            .col_expr(Column::ActiveOperation, Expr::null())
            .col_expr(Column::ActiveOperationId, Expr::null());
        if started > 0 {
            let restored = Expr::col(Column::ActiveOperation).eq(OperationKind::RestoreInPlace);
            let data = Expr::case(restored, Expr::value(DataState::Inconsistent))
                .finally(Expr::col(Column::DataState));
            free = free.col_expr(Column::DataState, data.into());
        }
    }
    free.exec(tx.db()).await?;
    Ok(())
}
