//! Records end: what is older than anybody needs is deleted, batch by batch.
//!
//! It takes no input, may run at any time and in any number of gateways: a row that another has deleted is gone. What
//! something else still refers to stays until that has ended. Snapshots, backups and volumes that are there never end.

use chrono::{DateTime, Utc};
use entity::{
    audit_event, backup, idempotency_key, operation, operation::OperationStatus, operation_event,
    operation_log, snapshot, token, volume,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, Order, QueryFilter,
    sea_query::{Expr, Query, SelectStatement},
};

use super::{Result, settings::Kept};
use crate::app::App;

/// How many rows one statement deletes: others write in between.
const BATCH: u64 = 500;
/// How many batches one run deletes of a kind. The rest waits for the next run.
const BATCHES: u64 = 100;
/// How many batches of logs in a row may hold nothing that ends, before the rest is taken to be younger.
const BARREN: u64 = 5;

/// What ends by its own age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Idempotency keys.
    Keys,
    /// Tokens that were revoked.
    RevokedTokens,
    /// Tokens that have expired.
    ExpiredTokens,
    /// Audit events.
    AuditEvents,
    /// Operations that have ended.
    Operations,
    /// Snapshots that were deleted.
    Snapshots,
    /// Backups that were deleted.
    Backups,
    /// Volumes that were deleted.
    Volumes,
}

impl Kind {
    /// All of them: what refers to something before what it refers to.
    pub const ALL: [Self; 8] = [
        Self::Keys,
        Self::RevokedTokens,
        Self::ExpiredTokens,
        Self::AuditEvents,
        Self::Operations,
        Self::Snapshots,
        Self::Backups,
        Self::Volumes,
    ];

    /// The keys of some rows that end, the oldest first.
    pub fn due(self, kept: &Kept, now: DateTime<Utc>) -> SelectStatement {
        match self {
            Self::Keys => {
                use idempotency_key::{Column, Entity};
                let at = Column::CreatedAt;
                let mut due = older::<Entity>(at, now - kept.idempotency_keys);
                due.columns([Column::AccountId, Column::Key]).to_owned()
            }
            Self::RevokedTokens => {
                use token::{Column, Entity};
                let mut due = older::<Entity>(Column::RevokedAt, now - kept.tokens);
                due.column(Column::Id).to_owned()
            }
            Self::ExpiredTokens => {
                use token::{Column, Entity};
                let mut due = older::<Entity>(Column::ExpiresAt, now - kept.tokens);
                due.column(Column::Id).to_owned()
            }
            Self::AuditEvents => {
                use audit_event::{Column, Entity};
                let mut due = older::<Entity>(Column::At, now - kept.audit);
                due.column(Column::Id).to_owned()
            }
            Self::Operations => ended_operations(now - kept.operations),
            Self::Snapshots => {
                use snapshot::{Column, Entity};
                let mut due = older::<Entity>(Column::DeletedAt, now - kept.operations);
                due.column(Column::Id)
                    .and_where(unnamed::<Entity, _>(
                        Column::Id,
                        operation::Column::SnapshotId,
                    ))
                    .to_owned()
            }
            Self::Backups => {
                use backup::{Column, Entity};
                let mut due = older::<Entity>(Column::DeletedAt, now - kept.operations);
                due.column(Column::Id)
                    .and_where(unnamed::<Entity, _>(
                        Column::Id,
                        operation::Column::BackupId,
                    ))
                    .to_owned()
            }
            Self::Volumes => {
                use volume::{Column, Entity};
                let mut due = older::<Entity>(Column::DeletedAt, now - kept.operations);
                due.column(Column::Id)
                    .and_where(unnamed::<Entity, _>(
                        Column::Id,
                        operation::Column::VolumeId,
                    ))
                    .and_where(unnamed::<Entity, _>(
                        Column::Id,
                        operation::Column::TargetVolumeId,
                    ))
                    .and_where(unnamed::<Entity, _>(Column::Id, snapshot::Column::VolumeId))
                    .and_where(unnamed::<Entity, _>(Column::Id, backup::Column::VolumeId))
                    .to_owned()
            }
        }
    }

