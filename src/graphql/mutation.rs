//! What can be changed: each mutation takes one input, gives one payload, and is audited.

mod account;
mod agent;
mod agent_token;
mod audit;
mod backup;
mod backup_storage;
mod hypervisor;
mod instance;
mod operation;
mod password;
mod place_mark;
mod plan;
mod restore;
mod session;
mod snapshot;
mod storage_pool;
mod user;
mod volume;
mod write_off;

use async_graphql::MergedObject;

use super::visible;

/// What can be changed.
#[derive(Debug, Default, MergedObject)]
#[graphql(visible = "visible::to_changers")]
pub struct Mutation(
    snapshot::SnapshotMutation,
    backup::BackupMutation,
    restore::RestoreMutation,
    operation::OperationMutation,
    volume::VolumeMutation,
    instance::InstanceMutation,
    session::SessionMutation,
    password::PasswordMutation,
    account::AccountMutation,
    user::UserMutation,
    plan::PlanMutation,
    hypervisor::HypervisorMutation,
    agent_token::AgentTokenMutation,
    storage_pool::StoragePoolMutation,
    backup_storage::BackupStorageMutation,
    place_mark::PlaceMarkMutation,
    write_off::WriteOffMutation,
    agent::AgentMutation,
);
