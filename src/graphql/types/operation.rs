//! Operations as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::{
    AccountId, HypervisorId, VolumeId,
    operation::{Column, Entity},
};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryTrait, Select};

use super::{
    Account, Backup, ErrorCode, Hypervisor, OperationEvent, OperationLog, Snapshot, User, Volume,
    operation_search::{look_up, searched},
    search::{between, is},
    waiting::OperationWaiting,
    wraps,
};
use crate::{
    app::App,
    domain::{
        self, Requester,
        operation::{deadline, state::is_ended},
    },
    graphql::{
        at_once::AtOnce,
        connection::Connection,
        context::{admin, app, loaders, requester},
        error::Result,
        id,
        loader::{EventsOfOperation, LogsOfOperation},
        page::PageArguments,
        plain::Plain,
        scalar::{ByteCount, DateTime},
        visible,
    },
};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::operation::OperationKind")]
pub enum OperationKind {
    /// Takes a snapshot.
    CreateSnapshot,
    /// Makes a backup.
    CreateBackup,
    /// Overwrites a volume with one of its snapshots or backups.
    RestoreInPlace,
    /// Makes a volume from a snapshot or backup.
    RestoreToNewVolume,
    /// Deletes a snapshot.
    DeleteSnapshot,
    /// Deletes a backup.
    DeleteBackup,
    /// Makes an empty volume.
    CreateVolume,
    /// Deletes a volume.
    DeleteVolume,
}

/// Where an operation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::operation::OperationStatus")]
pub enum OperationStatus {
    /// Accepted; it waits for its hypervisor's agent.
    Pending,
    /// An agent works on it.
    Started,
    /// It is done.
    Completed,
    /// It ended by an error.
    Failed,
    /// It was stopped by a user or an administrator.
    Cancelled,
}

/// Which operations: those that fit all of it.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OperationFilter {
    /// That work on this volume, read it or make it.
    pub volume_id: Option<ID>,
    /// Of this account.
    pub account_id: Option<ID>,
    /// Of this kind.
    pub kind: Option<OperationKind>,
    /// In this status.
    pub status: Option<OperationStatus>,
    /// With this text in the name of what they are about or of their volume, whatever its case; one of fewer than 3
    /// characters at its beginning. Or with this id, or about a volume, snapshot or backup with this id.
    pub search: Option<String>,
    /// Of the agent of this hypervisor. For administrators.
    #[graphql(visible = "visible::to_admins")]
    pub hypervisor_id: Option<ID>,
    /// Accepted at this instant or later.
    pub created_after: Option<DateTime>,
    /// Accepted before this instant.
    pub created_before: Option<DateTime>,
    /// Ended at this instant or later.
    pub finished_after: Option<DateTime>,
    /// Ended before this instant.
    pub finished_before: Option<DateTime>,
}

impl OperationFilter {
    /// Narrows `query` to what fits, if `requester` may ask for that.
    pub fn narrow(self, requester: &Requester, query: Select<Entity>) -> Result<Select<Entity>> {
        if self.hypervisor_id.is_some() {
            requester.admin()?;
        }
        let query = query
            .apply_if(self.volume_id, |query, id| {
                let id = id::lookup::<VolumeId>(&id);
                query.filter(
                    Condition::any()
                        .add(is(Column::VolumeId, id))
                        .add(is(Column::TargetVolumeId, id)),
                )
            })
            .apply_if(self.account_id, |query, id| {
                query.filter(is(Column::AccountId, id::lookup::<AccountId>(&id)))
            })
            .apply_if(self.kind, |query, kind| {
                query.filter(Column::Kind.eq(entity::operation::OperationKind::from(kind)))
            })
            .apply_if(self.status, |query, status| {
                query.filter(Column::Status.eq(entity::operation::OperationStatus::from(status)))
            })
            .apply_if(self.hypervisor_id, |query, id| {
                let id = id::lookup::<HypervisorId>(&id);
                query.filter(is(Column::HypervisorId, id))
            })
            .apply_if(self.search, |query, text| query.filter(searched(&text)))
            .filter(between(
                Column::CreatedAt,
                self.created_after,
                self.created_before,
            ))
            .filter(between(
                Column::FinishedAt,
                self.finished_after,
                self.finished_before,
            ));
        Ok(query)
    }

