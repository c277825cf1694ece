//! A transaction of the domain: one instant, events written last, watchers woken after the commit.

use std::{collections::BTreeSet, ops::RangeInclusive};

use chrono::{DateTime, Utc};
use entity::{
    AccountId, HypervisorId, OperationId, Scope, VolumeId, account, audit_event, operation,
    operation::OperationKind, operation_event, operation_event::OperationEventKind, sequence,
    unnumbered_event,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, ExprTrait,
    FromQueryResult, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{CommonTableExpression, Expr, LockType, Query},
};

use super::{
    Clock, Error, Result, audit,
    billing::{self, Billed, Change, Marks},
};
use crate::{
    app::App,
    database::Begun,
    events::{News, Topic},
};

/// The counter that orders events. Who gives numbers locks its row until the commit, so that numbers appear in
/// their order and a reader never sees a gap.
pub const EVENTS: &str = "operation_events";

/// How rows are locked that will change: `FOR NO KEY UPDATE`. A stronger lock would also wait for
/// every transaction that merely refers to the row by a foreign key, and two such transactions that
/// then lock the row themselves would wait for each other. Ids never change, so it is enough.
pub const ROW_LOCK: LockType = LockType::NoKeyUpdate;

/// How rows are locked that a new row will refer to: `FOR KEY SHARE`. Whoever deletes such a row locks it exclusively
/// before it looks for what refers to it, so that the one waits for the other, and then sees what it did.
pub const HOLD: LockType = LockType::KeyShare;

/// On PostgreSQL a condition that always holds, and by which the commit of its statement need not wait for the disk: for
/// what is written again within seconds.
pub const NEED_NOT_WAIT: &str = "set_config('synchronous_commit', 'off', true) IS NOT NULL";

/// What the instant is called that is read beside a row.
const NOW: &str = "tx_now";

/// A transaction that has not been committed. Dropped, it changes nothing.
#[derive(Debug)]
pub struct Transaction<'a> {
    app: &'a App,
    inner: Begun,
    now: DateTime<Utc>,
    events: Vec<operation_event::ActiveModel>,
    passed: Vec<(OperationKind, OperationEventKind, i64)>,
    topics: BTreeSet<Topic>,
    billed: Marks,
}

impl<'a> Transaction<'a> {
    /// Begins.
    pub async fn begin(app: &'a App) -> Result<Self> {
        let inner = app.database.begin().await?;
        let now = app.clock.now(&*inner).await?;
        Ok(Self::at(app, inner, now))
    }

    /// Begins, and locks an account as `lock_account` does.
    pub async fn begin_with_account(app: &'a App, id: AccountId) -> Result<Self> {
        let inner = app.database.begin().await?;
        let now = lock_account(app, &inner, id).await?;
        Ok(Self::at(app, inner, now))
    }

    /// Begins, and locks an operation until the transaction ends, if it is there.
    pub async fn begin_with_operation(
        app: &'a App,
        id: OperationId,
    ) -> Result<(Self, Option<operation::Model>)> {
        let inner = app.database.begin().await?;
        let mut find = operation::Entity::find_by_id(id)
            .lock(ROW_LOCK)
            .into_query();
        find.expr_as(Clock::column(app.database.backend()), NOW);
        let Some(row) = inner.query_one(&find).await? else {
            let now = app.clock.now(&*inner).await?;
            return Ok((Self::at(app, inner, now), None));
        };
        let now = app.clock.of(&row, NOW)?;
        let operation = operation::Model::from_query_result(&row, "")?;
        Ok((Self::at(app, inner, now), Some(operation)))
    }

    fn at(app: &'a App, inner: Begun, now: DateTime<Utc>) -> Self {
        Self {
            app,
            inner,
            now,
            events: Vec::new(),
            passed: Vec::new(),
            topics: BTreeSet::new(),
            billed: Marks::default(),
        }
    }

    /// Where its statements go.
    pub fn db(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// What the gateway shares.
    pub fn app(&self) -> &'a App {
        self.app
    }

    /// The instant of everything in it, by the database's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Its commit need not wait for the disk: what it writes is written again within seconds. It holds no events.
    pub async fn need_not_wait(&self) -> Result<()> {
        if self.app.database.backend() == DbBackend::Postgres {
            let waits_not = "SET LOCAL synchronous_commit = off";
            self.db().execute_unprepared(waits_not).await?;
        }
        Ok(())
    }

    /// Waits until no other transaction accepts work of this account, and takes the time then.
    /// Whoever locks an account locks it before anything else.
    pub async fn lock_account(&mut self, id: AccountId) -> Result<()> {
        self.now = lock_account(self.app, self.db(), id).await?;
        Ok(())
    }

    /// Writes an event of `operation` at the commit.
    pub fn record(
        &mut self,
        operation: &operation::Model,
        kind: OperationEventKind,
        actor: &str,
        message: Option<String>,
    ) {
        self.record_of(operation.id, operation.account_id, kind, actor, message);
        self.passed
            .push((operation.kind, kind, operation.bytes_done));
        self.touch(operation);
    }

    /// The same of one whose row cannot be read.
    pub fn record_of(
        &mut self,
        operation: OperationId,
        account: AccountId,
        kind: OperationEventKind,
        actor: &str,
        message: Option<String>,
    ) {
        self.events.push(operation_event::ActiveModel {
            operation_id: Set(operation),
            account_id: Set(account),
            kind: Set(kind),
            actor: Set(Some(actor.to_owned())),
            message: Set(message),
            at: Set(self.now),
            ..Default::default()
        });
        // Elsewhere they are told of when they have their numbers.
        if self.app.database.backend() == DbBackend::Sqlite {
            self.topics
                .extend([Topic::Events, Topic::EventsOf(account)]);
        }
    }

