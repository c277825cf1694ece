//! Filter and order of lists of volumes, as conditions of the database.

use async_graphql::{Enum, ID, InputObject};
use entity::{
    AccountId,
    operation::OperationKind,
    volume::{Column, Entity, VolumeState},
};
use sea_orm::{ColumnTrait, Condition, QueryFilter, Select};

use super::{
    StorageType,
    search::{Search, is, name_contains},
    volume::VolumeStatus,
};
use crate::{
    domain::attention::is_unprotected,
    graphql::{id, page::Sort, scalar::DateTime},
};

/// Which volumes: those that fit all of it.
#[derive(Debug, Default, InputObject)]
pub struct VolumeFilter {
    /// Of this account.
    pub account_id: Option<ID>,
    /// In this status.
    pub status: Option<VolumeStatus>,
    /// On this kind of storage.
    pub storage_type: Option<StorageType>,
    /// With this text in their name, whatever its case; one of fewer than 3 characters at its beginning.
    pub name_contains: Option<String>,
    /// With this text in their name, as `nameContains` has it, or with this id.
    pub search: Option<String>,
    /// Without a backup that they could be restored from, or with none that was asked for at this instant or later.
    pub no_backup_since: Option<DateTime>,
    /// There, and without any backup that they could be restored from, as `Attention.volumesWithoutBackup` counts them; or
    /// only the others.
    pub unprotected: Option<bool>,
    /// Held by an operation, or free.
    pub busy: Option<bool>,
}

/// In which order.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct VolumeOrder {
    /// By what.
    pub field: VolumeOrderField,
    /// Which way.
    pub direction: OrderDirection,
}

/// What volumes are ordered by. Equal ones are ordered by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum VolumeOrderField {
    /// When they were asked for.
    CreatedAt,
    /// What they are called.
    Name,
    /// How large they are.
    Size,
    /// When the newest of their backups was asked for that they could be restored from. Those without any come before all
    /// others.
    LastBackupAt,
}

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// The smallest, or the oldest, first.
    Asc,
    /// The largest, or the newest, first.
    Desc,
}

impl VolumeFilter {
    /// Narrows `query` to what fits.
    pub fn narrow(self, mut query: Select<Entity>) -> Select<Entity> {
        if let Some(account) = self.account_id {
            query = query.filter(is(Column::AccountId, id::lookup::<AccountId>(&account)));
        }
        if let Some(status) = self.status {
            query = query.filter(in_status(status));
        }
        if let Some(storage) = self.storage_type {
            let storage = entity::volume_plan::StorageType::from(storage);
            query = query.filter(Column::StorageType.eq(storage));
        }
        if let Some(text) = self.name_contains {
            query = query.filter(name_contains(Column::SearchName, &text));
        }
        if let Some(text) = self.search {
            let search = Search::of(&text);
            let found = Condition::any()
                .add(search.in_name(Column::SearchName))
                .add(search.in_ids([Column::Id]));
            query = query.filter(found);
        }
        if let Some(since) = self.no_backup_since {
            query = query.filter(Column::LastBackupAt.lt(since.0));
        }
        if let Some(unprotected) = self.unprotected {
            let bare = is_unprotected();
            query = query.filter(if unprotected { bare } else { bare.not() });
        }
        match self.busy {
            Some(true) => query.filter(Column::ActiveOperationId.is_not_null()),
            Some(false) => query.filter(Column::ActiveOperationId.is_null()),
            None => query,
        }
    }
}

/// The same as `VolumeStatus::from`, for the database.
fn in_status(status: VolumeStatus) -> Condition {
    let state = |state: VolumeState| Condition::all().add(Column::State.eq(state));
    let restores = Column::ActiveOperation.eq(OperationKind::RestoreInPlace);
    let at_rest = Condition::any()
        .add(Column::ActiveOperation.is_null())
        .add(Column::ActiveOperation.ne(OperationKind::RestoreInPlace));
    match status {
        VolumeStatus::Creating => state(VolumeState::Creating),
        VolumeStatus::Deleting => state(VolumeState::Deleting),
        VolumeStatus::Failed => state(VolumeState::Failed),
        VolumeStatus::Restoring => state(VolumeState::Available).add(restores),
        VolumeStatus::Attached => state(VolumeState::Available)
            .add(at_rest)
            .add(Column::InstanceId.is_not_null()),
        VolumeStatus::Available => state(VolumeState::Available)
            .add(at_rest)
            .add(Column::InstanceId.is_null()),
    }
}

/// The order of volumes: as asked for, else the newest first.
pub fn sort(order: Option<VolumeOrder>) -> Sort<Entity> {
    let Some(order) = order else {
        return Sort::descending(Column::Id);
    };
    let sort = match order.direction {
        OrderDirection::Asc => Sort::ascending(Column::Id),
        OrderDirection::Desc => Sort::descending(Column::Id),
    };
    sort.by(match order.field {
        VolumeOrderField::CreatedAt => Column::CreatedAt,
        VolumeOrderField::Name => Column::Name,
        VolumeOrderField::Size => Column::SizeBytes,
        VolumeOrderField::LastBackupAt => Column::LastBackupAt,
    })
}