    /// The same; but a search that finds little is asked from what it finds, and not of all operations.
    pub async fn find(
        mut self,
        app: &App,
        requester: &Requester,
        query: Select<Entity>,
    ) -> Result<Select<Entity>> {
        let text = self.search.take();
        let query = self.narrow(requester, query)?;
        let Some(text) = text else {
            return Ok(query);
        };
        let found = look_up(app, requester.scope()?, &text).await?;
        Ok(query.filter(found))
    }
}

/// How far an operation is.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub struct OperationProgress {
    /// What is going on, for a person: "Exporting", "Uploading", "Verifying".
    pub phase: String,
    /// How much is done; 100 only once the operation is completed.
    pub percent: f64,
    /// Bytes that the destination has acknowledged.
    pub bytes_done: ByteCount,
    /// Bytes in all; 0 while unknown.
    pub bytes_total: ByteCount,
    /// How fast it went lately; null while unknown or not under way.
    pub bytes_per_second: Option<ByteCount>,
    /// In how many seconds it will be done at that speed; null while unknown.
    pub eta_seconds: Option<i32>,
}

impl From<&entity::operation::Model> for OperationProgress {
    fn from(operation: &entity::operation::Model) -> Self {
        use entity::operation::OperationStatus;
        let left = operation.bytes_total.saturating_sub(operation.bytes_done);
        let speed = operation
            .bytes_per_second
            .filter(|speed| *speed > 0 && operation.status == OperationStatus::Started);
        let eta = speed.filter(|_| operation.bytes_total > 0);
        let eta = eta.map(|speed| left.max(0).saturating_add(speed - 1) / speed);
        Self {
            phase: operation.phase.clone(),
            percent: percent(operation),
            bytes_done: ByteCount(operation.bytes_done),
            bytes_total: ByteCount(operation.bytes_total),
            bytes_per_second: speed.map(ByteCount),
            eta_seconds: eta.map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX)),
        }
    }
}

