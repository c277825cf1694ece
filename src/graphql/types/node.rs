//! Every noun that can be found again by its id alone.

use async_graphql::{ID, Interface};

use super::{
    Account, Backup, BackupStorage, Hypervisor, HypervisorGroup, Instance, Operation, Snapshot,
    StoragePool, Volume, VolumePlan,
};

/// A thing with an id, by which `node` finds it again.
#[derive(Clone, Debug, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id."))]
pub enum Node {
    /// An account.
    Account(Account),
    /// A volume.
    Volume(Volume),
    /// A snapshot.
    Snapshot(Snapshot),
    /// A backup.
    Backup(Backup),
    /// An operation.
    Operation(Operation),
    /// A volume plan.
    VolumePlan(VolumePlan),
    /// A hypervisor group.
    HypervisorGroup(HypervisorGroup),
    /// A hypervisor.
    Hypervisor(Hypervisor),
    /// A storage pool.
    StoragePool(StoragePool),
    /// A backup storage.
    BackupStorage(BackupStorage),
    /// An instance.
    Instance(Instance),
}