    /// Wakes those who watch `operation` or its volumes after the commit.
    pub fn touch(&mut self, operation: &operation::Model) {
        self.topics.insert(Topic::Operation(operation.id));
        self.topics.insert(Topic::Volume(operation.volume_id));
        self.topics
            .extend(operation.target_volume_id.map(Topic::Volume));
    }

    /// Wakes the agent of a hypervisor after the commit.
    pub fn wake_agent(&mut self, hypervisor: HypervisorId) {
        self.topics.insert(Topic::Work(hypervisor));
    }

    /// Wakes those who watch `topic` after the commit.
    pub fn wake(&mut self, topic: Topic) {
        self.topics.insert(topic);
    }

    /// Marks what is billed, or may be: its spans are written at the commit. Its row is locked.
    pub fn bill(&mut self, billed: impl Into<Billed>, change: Change) {
        self.billed.add(billed.into(), change);
    }

    /// What the snapshots of a volume retain was measured: that is written at the commit. The volume's row is locked.
    pub fn measured(&mut self, volume: VolumeId) {
        self.billed.add_measured(volume);
    }

    /// Commits, then wakes. What it changes for a mutation stands in the audit trail when it is committed, or is
    /// not changed at all.
    pub async fn commit(mut self) -> Result<()> {
        let audited = audit::unwritten();
        billing::settle::settle(&self.app.clock, self.db(), self.now, &self.billed).await?;
        let mut news = News::of(std::mem::take(&mut self.topics));
        let events = std::mem::take(&mut self.events);
        let change = audited.as_ref();
        let change = change.map(|change| change.event(self.app, self.now));
        if self.app.database.backend() == DbBackend::Postgres {
            news.add_written(self.write_unnumbered(change, events).await?);
        } else {
            audit::write(self.db(), change).await?;
            self.write_numbered(events).await?;
        }
        self.inner.commit().await?;
        if let Some(change) = audited {
            change.written();
        }
        for (kind, event, bytes) in self.passed {
            self.app.metrics.passed(kind, event, bytes);
        }
        self.app.metrics.woke(news.topics.len());
        self.app.hub.tell(news);
        Ok(())
    }

    /// Writes events with their numbers: there is one writer, so that nobody waits for the counter.
    async fn write_numbered(&self, events: Vec<operation_event::ActiveModel>) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let numbers = self.reserve(events.len()).await?;
        let numbered = events.into_iter().zip(numbers).map(|(mut event, seq)| {
            event.seq = Set(seq);
            event
        });
        operation_event::Entity::insert_many(numbered)
            .exec_without_returning(self.db())
            .await?;
        Ok(())
    }

    /// Writes events that are numbered once they are committed, and gives their serials. The rows of their operations
    /// are locked by now, so that of one operation a later event has a higher one. What stands in the audit trail is
    /// written by the same statement.
    async fn write_unnumbered(
        &self,
        change: Option<audit_event::ActiveModel>,
        events: Vec<operation_event::ActiveModel>,
    ) -> Result<Vec<i64>> {
        if events.is_empty() {
            audit::write(self.db(), change).await?;
            return Ok(Vec::new());
        }
        let unnumbered = events
            .into_iter()
            .map(|event| unnumbered_event::ActiveModel {
                serial: NotSet,
                operation_id: event.operation_id,
                account_id: event.account_id,
                kind: event.kind,
                actor: event.actor,
                message: event.message,
                at: event.at,
            });
        let unnumbered = unnumbered_event::Entity::insert_many(unnumbered);
        let Some(change) = change else {
            return Ok(unnumbered.exec_with_returning_keys(self.db()).await?);
        };
        let change = CommonTableExpression::new()
            .query(audit_event::Entity::insert(change).into_query())
            .table_name("audited")
            .to_owned();
        let mut unnumbered = unnumbered.into_query();
        unnumbered.returning_col(unnumbered_event::Column::Serial);
        let both = Query::with().cte(change).to_owned().query(unnumbered);
        let serials = self.db().query_all(&both).await?;
        let serials = serials.iter().map(|row| row.try_get("", "serial"));
        Ok(serials.collect::<std::result::Result<_, _>>()?)
    }

    /// As many numbers as are asked for, that no other event has.
    async fn reserve(&self, count: usize) -> Result<RangeInclusive<i64>> {
        let count = i64::try_from(count).map_err(|error| Error::Broken(error.to_string()))?;
        let sequence = sequence::Entity::update_many()
            .col_expr(
                sequence::Column::Value,
                Expr::col(sequence::Column::Value).add(count),
            )
            .filter(sequence::Column::Name.eq(EVENTS))
            .exec_with_returning(self.db())
            .await?
            .pop()
            .ok_or_else(|| Error::Broken(format!("the sequence {EVENTS} is missing")))?;
        Ok(sequence.value - count + 1..=sequence.value)
    }
}

/// Locks an account in the transaction `db`: the instant at which it was locked.
async fn lock_account(app: &App, db: &DatabaseTransaction, id: AccountId) -> Result<DateTime<Utc>> {
    let account = account::Entity::visible_to(Scope::Everything)
        .select_only()
        .column(account::Column::Id)
        .filter(account::Column::Id.eq(id))
        .lock(ROW_LOCK);
    let locked_at = app.clock.once_there(db, account.into_query()).await?;
    locked_at.ok_or(Error::NotFound("account"))
}
