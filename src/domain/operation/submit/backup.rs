//! Backups: made under the volume's lock, deleted under none but their own status.

use entity::{
    BackupId, HypervisorId, VolumeId, backup, hypervisor, operation,
    operation::{OperationKind, OperationStatus},
    snapshot::ItemStatus,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::Expr,
};
use serde::Serialize;

use super::{Acceptance, Begun, Draft, Request, pass};
use crate::{
    app::App,
    domain::{
        Error, Result,
        billing::Change,
        guard,
        guard::Refusal,
        hold, hypervisor as hypervisors,
        operation::effect::{Field, Item, update_item},
        text,
        transaction::ROW_LOCK,
        volume::{self, facts},
    },
};

/// What [`create_backup`] needs to know.
#[derive(Debug, Serialize)]
pub struct CreateBackup {
    /// Of which volume.
    pub volume_id: VolumeId,
    /// What to call it; a name with the time if left out.
    pub name: Option<String>,
}

/// What [`delete_backup`] needs to know.
#[derive(Debug, Serialize)]
pub struct DeleteBackup {
    /// Which.
    pub backup_id: BackupId,
    /// Its name, typed.
    pub confirm_name: String,
}

/// Makes a backup, at the destination that its hypervisor has now.
pub async fn create_backup(
    app: &App,
    request: Request<'_, CreateBackup>,
) -> Result<operation::Model> {
    let mut acceptance = match Acceptance::begin(app, "createBackup", &request).await? {
        Begun::Repeated(operation) => return Ok(*operation),
        Begun::New(acceptance) => *acceptance,
    };
    let (volume, facts) = acceptance
        .lock_volume(request.requester, request.input.volume_id)
        .await?;
    let now = acceptance.tx.now();
    let name = text::name_or(request.input.name.as_deref(), "backup", now)?;
    pass(guard::create_backup(&facts))?;
    let destination = facts.backup_storage.ok_or(Refusal::NoBackupStorage)?;
    hold::backup_storage(&acceptance.tx, destination).await?;
    let worker = volume::find_worker(acceptance.tx.db(), &volume).await?;
    let backup = backup::ActiveModel {
        id: Set(app.ids.next(BackupId::from_uuid)),
        account_id: Set(volume.account_id),
        volume_id: Set(volume.id),
        volume_name: Set(volume.name.clone()),
        plan_id: Set(volume.plan_id),
        group_id: Set(volume.group_id),
        storage_type: Set(volume.storage_type),
        backup_storage_id: Set(destination),
        hypervisor_id: Set(worker),
        name: Set(name),
        // Made of the names when the row is saved.
        search_name: NotSet,
        search_volume_name: NotSet,
        status: Set(ItemStatus::Pending),
        volume_size_bytes: Set(volume.size_bytes),
        stored_bytes: Set(None),
        checksum: Set(None),
        on_storage: Set(false),
        verified_at: Set(None),
        verified_ok: Set(None),
        verification_message: Set(None),
        operation_id: Set(acceptance.id),
        created_at: Set(now),
        available_at: Set(None),
        failure: Set(None),
        deleted_at: Set(None),
    };
    let backup = backup.insert(acceptance.tx.db()).await?;
    acceptance
        .accept(Draft {
            backup_id: Some(backup.id),
            locks: Some(volume.id),
            ..Draft::new(
                OperationKind::CreateBackup,
                volume.account_id,
                volume.id,
                worker,
            )
        })
        .await
}

