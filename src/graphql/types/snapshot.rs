//! Snapshots as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use entity::{
    AccountId, VolumeId,
    snapshot::{Column, Entity},
};
use sea_orm::{ColumnTrait, QueryFilter, QueryTrait, Select};

use super::{Cost, Operation, Volume, search::is, wraps};
use crate::graphql::{
    context::loaders,
    error::Result,
    id,
    loader::{CostOf, DeletedToo},
    plain::plain,
    scalar::{ByteCount, DateTime},
};

/// Where a snapshot or a backup is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::snapshot::ItemStatus")]
pub enum ItemStatus {
    /// Accepted; no agent has started yet.
    Pending,
    /// It is being made.
    Creating,
    /// It can be restored.
    Available,
    /// A restore reads it.
    Restoring,
    /// It is being deleted.
    Deleting,
    /// It could not be made or deleted: `failure` says why. It can be deleted.
    Failed,
}

/// Which snapshots: those that fit all of it.
#[derive(Debug, Default, InputObject)]
pub struct SnapshotFilter {
    /// Of this volume.
    pub volume_id: Option<ID>,
    /// Of this account.
    pub account_id: Option<ID>,
    /// In this status.
    pub status: Option<ItemStatus>,
}

impl SnapshotFilter {
    /// Narrows `query` to what fits.
    pub fn narrow(self, query: Select<Entity>) -> Select<Entity> {
        query
            .apply_if(self.volume_id, |query, id| {
                query.filter(is(Column::VolumeId, id::lookup::<VolumeId>(&id)))
            })
            .apply_if(self.account_id, |query, id| {
                query.filter(is(Column::AccountId, id::lookup::<AccountId>(&id)))
            })
            .apply_if(self.status, |query, status| {
                query.filter(Column::Status.eq(entity::snapshot::ItemStatus::from(status)))
            })
    }
}

/// A mark on a volume's own storage to roll back to.
#[derive(Clone, Debug)]
pub struct Snapshot(pub Arc<entity::snapshot::Model>);

wraps!(Snapshot, snapshot, listed);

plain! {
    Snapshot: snapshot, always [Id, Status],
    "name": name [Name];
    "status": status [Status];
    "volumeSizeBytes": volume_size_bytes [VolumeSizeBytes];
    "retainedBytes": retained_bytes [RetainedBytes];
    "createdAt": created_at [CreatedAt];
    "availableAt": available_at [AvailableAt];
    "failure": failure [Failure];
}

/// A mark on a volume's own storage to roll back to. It is gone when that storage is.
#[Object]
impl Snapshot {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What its owner calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The volume it was taken of.
    async fn volume(&self, ctx: &Context<'_>) -> Result<Volume> {
        let volume = DeletedToo(self.0.volume_id);
        Ok(loaders(ctx)?.find(volume).await?.into())
    }

    /// Where it is in its life.
    async fn status(&self) -> ItemStatus {
        self.0.status.into()
    }

    /// The volume's size when the snapshot was taken: what a restore needs.
    async fn volume_size_bytes(&self) -> ByteCount {
        ByteCount(self.0.volume_size_bytes)
    }

    /// What only snapshots keep, each block counted at the newest that keeps it: what is billed.
    async fn retained_bytes(&self) -> ByteCount {
        ByteCount(self.0.retained_bytes)
    }

    /// What it costs.
    async fn cost(&self, ctx: &Context<'_>) -> Result<Cost> {
        let cost = loaders(ctx)?.find(CostOf::from(self.0.id)).await?;
        Ok(Cost::from(&*cost))
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was done.
    async fn available_at(&self) -> Option<DateTime> {
        self.0.available_at.map(DateTime)
    }

    /// Why it failed.
    async fn failure(&self) -> Option<&str> {
        self.0.failure.as_deref()
    }

    /// The latest operation on it.
    async fn operation(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        let operation = loaders(ctx)?.lookup(self.0.operation_id).await?;
        Ok(operation.map(Operation))
    }
}
