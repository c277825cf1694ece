//! The end of an operation whose row cannot be read: by statements that read nothing of it that may be damaged.

use entity::{
    AccountId, OperationId, VolumeId, account, backup, operation,
    operation::{OperationKind, OperationStatus},
    operation_event::OperationEventKind,
    operation_log::{self, LogLevel},
    snapshot,
    snapshot::ItemStatus,
    volume,
    volume::{DataState, VolumeState},
};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, EntityTrait, ExprTrait, Iterable, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Func, Query, SimpleExpr},
};

use super::{
    super::{
        effect::image,
        entry::{self, Entry},
        timeline,
    },
    ACTOR, Agent, INCOMPLETE,
};
use crate::{
    app::App,
    domain::{
        Error, ErrorCode, Result,
        transaction::{ROW_LOCK, Transaction},
        volume::last_backup,
    },
    events::Topic,
};

/// Ends the operation whose id reads `id`, by statements that read nothing of its row that may be damaged:
/// what it was to make or to delete has failed, and what it held is free once no agent may be writing.
///
/// Each row is written once: PostgreSQL looks again at what a row refers to when it is written twice.
pub(super) async fn bury(app: &App, id: &str, agent: Agent, cause: &Error) -> Result<()> {
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
    if let Some(backup) = &remains.backup {
        last_backup::hold(&tx, backup.as_str()).await?;
    }
    fail_items(&tx, id).await?;
    doubt_image(&mut tx, id).await?;
    if let Some(backup) = &remains.backup {
        last_backup::keep(&tx, backup.as_str()).await?;
    }
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
    /// The backup that it is about.
    backup: Option<String>,
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
        let likely = match (target, snapshot, &backup) {
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
            backup,
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
        Expr::col(Column::Status).is_in(OperationStatus::IN_FLIGHT),
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
        let entry = Entry {
            at: tx.now(),
            level: LogLevel::Error,
            message: cause.to_owned(),
            public: false,
            number: None,
        };
        entry::append(tx.db(), id, vec![entry]).await?;
    }
    let has_failed = timeline::has(tx, id, &[OperationEventKind::Failed]).await?;
    if let Some(account) = remains.account.filter(|_| !has_failed) {
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

/// Nobody can tell whether a restore that was allowed to has replaced its volume's image.
async fn doubt_image(tx: &mut Transaction<'_>, id: &str) -> Result<()> {
    let volume = Query::select()
        .column(operation::Column::VolumeId)
        .from(operation::Entity)
        .and_where(operation::Column::Id.eq(id))
        .and_where(operation::Column::ReplaceImage.eq(true))
        .and_where(operation::Column::Epoch.gt(0))
        .and_where(operation::Column::LeaseExpiresAt.is_null())
        .to_owned();
    let snapshots = snapshot::Column::VolumeId.in_subquery(volume);
    image::doubt(tx, Condition::all().add(snapshots)).await
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
            let data = Expr::case(restored.clone(), Expr::value(DataState::Inconsistent))
                .finally(Expr::col(Column::DataState));
            let measure =
                Expr::case(restored, Expr::value(tx.now())).finally(Expr::col(Column::MeasureAt));
            free = free
                .col_expr(Column::DataState, data.into())
                .col_expr(Column::MeasureAt, measure.into());
        }
    }
    free.exec(tx.db()).await?;
    Ok(())
}
