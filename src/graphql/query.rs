//! What can be read: the fields of `Query`, a file per noun.

mod account;
mod backup;
mod backup_storage;
mod hypervisor;
mod hypervisor_group;
mod instance;
mod node;
mod operation;
mod service;
mod snapshot;
mod storage_pool;
mod usage;
mod viewer;
mod volume;
mod volume_plan;

use async_graphql::MergedObject;

/// What can be read.
#[derive(Debug, Default, MergedObject)]
pub struct Query(
    viewer::ViewerQuery,
    node::NodeQuery,
    service::ServiceQuery,
    volume::VolumeQuery,
    snapshot::SnapshotQuery,
    backup::BackupQuery,
    operation::OperationQuery,
    volume_plan::VolumePlanQuery,
    hypervisor_group::HypervisorGroupQuery,
    instance::InstanceQuery,
    account::AccountQuery,
    hypervisor::HypervisorQuery,
    storage_pool::StoragePoolQuery,
    backup_storage::BackupStorageQuery,
    usage::UsageQuery,
);