/// Deletes a backup: one on a hypervisor's own disk by the agent there, any other by the agent that
/// wrote it or, if that is silent, by another. Of which nothing is on storage needs none.
pub async fn delete_backup(
    app: &App,
    request: Request<'_, DeleteBackup>,
) -> Result<operation::Model> {
    let mut acceptance = match Acceptance::begin(app, "deleteBackup", &request).await? {
        Begun::Repeated(operation) => return Ok(*operation),
        Begun::New(acceptance) => *acceptance,
    };
    let backup = acceptance
        .lock_backup(&request, request.input.backup_id)
        .await?;
    text::confirm(&request.input.confirm_name, &backup.name)?;
    let waiting = acceptance
        .waiting_for_agents(backup.account_id, backup.on_storage)
        .await?;
    let (worker, by) = match waiting {
        Some(waiting) => {
            let hypervisor = acceptance.find_deleter(&backup).await?;
            let agent = facts::agent(&hypervisor, request.requester.scope()?);
            (hypervisor.id, Some((agent, waiting)))
        }
        None => (backup.hypervisor_id, None),
    };
    let status = if acceptance.is_to_be_read(&backup).await? {
        ItemStatus::Restoring
    } else {
        backup.status
    };
    pass(guard::delete_backup(status, by))?;
    if acceptance.is_being_written(&backup).await? {
        return Err(Refusal::ItemNotAvailable(ItemStatus::Creating).into());
    }
    let deleting = [
        (Field::Status, Expr::value(ItemStatus::Deleting)),
        (Field::Operation, Expr::value(acceptance.id)),
    ];
    update_item(&acceptance.tx, Item::Backup(backup.id), &deleting).await?;
    acceptance.tx.bill(backup.id, Change::Ends);
    let draft = Draft::new(
        OperationKind::DeleteBackup,
        backup.account_id,
        backup.volume_id,
        worker,
    );
    acceptance
        .accept(Draft {
            backup_id: Some(backup.id),
            was_failed: backup.status == ItemStatus::Failed,
            is_nowhere: !backup.on_storage,
            ..draft
        })
        .await
}

impl Acceptance<'_> {
    /// Whose agent deletes a backup.
    async fn find_deleter(&self, backup: &backup::Model) -> Result<hypervisor::Model> {
        match self.home_of(Item::Backup(backup.id)).await? {
            Some(home) => hypervisors::find(self.tx.db(), home).await,
            None => self.find_reachable(backup.hypervisor_id).await,
        }
    }

    /// Whether an agent may still be writing a backup that was given up from outside: it would
    /// bring back what the deletion removes.
    async fn is_being_written(&self, backup: &backup::Model) -> Result<bool> {
        let writers = operation::Entity::find()
            .filter(operation::Column::BackupId.eq(backup.id))
            .filter(operation::Column::Kind.eq(OperationKind::CreateBackup))
            .filter(operation::Column::LeaseExpiresAt.is_not_null())
            .count(self.tx.db())
            .await?;
        Ok(writers > 0)
    }

    /// Whether a restore reads a backup, or waits to.
    async fn is_to_be_read(&self, backup: &backup::Model) -> Result<bool> {
        let readers = operation::Entity::find()
            .filter(operation::Column::BackupId.eq(backup.id))
            .filter(operation::Column::Kind.is_in(OperationKind::RESTORING))
            .filter(operation::Column::Status.is_in(OperationStatus::IN_FLIGHT))
            .count(self.tx.db())
            .await?;
        Ok(readers > 0)
    }

    /// `id`, or another hypervisor of its group if its agent is silent.
    pub(super) async fn find_reachable(&self, id: HypervisorId) -> Result<hypervisor::Model> {
        let settings = &self.tx.app().settings;
        hypervisors::find_reachable(self.tx.db(), id, settings, self.tx.now()).await
    }

    /// Locks a backup's account, then the backup.
    pub(super) async fn lock_backup<I>(
        &mut self,
        request: &Request<'_, I>,
        id: BackupId,
    ) -> Result<backup::Model> {
        let find = || {
            let scope = request.requester.scope()?;
            Ok::<_, Error>(backup::Entity::visible_to(scope).filter(backup::Column::Id.eq(id)))
        };
        let backup = find()?
            .one(self.tx.db())
            .await?
            .ok_or(Error::NotFound("backup"))?;
        self.lock_account(backup.account_id).await?;
        find()?
            .lock(ROW_LOCK)
            .one(self.tx.db())
            .await?
            .ok_or(Error::NotFound("backup"))
    }
}
