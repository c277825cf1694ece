//! The gateway's tables: one SeaORM entity a file, typed ids, and queries scoped by owner.
//!
//! `Entity::visible_to(scope)` is the only door to a tenant's table: a query that starts there
//! cannot return another account's rows.

pub mod account;
pub mod audit_event;
pub mod backup;
pub mod backup_storage;
pub mod backup_storage_test;
pub mod billing_gap;
pub mod billing_item;
pub mod billing_measurement;
pub mod billing_rate;
pub mod billing_span;
pub mod billing_state;
pub mod credit;
pub mod hypervisor;
pub mod hypervisor_group;
pub mod id;
pub mod idempotency_key;
pub mod installation;
pub mod instance;
pub mod leader;
pub mod name;
pub mod operation;
pub mod operation_event;
pub mod operation_log;
pub mod place_mark;
pub mod refusal_count;
pub mod row;
pub mod scope;
pub mod sealed;
pub mod sequence;
pub mod sign_in_counter;
pub mod snapshot;
pub mod storage_pool;
pub mod token;
pub mod turn;
pub mod unnumbered_event;
pub mod user;
pub mod volume;
pub mod volume_plan;

pub use credit::Credit;
pub use id::*;
pub use scope::Scope;
pub use sealed::Sealed;
