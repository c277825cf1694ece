//! Acceptance: guards, lock, caps, idempotency key, rows and first event, in one transaction.

mod backup;
mod key;
mod restore;
mod snapshot;
mod volume;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AccountId, BackupId, HypervisorId, OperationId, Scope, SnapshotId, VolumeId, hypervisor,
    operation,
    operation::{OperationKind, OperationStatus},
    operation_event::OperationEventKind,
    operation_log::LogLevel,
    user, volume_plan,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
};
use serde::Serialize;

pub use backup::{CreateBackup, DeleteBackup, create_backup, delete_backup};
pub use restore::{
    RestoreInPlace, RestoreToNewVolume, Source, restore_in_place, restore_to_new_volume,
};
pub use snapshot::{CreateSnapshot, DeleteSnapshot, create_snapshot, delete_snapshot};
pub use volume::{CreateVolume, DeleteVolume, create_volume, delete_volume};

use super::{
    effect, end,
    entry::{self, Entry},
};
use crate::{
    app::App,
    domain::{
        Error, Requester, Result,
        guard::{Refusal, Usage, VolumeFacts},
        hold,
        transaction::{ROW_LOCK, Transaction},
        user as users, volume as volumes,
    },
};

/// A request, with its input and its idempotency key.
#[derive(Debug)]
pub struct Request<'a, I> {
    /// Who asks.
    pub requester: &'a Requester,
    /// For what.
    pub input: I,
    /// Under which key.
    pub key: Option<&'a str>,
}

/// A request on its way to be accepted. Dropped, it leaves nothing behind.
struct Acceptance<'a> {
    tx: Transaction<'a>,
    id: OperationId,
    user: Arc<user::Model>,
    /// The account that is locked, if one is.
    account: Option<AccountId>,
    /// Of the volume whose facts were loaded last: its id, its plan, and whose agent works on it, who is held.
    volume: Option<(VolumeId, volume_plan::Model, hypervisor::Model)>,
}

/// Either a new request, or one that was accepted before under the same key.
enum Begun<'a> {
    New(Box<Acceptance<'a>>),
    Repeated(Box<operation::Model>),
}

/// What an operation will do.
#[derive(Clone, Copy)]
struct Draft<'a> {
    kind: OperationKind,
    /// The name of what it is about, where that is known.
    subject: Option<&'a str>,
    account_id: AccountId,
    volume_id: VolumeId,
    snapshot_id: Option<SnapshotId>,
    backup_id: Option<BackupId>,
    target_volume_id: Option<VolumeId>,
    hypervisor_id: HypervisorId,
    /// The volume whose lock it takes. A volume that it makes is born locked.
    locks: Option<VolumeId>,
    /// What it deletes has failed.
    was_failed: bool,
    /// Of what it deletes there is nothing on storage.
    is_nowhere: bool,
    /// Whether a damaged image may be replaced.
    replace_image: bool,
}

impl Draft<'_> {
    fn new(
        kind: OperationKind,
        account_id: AccountId,
        volume_id: VolumeId,
        hypervisor_id: HypervisorId,
    ) -> Self {
        Self {
            kind,
            subject: None,
            account_id,
            volume_id,
            snapshot_id: None,
            backup_id: None,
            target_volume_id: None,
            hypervisor_id,
            locks: None,
            was_failed: false,
            is_nowhere: false,
            replace_image: false,
        }
    }
}

