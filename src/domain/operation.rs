//! Operations: accepted by the guards, worked off by agents under leases, ended once.
//!
//! ```text
//!             claim                complete
//!  PENDING ──────────► STARTED ───────────────► COMPLETED
//!   │  ▲                │ │ │        fail
//!   │  └────────────────┘ │ └─────────────────► FAILED
//!   │      requeue        │         cancel
//!   └─────────────────────┴───────────────────► CANCELLED   (PENDING fails and is cancelled alike)
//! ```
//!
//! [`state`] is the table of these transitions. Each other file is a verb.

pub mod cancel;
pub mod claim;
pub mod damage;
pub mod effect;
mod end;
mod entry;
pub mod fail;
pub mod finish;
mod late;
pub mod lease;
pub mod log;
mod outcome;
pub mod place;
pub mod progress;
pub mod recover;
pub mod renew;
pub mod state;
pub mod stranded;
pub mod submit;
mod timeline;
pub mod turn;

use chrono::{DateTime, Utc};
use entity::{OperationId, Scope, backup, operation, snapshot, volume};
use sea_orm::{EntityTrait, QuerySelect};

use super::{
    Error, Result, Settings,
    transaction::{ROW_LOCK, Transaction},
};
use crate::app::App;

/// The operation, locked until the transaction ends.
async fn find_locked(
    tx: &Transaction<'_>,
    scope: Scope,
    id: OperationId,
) -> Result<operation::Model> {
    let operation = operation::Entity::find_by_id(id).lock(ROW_LOCK);
    operation
        .one(tx.db())
        .await?
        .filter(|operation| scope.covers(operation.account_id))
        .ok_or(Error::NotFound("operation"))
}

/// When `operation` is failed if it has not ended.
pub fn deadline(operation: &operation::Model, settings: &Settings) -> DateTime<Utc> {
    operation
        .deadline_at
        .unwrap_or(operation.created_at + settings.deadline)
}

/// The snapshot that `operation` makes, reads or deletes, even when it is deleted by now.
pub async fn find_snapshot(app: &App, operation: &operation::Model) -> Result<snapshot::Model> {
    let id = operation
        .snapshot_id
        .ok_or_else(|| lacks(operation, "snapshot"))?;
    let snapshot = snapshot::Entity::find_by_id(id)
        .one(app.database.reads())
        .await?;
    snapshot.ok_or_else(|| lacks(operation, "snapshot"))
}

/// The backup that `operation` makes, reads or deletes, even when it is deleted by now.
pub async fn find_backup(app: &App, operation: &operation::Model) -> Result<backup::Model> {
    let id = operation
        .backup_id
        .ok_or_else(|| lacks(operation, "backup"))?;
    let backup = backup::Entity::find_by_id(id)
        .one(app.database.reads())
        .await?;
    backup.ok_or_else(|| lacks(operation, "backup"))
}

/// The volume that `operation` makes, or else works on, even when it is deleted by now.
pub async fn find_volume(app: &App, operation: &operation::Model) -> Result<volume::Model> {
    let id = operation.target_volume_id.unwrap_or(operation.volume_id);
    let volume = volume::Entity::find_by_id(id)
        .one(app.database.reads())
        .await?;
    volume.ok_or_else(|| lacks(operation, "volume"))
}

fn lacks(operation: &operation::Model, noun: &str) -> Error {
    Error::Broken(format!("operation {} has no {noun}", operation.id))
}