    async fn delete(self, db: &impl ConnectionTrait, due: SelectStatement) -> Result<u64> {
        let done = match self {
            Self::Keys => {
                use idempotency_key::{Column, Entity};
                let key = Expr::tuple([Expr::col(Column::AccountId), Expr::col(Column::Key)]);
                let due = Entity::delete_many().filter(key.in_subquery(due));
                due.exec(db).await?
            }
            Self::RevokedTokens | Self::ExpiredTokens => {
                by_id::<token::Entity>(token::Column::Id, due)
                    .exec(db)
                    .await?
            }
            Self::AuditEvents => {
                let events = by_id::<audit_event::Entity>(audit_event::Column::Id, due);
                events.exec(db).await?
            }
            Self::Operations => {
                let operations = by_id::<operation::Entity>(operation::Column::Id, due);
                operations.exec(db).await?
            }
            Self::Snapshots => {
                by_id::<snapshot::Entity>(snapshot::Column::Id, due)
                    .exec(db)
                    .await?
            }
            Self::Backups => {
                by_id::<backup::Entity>(backup::Column::Id, due)
                    .exec(db)
                    .await?
            }
            Self::Volumes => {
                by_id::<volume::Entity>(volume::Column::Id, due)
                    .exec(db)
                    .await?
            }
        };
        Ok(done.rows_affected)
    }
}

/// What one run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many rows.
    pub rows: u64,
    /// There may be more than one run deletes.
    pub more: bool,
}

impl Ended {
    fn and(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            more: self.more || other.more,
        }
    }
}

/// Ends what is old enough, as much of it as one run may. Each kind stands alone: where one cannot be deleted, the others
/// are.
pub async fn end(app: &App) -> Result<Ended> {
    let logs = end_logs(app).await;
    let events = end_events(app).await;
    let mut kinds = Vec::with_capacity(Kind::ALL.len());
    for kind in Kind::ALL {
        kinds.push(end_kind(app, kind).await);
    }
    let mut ended = logs?.and(events?);
    for of_kind in kinds {
        ended = ended.and(of_kind?);
    }
    Ok(ended)
}

async fn end_kind(app: &App, kind: Kind) -> Result<Ended> {
    let db = app.database.writes();
    let now = app.clock.now(db).await?;
    let mut rows = 0;
    for _ in 0..BATCHES {
        let batch = kind
            .delete(db, kind.due(&app.settings.records, now))
            .await?;
        rows += batch;
        if batch < BATCH {
            return Ok(Ended { rows, more: false });
        }
    }
    Ok(Ended { rows, more: true })
}

/// Ends the lines of operations that ended long ago. They are looked through in the order in which they came, which is about
/// the order in which their operations ended.
async fn end_logs(app: &App) -> Result<Ended> {
    use operation_log::{Column, Entity};
    let db = app.database.writes();
    let before = app.clock.now(db).await? - app.settings.records.logs;
    let (mut rows, mut last, mut barren) = (0, i64::MIN, 0);
    for _ in 0..BATCHES {
        let lines = db.query_all(&lines_after(last)).await?;
        let mut due = Vec::new();
        for line in &lines {
            last = line.try_get("", "id")?;
            let finished: Option<DateTime<Utc>> = line.try_get("", "finished_at")?;
            if finished.is_some_and(|at| at < before) {
                due.push(last);
            }
        }
        barren = if due.is_empty() { barren + 1 } else { 0 };
        if !due.is_empty() {
            let done = Entity::delete_many().filter(Column::Id.is_in(due));
            rows += done.exec(db).await?.rows_affected;
        }
        if barren >= BARREN || u64::try_from(lines.len()).is_ok_and(|lines| lines < BATCH) {
            return Ok(Ended { rows, more: false });
        }
    }
    Ok(Ended { rows, more: true })
}

/// Some lines behind `last`, each with the end of its operation.
fn lines_after(last: i64) -> SelectStatement {
    use operation_log::{Column, Entity};
    Query::select()
        .column((Entity, Column::Id))
        .column((operation::Entity, operation::Column::FinishedAt))
        .from(Entity)
        .left_join(
            operation::Entity,
            Expr::col((Entity, Column::OperationId))
                .equals((operation::Entity, operation::Column::Id)),
        )
        .and_where(Expr::col((Entity, Column::Id)).gt(last))
        .order_by((Entity, Column::Id), Order::Asc)
        .limit(BATCH)
        .to_owned()
}

