//! Snapshots: taken and deleted on the volume's own storage, under the volume's lock.

use entity::{
    SnapshotId, VolumeId, operation, operation::OperationKind, snapshot, snapshot::ItemStatus,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, QueryFilter, QuerySelect, sea_query::Expr,
};
use serde::Serialize;

use super::{Acceptance, Begun, Draft, Request, pass};
use crate::{
    app::App,
    domain::{
        Error, Result,
        billing::Change,
        guard,
        operation::effect::{Field, Item, update_item},
        text,
        transaction::ROW_LOCK,
        volume,
    },
};

/// What [`create_snapshot`] needs to know.
#[derive(Debug, Serialize)]
pub struct CreateSnapshot {
    /// Of which volume.
    pub volume_id: VolumeId,
    /// What to call it; a name with the time if left out.
    pub name: Option<String>,
}

/// What [`delete_snapshot`] needs to know.
#[derive(Debug, Serialize)]
pub struct DeleteSnapshot {
    /// Which.
    pub snapshot_id: SnapshotId,
    /// Its name, typed.
    pub confirm_name: String,
}

/// Takes a snapshot.
pub async fn create_snapshot(
    app: &App,
    request: Request<'_, CreateSnapshot>,
) -> Result<operation::Model> {
    let mut acceptance = match Acceptance::begin(app, "createSnapshot", &request).await? {
        Begun::Repeated(operation) => return Ok(*operation),
        Begun::New(acceptance) => *acceptance,
    };
    let (volume, facts) = acceptance
        .lock_volume(request.requester, request.input.volume_id)
        .await?;
    let now = acceptance.tx.now();
    let name = text::name_or(request.input.name.as_deref(), "snapshot", now)?;
    pass(guard::create_snapshot(&facts))?;
    let snapshot = snapshot::ActiveModel {
        id: Set(app.ids.next(SnapshotId::from_uuid)),
        account_id: Set(volume.account_id),
        volume_id: Set(volume.id),
        name: Set(name),
        status: Set(ItemStatus::Pending),
        volume_size_bytes: Set(volume.size_bytes),
        retained_bytes: Set(0),
        on_storage: Set(false),
        in_doubt: Set(false),
        operation_id: Set(acceptance.id),
        created_at: Set(now),
        available_at: Set(None),
        failure: Set(None),
        deleted_at: Set(None),
    };
    let snapshot = snapshot.insert(acceptance.tx.db()).await?;
    let worker = volume::find_worker(acceptance.tx.db(), &volume).await?;
    acceptance
        .accept(Draft {
            subject: Some(&snapshot.name),
            snapshot_id: Some(snapshot.id),
            locks: Some(volume.id),
            ..Draft::new(
                OperationKind::CreateSnapshot,
                volume.account_id,
                volume.id,
                worker,
            )
        })
        .await
}

/// Deletes a snapshot.
pub async fn delete_snapshot(
    app: &App,
    request: Request<'_, DeleteSnapshot>,
) -> Result<operation::Model> {
    let mut acceptance = match Acceptance::begin(app, "deleteSnapshot", &request).await? {
        Begun::Repeated(operation) => return Ok(*operation),
        Begun::New(acceptance) => *acceptance,
    };
    let (snapshot, volume, facts) = acceptance
        .lock_snapshot(&request, request.input.snapshot_id)
        .await?;
    text::confirm(&request.input.confirm_name, &snapshot.name)?;
    let waiting = acceptance
        .waiting_for_agents(snapshot.account_id, snapshot.on_storage)
        .await?;
    pass(guard::delete_snapshot(&facts, snapshot.status, waiting))?;
    let deleting = [
        (Field::Status, Expr::value(ItemStatus::Deleting)),
        (Field::Operation, Expr::value(acceptance.id)),
    ];
    update_item(&acceptance.tx, Item::Snapshot(snapshot.id), &deleting).await?;
    acceptance.tx.bill(snapshot.id, Change::Ends);
    let worker = volume::find_worker(acceptance.tx.db(), &volume).await?;
    acceptance
        .accept(Draft {
            snapshot_id: Some(snapshot.id),
            locks: Some(volume.id),
            was_failed: snapshot.status == ItemStatus::Failed,
            is_nowhere: !snapshot.on_storage,
            ..Draft::new(
                OperationKind::DeleteSnapshot,
                volume.account_id,
                volume.id,
                worker,
            )
        })
        .await
}

impl Acceptance<'_> {
    /// Locks a snapshot's volume, then the snapshot, and loads what the guards need to know.
    pub(super) async fn lock_snapshot<I>(
        &mut self,
        request: &Request<'_, I>,
        id: SnapshotId,
    ) -> Result<(
        snapshot::Model,
        std::sync::Arc<entity::volume::Model>,
        guard::VolumeFacts,
    )> {
        let find = || {
            let scope = request.requester.scope()?;
            Ok::<_, Error>(snapshot::Entity::visible_to(scope).filter(snapshot::Column::Id.eq(id)))
        };
        let snapshot = find()?
            .one(self.tx.db())
            .await?
            .ok_or(Error::NotFound("snapshot"))?;
        let (volume, facts) = self
            .lock_volume(request.requester, snapshot.volume_id)
            .await?;
        let snapshot = find()?
            .lock(ROW_LOCK)
            .one(self.tx.db())
            .await?
            .ok_or(Error::NotFound("snapshot"))?;
        Ok((snapshot, volume, facts))
    }
}
