//! Volume plans as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};

use super::{VolumePlanRate, wraps};
use crate::{
    domain::volume::facts::Caps,
    graphql::{
        context::{admin, loaders, requester},
        error::Result,
        loader::{Now, RatesOf, VolumesAbove, VolumesOnPlan},
        plain::plain,
        scalar::{ByteCount, Decimal},
        visible,
    },
};

/// What a volume lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::volume_plan::StorageType")]
pub enum StorageType {
    /// A qcow2 file in a directory, local or shared.
    #[graphql(name = "QCOW2_FILE")]
    Qcow2File,
    /// An image in a Ceph RBD pool.
    CephRbd,
}

/// Size, storage type, caps and prices of volumes.
#[derive(Clone, Debug)]
pub struct VolumePlan(pub Arc<entity::volume_plan::Model>);

wraps!(VolumePlan, volume_plan);

plain! {
    VolumePlan: volume_plan, always [],
    "name": name [Name];
    "sizeBytes": size_bytes [SizeBytes];
    "storageType": storage_type [StorageType];
    "enabled": enabled [Enabled];
    "maxSnapshots": max_snapshots [MaxSnapshots];
    "maxBackups": max_backups [MaxBackups];
    "snapshotCreditValue": snapshot_credit_value [SnapshotCreditValue];
    "backupCreditValue": backup_credit_value [BackupCreditValue];
    "operationDeadlineSeconds": operation_deadline_seconds [OperationDeadlineSeconds];
}

/// Size, storage type, caps and prices of volumes.
#[Object]
impl VolumePlan {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How large its volumes are.
    async fn size_bytes(&self) -> ByteCount {
        ByteCount(self.0.size_bytes)
    }

    /// What its volumes lie on.
    async fn storage_type(&self) -> StorageType {
        self.0.storage_type.into()
    }

    /// Whether new volumes may have it.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// How many snapshots a volume may have; 0 allows none.
    async fn max_snapshots(&self) -> i32 {
        self.0.max_snapshots
    }

    /// How many backups a volume may have; 0 allows none.
    async fn max_backups(&self) -> i32 {
        self.0.max_backups
    }

    /// Credits for each GB of retained snapshots and month.
    async fn snapshot_credit_value(&self) -> Decimal {
        self.0.snapshot_credit_value.into()
    }

    /// Credits for each GB of retained backups and month.
    async fn backup_credit_value(&self) -> Decimal {
        self.0.backup_credit_value.into()
    }

    /// How long an operation on its volumes may take before it is failed; null where that is the gateway's setting.
    async fn operation_deadline_seconds(&self) -> Option<i32> {
        self.0.operation_deadline_seconds
    }

    /// What it asks for from which hour on, the newest first: to customers what is valid now and what comes after it, to
    /// administrators what was before, too, up to 50 versions of each rate.
    async fn rates(&self, ctx: &Context<'_>) -> Result<Vec<VolumePlanRate>> {
        let rows = loaders(ctx)?.find(RatesOf(self.0.id)).await?;
        let rows = rows.iter().map(|row| VolumePlanRate::of(row));
        let rates: Vec<_> = rows.collect::<Result<_>>()?;
        if requester(ctx).admin().is_ok() {
            return Ok(rates);
        }
        let now = loaders(ctx)?.find(Now).await?;
        let mut valid = Vec::new();
        let told = |rate: &VolumePlanRate| {
            if rate.from.0 > now {
                return true;
            }
            let is_first = !valid.contains(&rate.kind);
            valid.push(rate.kind);
            is_first
        };
        Ok(rates.into_iter().filter(told).collect())
    }

    /// How many volumes have it. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn volume_count(&self, ctx: &Context<'_>) -> Result<i32> {
        admin(ctx)?;
        let count = loaders(ctx)?.find(VolumesOnPlan(self.0.id)).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// How many of its volumes hold more than caps of these would allow: they would keep it all, but
    /// could not add. A cap that is left out is not looked at. For administrators.
    #[graphql(visible = "visible::to_admins")]
    async fn volumes_above(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A cap on a volume's snapshots.")] max_snapshots: Option<i32>,
        #[graphql(desc = "A cap on a volume's backups.")] max_backups: Option<i32>,
    ) -> Result<i32> {
        admin(ctx)?;
        let key = VolumesAbove {
            plan: self.0.id,
            caps: Caps {
                snapshots: max_snapshots,
                backups: max_backups,
            },
        };
        let count = loaders(ctx)?.find(key).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}