/// Ends the beginning of the timeline: up to the first event that is young, or whose operation is. So none is ever missing
/// between two that are there, and a stream from before the first one is refused.
async fn end_events(app: &App) -> Result<Ended> {
    use operation_event::{Column, Entity};
    let db = app.database.writes();
    let before = app.clock.now(db).await? - app.settings.records.logs;
    let mut rows = 0;
    for _ in 0..BATCHES {
        let events = db.query_all(&first_events()).await?;
        let mut last = None;
        for event in &events {
            let operation: Option<String> = event.try_get("", "operation")?;
            let finished: Option<DateTime<Utc>> = event.try_get("", "finished_at")?;
            let at: DateTime<Utc> = event.try_get("", "at")?;
            // Of an operation that is not there, its own time counts.
            let end = if operation.is_some() {
                finished
            } else {
                Some(at)
            };
            if end.is_none_or(|end| end >= before) {
                break;
            }
            last = Some(event.try_get::<i64>("", "seq")?);
        }
        let Some(last) = last else {
            return Ok(Ended { rows, more: false });
        };
        let done = Entity::delete_many().filter(Column::Seq.lte(last));
        let batch = done.exec(db).await?.rows_affected;
        rows += batch;
        if batch < BATCH {
            return Ok(Ended { rows, more: false });
        }
    }
    Ok(Ended { rows, more: true })
}

/// The first events that are there, each with the end of its operation.
fn first_events() -> SelectStatement {
    use operation_event::{Column, Entity};
    Query::select()
        .column((Entity, Column::Seq))
        .column((Entity, Column::At))
        .column((operation::Entity, operation::Column::FinishedAt))
        .expr_as(
            Expr::col((operation::Entity, operation::Column::Id)),
            "operation",
        )
        .from(Entity)
        .left_join(
            operation::Entity,
            Expr::col((Entity, Column::OperationId))
                .equals((operation::Entity, operation::Column::Id)),
        )
        .order_by((Entity, Column::Seq), Order::Asc)
        .limit(BATCH)
        .to_owned()
}

/// Operations that ended before `before`, whose logs and timeline are gone, and that nothing is the work of which is there.
fn ended_operations(before: DateTime<Utc>) -> SelectStatement {
    use operation::{Column, Entity};
    let made = |mut of: SelectStatement, deleted: Expr| {
        Expr::exists(of.and_where(deleted.is_null()).to_owned()).not()
    };
    let snapshots = named_by::<Entity, _>(Column::Id, snapshot::Column::OperationId);
    let backups = named_by::<Entity, _>(Column::Id, backup::Column::OperationId);
    let deleted_snapshot = Expr::col((snapshot::Entity, snapshot::Column::DeletedAt));
    let deleted_backup = Expr::col((backup::Entity, backup::Column::DeletedAt));
    let mut due = older::<Entity>(Column::FinishedAt, before);
    due.column(Column::Id)
        // What they are not, so that the time is what is looked for in an index.
        .and_where(Expr::col((Entity, Column::Status)).is_not_in(OperationStatus::IN_FLIGHT))
        .and_where(Expr::col((Entity, Column::LeaseExpiresAt)).is_null())
        .and_where(unnamed::<Entity, _>(
            Column::Id,
            operation_log::Column::OperationId,
        ))
        .and_where(unnamed::<Entity, _>(
            Column::Id,
            operation_event::Column::OperationId,
        ))
        .and_where(unnamed::<Entity, _>(
            Column::Id,
            volume::Column::ActiveOperationId,
        ))
        .and_where(made(snapshots, deleted_snapshot))
        .and_where(made(backups, deleted_backup))
        .to_owned()
}

/// Some rows whose instant `at` lies before `before`, the oldest first.
fn older<E: EntityTrait + Default>(at: E::Column, before: DateTime<Utc>) -> SelectStatement {
    Query::select()
        .from(E::default())
        .and_where(Expr::col((E::default(), at)).lt(before))
        .order_by((E::default(), at), Order::Asc)
        .limit(BATCH)
        .to_owned()
}

/// The rows whose column `by` names the row of `E` that is looked at, by its `id`.
fn named_by<E: EntityTrait + Default, C: ColumnTrait>(id: E::Column, by: C) -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(by.entity_name())
        .and_where(Expr::col(by.as_column_ref()).equals((E::default(), id)))
        .to_owned()
}

/// That no row names the one that is looked at in its column `by`.
fn unnamed<E: EntityTrait + Default, C: ColumnTrait>(id: E::Column, by: C) -> Expr {
    Expr::exists(named_by::<E, C>(id, by)).not()
}

fn by_id<E: EntityTrait>(id: E::Column, due: SelectStatement) -> sea_orm::DeleteMany<E> {
    E::delete_many().filter(id.in_subquery(due))
}
