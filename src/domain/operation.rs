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
pub mod effect;
pub mod fail;
pub mod finish;
pub mod log;
pub mod progress;
pub mod recover;
pub mod renew;
pub mod state;
pub mod submit;

use entity::{OperationId, Scope, operation};
use sea_orm::{EntityTrait, QuerySelect};

use super::{Error, Result, transaction::Transaction};

/// The operation, locked until the transaction ends.
async fn find_locked(
    tx: &Transaction<'_>,
    scope: Scope,
    id: OperationId,
) -> Result<operation::Model> {
    let operation = operation::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx.db())
        .await?;
    operation
        .filter(|operation| scope.covers(operation.account_id))
        .ok_or(Error::NotFound("operation"))
}
