//! What needs an administrator, as the API shows it.

use async_graphql::SimpleObject;

use crate::{
    domain::attention,
    graphql::{scalar::DateTime, visible},
};

/// What needs an administrator: how many of each.
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(visible = "visible::to_admins")]
pub struct Attention {
    /// Operations that failed in the last 24 hours.
    pub failed_operations: i32,
    /// Operations that no agent has taken for ten minutes though theirs works on nothing else, or of which it has told no
    /// progress for so long.
    pub stuck_operations: i32,
    /// Hypervisors whose agents were not seen for longer than a lease, those left out that never were.
    pub offline_hypervisors: i32,
    /// Hypervisors whose agents are of another version than the gateway.
    pub outdated_hypervisors: i32,
    /// Backup storages that were never tested.
    pub backup_storages_untested: i32,
    /// Backup storages whose last test failed.
    pub backup_storages_failing: i32,
    /// Volumes without a backup that they could be restored from; above 10,000 an estimate.
    pub volumes_without_backup: i32,
    /// When all of it was counted.
    pub at: DateTime,
}

impl From<attention::Attention> for Attention {
    fn from(read: attention::Attention) -> Self {
        let count = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            failed_operations: count(read.failed_operations),
            stuck_operations: count(read.stuck_operations),
            offline_hypervisors: count(read.offline_hypervisors),
            outdated_hypervisors: count(read.outdated_hypervisors),
            backup_storages_untested: count(read.backup_storages_untested),
            backup_storages_failing: count(read.backup_storages_failing),
            volumes_without_backup: count(read.volumes_without_backup),
            at: read.at.into(),
        }
    }
}
