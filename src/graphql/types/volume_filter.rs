//! Filter and order of lists of volumes, as conditions of the database.

use async_graphql::{Enum, ID, InputObject};
use entity::{
    AccountId,
    name::search_key,
    operation::OperationKind,
    volume::{Column, Entity, VolumeState},
};
use sea_orm::{
    ColumnTrait, Condition, QueryFilter, Select,
    sea_query::{Expr, LikeExpr},
};

use super::{StorageType, volume::VolumeStatus};
use crate::{
    domain::text::MAX_NAME_CHARS,
    graphql::{id, page::Sort},
};

/// Names are searched for parts of at least so many characters, and for shorter beginnings.
const MIN_PART_CHARS: usize = 3;
/// The most characters that a name has without its case: some letters become three.
const MAX_KEY_CHARS: usize = 3 * MAX_NAME_CHARS;

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
            query = query.filter(name_contains(&text));
        }
        match self.busy {
            Some(true) => query.filter(Column::ActiveOperationId.is_not_null()),
            Some(false) => query.filter(Column::ActiveOperationId.is_null()),
            None => query,
        }
    }
}

/// `column` is this id; an id that can be none fits nothing.
pub fn is<T: Into<sea_orm::Value>>(column: impl ColumnTrait, id: Option<T>) -> Condition {
    match id {
        Some(id) => Condition::all().add(column.eq(id)),
        None => Condition::any().add(Expr::value(false)),
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

/// Compares what the gateway made of both sides, so that no database's idea of case matters. What is
/// shorter than an index of parts could find is looked for at the beginning only.
fn name_contains(text: &str) -> Condition {
    let wanted = search_key(text);
    let letters = wanted.chars().count();
    if letters > MAX_KEY_CHARS || wanted.contains('\0') {
        // No name is like that, and not every database can be asked for it.
        return Condition::any().add(Expr::value(false));
    }
    let mut pattern = String::new();
    if letters >= MIN_PART_CHARS {
        pattern.push('%');
    }
    for letter in wanted.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    let pattern = LikeExpr::new(pattern).escape('!');
    Condition::all().add(Column::SearchName.like(pattern))
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
    })
}
