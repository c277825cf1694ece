//! The nouns of the API: each a thin wrapper over a row, with its edges.

pub mod account;
pub mod action;
pub mod agent;
pub mod attention;
pub mod backup;
pub mod backup_storage;
pub mod cooldown;
pub mod cost;
pub mod destination;
pub mod error_code;
pub mod hypervisor;
pub mod hypervisor_group;
pub mod instance;
pub mod node;
pub mod operation;
pub mod operation_event;
pub mod operation_log;
mod operation_search;
pub mod place_mark;
pub mod search;
pub mod session;
pub mod snapshot;
pub mod storage_pool;
pub mod usage;
pub mod usage_group;
pub mod usage_line;
pub mod user;
pub mod viewer;
pub mod volume;
pub mod volume_filter;
pub mod volume_plan;
pub mod waiting;

pub use account::Account;
pub use action::{RestoreSource, VolumeActions};
pub use backup::Backup;
pub use backup_storage::{BackupStorage, BackupStorageTest};
pub use cooldown::Cooldown;
pub use cost::{Cost, VolumePlanRate};
pub use error_code::ErrorCode;
pub use hypervisor::{AgentCapability, Hypervisor};
pub use hypervisor_group::HypervisorGroup;
pub use instance::{Instance, InstanceFilter};
pub use node::Node;
pub use operation::{Operation, OperationFilter, OperationKind, OperationStatus};
pub use operation_event::OperationEvent;
pub use operation_log::{LogLevel, OperationLog};
pub use place_mark::{PlaceMark, PlaceState};
pub use session::Session;
pub use snapshot::Snapshot;
pub use storage_pool::{StoragePool, StorageReach};
pub use usage::UsageReport;
pub use usage_group::{UsageGrouping, UsageGroups};
pub use user::{Role, User};
pub use viewer::{ApiToken, TokenScope, Viewer};
pub use volume::Volume;
pub use volume_plan::{StorageType, VolumePlan};

/// A wrapper of a row that costs no copy: what GraphQL objects are made of.
macro_rules! wraps {
    ($name:ident, $noun:ident) => {
        impl From<std::sync::Arc<entity::$noun::Model>> for $name {
            fn from(row: std::sync::Arc<entity::$noun::Model>) -> Self {
                Self(row)
            }
        }

        impl From<entity::$noun::Model> for $name {
            fn from(row: entity::$noun::Model) -> Self {
                Self(std::sync::Arc::new(row))
            }
        }
    };
    ($name:ident, $noun:ident, listed) => {
        $crate::graphql::types::wraps!($name, $noun);

        impl $crate::graphql::connection::Listed for $name {
            type Entity = entity::$noun::Entity;

            fn row(&self) -> &entity::$noun::Model {
                &self.0
            }
        }
    };
}

use wraps;
