//! Writing off what can never be deleted.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};

use super::audit::audited_because;
use crate::{
    domain::write_off::{self, Target},
    graphql::{
        context::{admin, app},
        error::Result,
        id, visible,
    },
};

/// What is written off: exactly one of these.
#[derive(Clone, Debug, OneofObject)]
#[graphql(visible = "visible::to_admins")]
#[expect(
    clippy::enum_variant_names,
    reason = "the variants are the fields of the input"
)]
pub enum WriteOffTarget {
    /// A volume that is not attached. Its snapshots, which lie in it, end with it; its backups stay.
    VolumeId(ID),
    /// A snapshot.
    SnapshotId(ID),
    /// A backup.
    BackupId(ID),
    /// A storage pool, once its volumes are written off.
    StoragePoolId(ID),
    /// A backup storage, once its backups are written off and no group or hypervisor names it.
    BackupStorageId(ID),
    /// A hypervisor, once what lies on it is written off. What waits for its agent fails, and its agent's tokens end.
    HypervisorId(ID),
}

impl WriteOffTarget {
    fn id(&self) -> &ID {
        match self {
            Self::VolumeId(id)
            | Self::SnapshotId(id)
            | Self::BackupId(id)
            | Self::StoragePoolId(id)
            | Self::BackupStorageId(id)
            | Self::HypervisorId(id) => id,
        }
    }

    fn find(&self) -> Result<Target> {
        Ok(match self {
            Self::VolumeId(id) => Target::Volume(id::find(id, "volume")?),
            Self::SnapshotId(id) => Target::Snapshot(id::find(id, "snapshot")?),
            Self::BackupId(id) => Target::Backup(id::find(id, "backup")?),
            Self::StoragePoolId(id) => Target::StoragePool(id::find(id, "storage pool")?),
            Self::BackupStorageId(id) => Target::BackupStorage(id::find(id, "backup storage")?),
            Self::HypervisorId(id) => Target::Hypervisor(id::find(id, "hypervisor")?),
        })
    }
}

/// What to write off, and why.
#[derive(Debug, InputObject)]
pub struct WriteOffInput {
    /// What.
    pub target: WriteOffTarget,
    /// Its exact name.
    pub confirm_name: String,
    /// Why, for the audit: 1 to 1000 characters.
    pub reason: String,
}

/// What was written off.
#[derive(Debug, SimpleObject)]
pub struct WriteOffPayload {
    /// The id that it had.
    pub written_off_id: ID,
}

/// Writing off.
#[derive(Debug, Default)]
pub struct WriteOffMutation;

#[Object]
impl WriteOffMutation {
    /// Ends the record of something that can never be deleted, because its place is lost or refuses for ever. What is
    /// left of it on storage is not touched. Refused while an agent works on it.
    #[graphql(visible = "visible::to_admins")]
    async fn write_off(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What, and why.")] input: WriteOffInput,
    ) -> Result<Option<WriteOffPayload>> {
        let target = input.target.id();
        audited_because(ctx, &[target], &input.reason, async {
            let requester = admin(ctx)?;
            let found = input.target.find()?;
            let (name, reason) = (&input.confirm_name, &input.reason);
            write_off::write_off(app(ctx)?, requester, found, name, reason).await?;
            Ok(WriteOffPayload {
                written_off_id: target.clone(),
            })
        })
        .await
    }
}