impl<'a> Acceptance<'a> {
    /// Begins, and takes the idempotency key: a request with the same key waits here until this
    /// one is accepted or refused.
    async fn begin<I: Serialize>(
        app: &'a App,
        mutation: &str,
        request: &Request<'_, I>,
    ) -> Result<Begun<'a>> {
        let user = Arc::clone(request.requester.user()?);
        // What a customer asks for is of their own account.
        let (tx, account) = match request.requester.scope()? {
            Scope::Account(own) => (Transaction::begin_with_account(app, own).await?, Some(own)),
            Scope::Everything => (Transaction::begin(app).await?, None),
        };
        users::hold(&tx, user.id).await?;
        let id = app.ids.next(OperationId::from_uuid);
        if let Some(key) = request.key {
            let hash = key::input_hash(mutation, &request.input)?;
            if let Some(known) = key::take(&tx, &user, key, &hash, id).await? {
                return Ok(Begun::Repeated(Box::new(known)));
            }
        }
        Ok(Begun::New(Box::new(Self {
            tx,
            id,
            user,
            account,
            volume: None,
        })))
    }

    /// Locks the account, unless it is locked by now.
    async fn lock_account(&mut self, id: AccountId) -> Result<()> {
        if self.account != Some(id) {
            self.tx.lock_account(id).await?;
            self.account = Some(id);
        }
        Ok(())
    }

    /// Locks the account, then the volume, and loads what the guards need to know.
    async fn lock_volume(
        &mut self,
        requester: &Requester,
        id: VolumeId,
    ) -> Result<(Arc<entity::volume::Model>, VolumeFacts)> {
        let scope = requester.scope()?;
        let account = match scope {
            Scope::Account(own) => own,
            Scope::Everything => {
                let volume = entity::volume::Entity::visible_to(scope);
                volumes::find(self.tx.db(), volume, id).await?.account_id
            }
        };
        self.lock_account(account).await?;
        let locked = entity::volume::Entity::visible_to(scope).lock(ROW_LOCK);
        let volume = Arc::new(volumes::find(self.tx.db(), locked, id).await?);
        let facts = self.facts(&volume, scope).await?;
        Ok((volume, facts))
    }

    async fn facts(
        &mut self,
        volume: &Arc<entity::volume::Model>,
        scope: Scope,
    ) -> Result<VolumeFacts> {
        let volumes = std::slice::from_ref(volume);
        let settings = &self.tx.app().settings;
        let (db, now) = (self.tx.db(), self.tx.now());
        if let Some(one) = volumes::facts::one::load(db, settings, now, scope, volume).await? {
            self.volume = Some((volume.id, one.plan, one.worker));
            return Ok(one.facts);
        }
        volumes::facts::load(self.tx.db(), settings, self.tx.now(), scope, volumes)
            .await?
            .remove(&volume.id)
            .ok_or_else(|| Error::Broken("a volume has no facts".to_owned()))
    }

    /// How many deletes and new volumes of an account wait, which is locked.
    async fn waiting(&self, account: AccountId) -> Result<Usage> {
        let settings = &self.tx.app().settings;
        volumes::facts::waiting(self.tx.db(), settings, self.tx.now(), account).await
    }

    /// The same for a deletion; none where nothing is on storage, so that no agent is needed.
    async fn waiting_for_agents(
        &self,
        account: AccountId,
        on_storage: bool,
    ) -> Result<Option<Usage>> {
        if !on_storage {
            return Ok(None);
        }
        self.waiting(account).await.map(Some)
    }

    /// Writes the operation, takes the lock, and commits.
    async fn accept(mut self, draft: Draft<'_>) -> Result<operation::Model> {
        let operation = operation::ActiveModel {
            id: Set(self.id),
            kind: Set(draft.kind),
            status: Set(OperationStatus::Pending),
            revision: Set(1),
            subject_name: Set(self.subject_of(&draft).await?),
            // Made of the name when the row is saved.
            search_subject: NotSet,
            account_id: Set(draft.account_id),
            volume_id: Set(draft.volume_id),
            snapshot_id: Set(draft.snapshot_id),
            backup_id: Set(draft.backup_id),
            target_volume_id: Set(draft.target_volume_id),
            hypervisor_id: Set(draft.hypervisor_id),
            requested_by: Set(Some(self.user.id)),
            epoch: Set(0),
            offers: Set(0),
            attempts: Set(0),
            lease_expires_at: Set(None),
            cancel_requested_at: Set(None),
            volume_touched: Set(false),
            was_failed: Set(draft.was_failed),
            replace_image: Set(draft.replace_image),
            phase: Set("Waiting for the agent".to_owned()),
            bytes_done: Set(0),
            bytes_total: Set(0),
            bytes_per_second: Set(None),
            progressed_at: Set(None),
            error_code: Set(None),
            error_message: Set(None),
            created_at: Set(self.tx.now()),
            deadline_at: Set(Some(self.deadline(&draft).await?)),
            started_at: Set(None),
            finished_at: Set(None),
        };
        let operation = operation.insert(self.tx.db()).await?;
        if let Some(volume) = draft.locks {
            let taken = effect::acquire(&mut self.tx, volume, operation.id, operation.kind).await?;
            if !taken {
                return Err(Error::Broken(format!(
                    "the lock of volume {volume} was taken"
                )));
            }
        }
        self.tx.record(
            &operation,
            OperationEventKind::Accepted,
            &self.user.email,
            None,
        );
        let operation = if draft.is_nowhere {
            end::complete_at_once(&mut self.tx, operation).await?
        } else {
            self.tell_if_offline(&operation).await?;
            self.tx.wake_agent(operation.hypervisor_id);
            operation
        };
        self.tx.commit().await?;
        Ok(operation)
    }

    /// The name of the snapshot or backup that it is about, else of the volume.
    async fn subject_of(&self, draft: &Draft<'_>) -> Result<String> {
        if let Some(name) = draft.subject {
            return Ok(name.to_owned());
        }
        let db = self.tx.db();
        let name = if let Some(id) = draft.snapshot_id {
            let rows = entity::snapshot::Entity::find_by_id(id).select_only();
            rows.column(entity::snapshot::Column::Name)
                .into_tuple()
                .one(db)
                .await?
        } else if let Some(id) = draft.backup_id {
            let rows = entity::backup::Entity::find_by_id(id).select_only();
            rows.column(entity::backup::Column::Name)
                .into_tuple()
                .one(db)
                .await?
        } else {
            let rows = entity::volume::Entity::find_by_id(draft.volume_id).select_only();
            rows.column(entity::volume::Column::Name)
                .into_tuple()
                .one(db)
                .await?
        };
        name.ok_or_else(|| Error::Broken("an operation is about nothing".to_owned()))
    }

    /// When it is failed if it has not ended: as the plan of the volume that is written or else read has it now, or
    /// else the settings.
    async fn deadline(&self, draft: &Draft<'_>) -> Result<DateTime<Utc>> {
        let volume = draft.target_volume_id.unwrap_or(draft.volume_id);
        let known = self.volume.as_ref().filter(|(id, ..)| *id == volume);
        let of_plan = match known {
            Some((_, plan, _)) => plan.operation_deadline_seconds,
            None => self.deadline_of(volume).await?,
        };
        let own = of_plan.map(|seconds| TimeDelta::seconds(seconds.into()));
        let now = self.tx.now();
        Ok(own.map_or_else(|| now + self.tx.app().settings.deadline, |own| now + own))
    }

    /// How many seconds the plan of a volume gives to an operation, if it says so.
    async fn deadline_of(&self, volume: VolumeId) -> Result<Option<i32>> {
        let of_volume = entity::volume::Entity::find_by_id(volume)
            .select_only()
            .column(entity::volume::Column::PlanId)
            .into_query();
        let plan = volume_plan::Entity::find()
            .filter(volume_plan::Column::Id.in_subquery(of_volume))
            .one(self.tx.db())
            .await?;
        Ok(plan.and_then(|plan| plan.operation_deadline_seconds))
    }

    /// An offline agent is no guard: the operation waits, and its log says for what. The hypervisor is not deleted
    /// before it hears of the operation.
    async fn tell_if_offline(&self, operation: &operation::Model) -> Result<()> {
        let id = operation.hypervisor_id;
        let held = self.volume.as_ref().map(|(_, _, worker)| worker);
        let seen_at = match held.filter(|held| held.id == id) {
            Some(held) => held.last_seen_at,
            None => hold::hypervisor(&self.tx, id).await?.last_seen_at,
        };
        let now = self.tx.now();
        let lease = self.tx.app().settings.lease;
        if seen_at.is_some_and(|seen| seen + lease > now) {
            return Ok(());
        }
        let entry = Entry {
            at: now,
            level: LogLevel::Warn,
            message:
                "The agent of this volume's hypervisor is offline. The operation waits for it."
                    .to_owned(),
            public: true,
            number: None,
        };
        entry::append(self.tx.db(), operation.id, vec![entry]).await
    }
}

/// The first guard that says no is the error.
fn pass(refusals: Vec<Refusal>) -> Result<()> {
    refusals
        .into_iter()
        .next()
        .map_or(Ok(()), |refusal| Err(refusal.into()))
}
