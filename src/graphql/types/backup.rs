//! Backups as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::{
    AccountId, VolumeId,
    backup::{Column, Entity},
};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryTrait, Select};

use super::{
    Account, Cost, Operation, StorageType, Volume,
    search::{Search, between, is},
    snapshot::ItemStatus,
    wraps,
};
use crate::graphql::{
    context::loaders,
    error::Result,
    id,
    loader::CostOf,
    plain::plain,
    scalar::{ByteCount, DateTime},
};

/// Which backups: those that fit all of it.
#[derive(Debug, Default, InputObject)]
pub struct BackupFilter {
    /// Made of this volume, which may be gone.
    pub volume_id: Option<ID>,
    /// Of this account.
    pub account_id: Option<ID>,
    /// In this status.
    pub status: Option<ItemStatus>,
    /// With this text in their name or in that of their volume, whatever its case; one of fewer than 3 characters at its
    /// beginning. Or with this id, or of the volume with this id.
    pub search: Option<String>,
    /// Asked for at this instant or later.
    pub created_after: Option<DateTime>,
    /// Asked for before this instant.
    pub created_before: Option<DateTime>,
}

impl BackupFilter {
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
            .apply_if(self.search, |query, text| {
                let search = Search::of(&text);
                let found = Condition::any()
                    .add(search.in_name(Column::SearchName))
                    .add(search.in_name(Column::SearchVolumeName))
                    .add(search.in_ids([Column::Id, Column::VolumeId]));
                query.filter(found)
            })
            .filter(between(
                Column::CreatedAt,
                self.created_after,
                self.created_before,
            ))
    }
}

/// Where a backup lies.
#[derive(Clone, Debug, SimpleObject)]
pub struct BackupLocation {
    /// The name of the backup storage that it was written to.
    pub storage_name: String,
    /// The path there, below what the storage itself is set to.
    pub path: String,
}

/// What a restore found of a backup. One that failed can be restored again: each restore checks anew.
#[derive(Clone, Debug, SimpleObject)]
pub struct BackupVerification {
    /// When.
    pub at: DateTime,
    /// Whether it was whole.
    pub ok: bool,
    /// If not, what was wrong with it, and where.
    pub message: Option<String>,
}

/// A full copy of a volume on a backup storage.
#[derive(Clone, Debug)]
pub struct Backup(pub Arc<entity::backup::Model>);

wraps!(Backup, backup, listed);

plain! {
    Backup: backup, always [Id, StorageType, Status],
    "name": name [Name];
    "status": status [Status];
    "volumeId": volume_id [VolumeId];
    "volumeName": volume_name [VolumeName];
    "storageType": storage_type [StorageType];
    "volumeSizeBytes": volume_size_bytes [VolumeSizeBytes];
    "storedBytes": stored_bytes [StoredBytes];
    "checksum": checksum [Checksum];
    "createdAt": created_at [CreatedAt];
    "availableAt": available_at [AvailableAt];
    "verification": verification [VerifiedAt, VerifiedOk, VerificationMessage];
    "failure": failure [Failure];
}

/// A full copy of a volume on a backup storage. It outlives its volume.
#[Object]
impl Backup {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What its owner calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it is in its life.
    async fn status(&self) -> ItemStatus {
        self.0.status.into()
    }

    /// Its owner.
    async fn account(&self, ctx: &Context<'_>) -> Result<Account> {
        Ok(loaders(ctx)?.find(self.0.account_id).await?.into())
    }

    /// The volume it was made of; null once that is gone.
    async fn volume(&self, ctx: &Context<'_>) -> Result<Option<Volume>> {
        Ok(loaders(ctx)?.lookup(self.0.volume_id).await?.map(Volume))
    }

    /// The id of the volume it was made of, which may be gone.
    async fn volume_id(&self) -> ID {
        ID::from(self.0.volume_id)
    }

    /// What that volume was called then.
    async fn volume_name(&self) -> &str {
        &self.0.volume_name
    }

    /// What that volume lay on.
    async fn storage_type(&self) -> StorageType {
        self.0.storage_type.into()
    }

    /// How large that volume was: what a restore needs.
    async fn volume_size_bytes(&self) -> ByteCount {
        ByteCount(self.0.volume_size_bytes)
    }

    /// Bytes that it takes at its destination, after compression; null until it is done.
    async fn stored_bytes(&self) -> Option<ByteCount> {
        self.0.stored_bytes.map(ByteCount)
    }

    /// Where it lies.
    async fn location(&self, ctx: &Context<'_>) -> Result<Option<BackupLocation>> {
        let storage = loaders(ctx)?.find(self.0.backup_storage_id).await?;
        Ok(Some(BackupLocation {
            storage_name: storage.name.clone(),
            path: format!("volumes/{}/{}", self.0.volume_id, self.0.id),
        }))
    }

    /// Digest of what is stored, `blake3:` and hexadecimal; null until it is done.
    async fn checksum(&self) -> Option<&str> {
        self.0.checksum.as_deref()
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

    /// What the last restore that read it to its end found; null before the first.
    async fn verification(&self) -> Option<BackupVerification> {
        Some(BackupVerification {
            at: self.0.verified_at?.into(),
            ok: self.0.verified_ok?,
            message: self.0.verification_message.clone(),
        })
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