/// To a tenth. What is not completed never shows 100: the destination may still refuse the last
/// step.
fn percent(operation: &entity::operation::Model) -> f64 {
    if operation.status == entity::operation::OperationStatus::Completed {
        return 100.0;
    }
    if operation.bytes_total <= 0 {
        return 0.0;
    }
    let done = i128::from(operation.bytes_done.max(0));
    let tenths = done * 1000 / i128::from(operation.bytes_total);
    f64::from(u16::try_from(tenths.min(999)).unwrap_or(999)) / 10.0
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct OperationError {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
}

/// A piece of work of an agent.
#[derive(Clone, Debug)]
pub struct Operation(pub Arc<entity::operation::Model>);

wraps!(Operation, operation, listed);

impl Plain for Operation {}

/// A piece of work of a hypervisor's agent: accepted at once, done in its own time.
#[Object]
impl Operation {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What it does.
    async fn kind(&self) -> OperationKind {
        self.0.kind.into()
    }

    /// Where it is in its life.
    async fn status(&self) -> OperationStatus {
        self.0.status.into()
    }

    /// Rises with every change of the status: what has a lower one is older.
    async fn revision(&self) -> i32 {
        self.0.revision
    }

    /// Which attempt this is, or will be when an agent takes it: above 1, the agent of an earlier one was lost.
    async fn attempt(&self) -> i32 {
        use entity::operation::OperationStatus;
        let begins = match self.0.status {
            OperationStatus::Pending => true,
            OperationStatus::Started => self.0.offers > 0,
            _ => false,
        };
        self.0.attempts.saturating_add(i32::from(begins)).max(1)
    }

    /// How many attempts it may have before it is failed.
    #[expect(clippy::unused_async, reason = "async-graphql awaits every field")]
    async fn max_attempts(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(i32::try_from(app(ctx)?.settings.max_attempts).unwrap_or(i32::MAX))
    }

    /// The name of the snapshot or backup that it is about, else of the volume; as it was when it was asked for,
    /// also when that is gone.
    async fn subject_name(&self) -> &str {
        &self.0.subject_name
    }

    /// The volume that it works on or reads; null once that is gone.
    async fn volume(&self, ctx: &Context<'_>) -> Result<Option<Volume>> {
        Ok(loaders(ctx)?.lookup(self.0.volume_id).await?.map(Volume))
    }

    /// The snapshot that it makes, reads or deletes; null once that is gone.
    async fn snapshot(&self, ctx: &Context<'_>) -> Result<Option<Snapshot>> {
        let Some(id) = self.0.snapshot_id else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(Snapshot))
    }

    /// The backup that it makes, reads or deletes; null once that is gone.
    async fn backup(&self, ctx: &Context<'_>) -> Result<Option<Backup>> {
        let Some(id) = self.0.backup_id else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(Backup))
    }

    /// Of a restore to a new volume: that volume, until it is deleted.
    async fn target_volume(&self, ctx: &Context<'_>) -> Result<Option<Volume>> {
        let Some(id) = self.0.target_volume_id else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(Volume))
    }

    /// The owner of the volume.
    async fn account(&self, ctx: &Context<'_>) -> Result<Account> {
        Ok(loaders(ctx)?.find(self.0.account_id).await?.into())
    }

    /// Whose agent does it. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn hypervisor(&self, ctx: &Context<'_>) -> Result<Hypervisor> {
        admin(ctx)?;
        Ok(loaders(ctx)?.find(self.0.hypervisor_id).await?.into())
    }

    /// What it waits for; null unless it is PENDING.
    async fn waiting(&self, ctx: &Context<'_>) -> Result<Option<OperationWaiting>> {
        // Boxed: what is nested in a query's future would be nested too deep for the compiler.
        Box::pin(OperationWaiting::of(ctx, &self.0)).await
    }

    /// How far it is.
    #[expect(clippy::unused_async, reason = "async-graphql awaits every field")]
    async fn progress(&self, ctx: &Context<'_>) -> Result<OperationProgress> {
        let mut operation = Arc::clone(&self.0);
        app(ctx)?.hub.bring_up_to_date(&mut operation);
        Ok(OperationProgress::from(&*operation))
    }

    /// Why it failed; null unless it did.
    async fn error(&self) -> Option<OperationError> {
        let code = self.0.error_code.as_deref()?;
        let code = code.parse().unwrap_or(domain::ErrorCode::Internal);
        Some(OperationError {
            code: code.into(),
            message: self.0.error_message.clone().unwrap_or_default(),
        })
    }

    /// Who asked for it; null when it was no user, and to customers when it was an administrator.
    async fn requested_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(id) = self.0.requested_by else {
            return Ok(None);
        };
        let reader = requester(ctx);
        let user = loaders(ctx)?.lookup(id).await?;
        let hidden = |user: &entity::user::Model| {
            user.role == entity::user::Role::Admin
                && !reader.is_admin()
                && reader.user_id() != Some(user.id)
        };
        Ok(user.filter(|user| !hidden(user)).map(User))
    }

    /// When it was accepted.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it is failed if it has not ended: fixed when it was accepted, by the plan of the volume that is written, or
    /// else read.
    #[expect(clippy::unused_async, reason = "async-graphql awaits every field")]
    async fn deadline_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(deadline(&self.0, &app(ctx)?.settings).into())
    }

    /// When an agent first started it.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime)
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// Of one that was ended from outside while its agent may still be writing: until when, at the latest, what it
    /// works on stays held. Null once that is free.
    async fn held_until(&self) -> Option<DateTime> {
        let until = self.0.lease_expires_at;
        until.filter(|_| is_ended(self.0.status)).map(DateTime)
    }

    /// Every transition, by whom and why: immutable, the oldest first.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<OperationEvent>>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        Connection::under::<EventsOfOperation>(ctx, self.0.id, page).await
    }

    /// What the agent wrote while it worked, the oldest first. Users get the part that is safe
    /// for them, administrators all.
    async fn logs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back: 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those ahead of this cursor.")] before: Option<String>,
    ) -> Result<AtOnce<Connection<OperationLog>>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        Connection::under::<LogsOfOperation>(ctx, self.0.id, page).await
    }
}
