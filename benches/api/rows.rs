//! The customer's volumes with their snapshots and backups, written past the gateway.

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    BackupId, OperationId, SnapshotId, VolumeId, backup,
    snapshot::{self, ItemStatus},
    volume::{self, DataState, VolumeState},
    volume_plan::StorageType,
};
use sea_orm::{DatabaseConnection, EntityTrait, IntoActiveModel, TransactionTrait as _};
use uuid::Uuid;

use crate::platform::Platform;

/// How many snapshots, and how many backups, each volume has.
pub const ITEMS: usize = 5;
/// How many rows go into one statement, which may have only so many values.
const CHUNK: usize = 500;
/// 2026-01-01, when the first volume was made. All others follow, a second each.
const BEGAN: i64 = 1_767_225_600;

/// Makes them; the volumes' ids.
pub async fn fill(
    db: &DatabaseConnection,
    platform: &Platform,
    count: usize,
) -> Result<Vec<String>> {
    let mut clock = Clock(DateTime::from_timestamp(BEGAN, 0).context("no such instant")?);
    let plans = platform.plans.iter().cycle();
    let mut volumes: Vec<_> = plans
        .take(count)
        .zip(1..)
        .map(|(plan, number)| volume_of(platform, *plan, number, clock.tick()))
        .collect();
    // A volume's snapshots and backups do not lie beside each other: between two of them others had theirs.
    let (mut snapshots, mut backups) = (Vec::new(), Vec::new());
    for number in 1..=ITEMS {
        for volume in &volumes {
            snapshots.push(snapshot_of(volume, number, clock.tick()));
        }
        for volume in &mut volumes {
            volume.last_backup_at = clock.tick();
            backups.push(backup_of(platform, volume, number));
        }
    }
    let ids = volumes.iter().map(|volume| volume.id.to_string()).collect();
    insert::<volume::Entity>(db, volumes).await?;
    insert::<snapshot::Entity>(db, snapshots).await?;
    insert::<backup::Entity>(db, backups).await?;
    Ok(ids)
}

/// Instants that rise, with thousandths that are no round number.
struct Clock(DateTime<Utc>);

impl Clock {
    fn tick(&mut self) -> DateTime<Utc> {
        self.0 += TimeDelta::milliseconds(1_003);
        self.0
    }
}

async fn insert<E>(db: &DatabaseConnection, rows: Vec<E::Model>) -> Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let tx = db.begin().await?;
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    loop {
        let chunk: Vec<E::ActiveModel> = rows.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return Ok(tx.commit().await?);
        }
        E::insert_many(chunk).exec_without_returning(&tx).await?;
    }
}

fn volume_of(
    platform: &Platform,
    (plan_id, size_bytes): (entity::VolumePlanId, i64),
    number: u32,
    at: DateTime<Utc>,
) -> volume::Model {
    let name = format!("disk {number}");
    volume::Model {
        id: VolumeId::from_uuid(Uuid::now_v7()),
        account_id: platform.account,
        search_name: name.clone(),
        name,
        size_bytes,
        storage_type: StorageType::Qcow2File,
        state: VolumeState::Available,
        data_state: DataState::Consistent,
        plan_id,
        group_id: platform.group,
        hypervisor_id: platform.hypervisor,
        pool_id: platform.pool,
        instance_id: None,
        active_operation: None,
        active_operation_id: None,
        cooldown_ends_at: None,
        measure_at: None,
        last_backup_at: at,
        on_storage: true,
        created_at: at,
        deleted_at: None,
    }
}

fn snapshot_of(volume: &volume::Model, number: usize, at: DateTime<Utc>) -> snapshot::Model {
    snapshot::Model {
        id: SnapshotId::from_uuid(Uuid::now_v7()),
        account_id: volume.account_id,
        volume_id: volume.id,
        name: format!("before change {number}"),
        status: ItemStatus::Available,
        volume_size_bytes: volume.size_bytes,
        retained_bytes: volume.size_bytes / 10,
        on_storage: true,
        in_doubt: false,
        operation_id: OperationId::from_uuid(Uuid::now_v7()),
        created_at: at,
        available_at: Some(at),
        failure: None,
        deleted_at: None,
    }
}

/// The one that was made last.
fn backup_of(platform: &Platform, volume: &volume::Model, number: usize) -> backup::Model {
    let at = volume.last_backup_at;
    let name = format!("night {number}");
    backup::Model {
        id: BackupId::from_uuid(Uuid::now_v7()),
        account_id: volume.account_id,
        volume_id: volume.id,
        volume_name: volume.name.clone(),
        plan_id: volume.plan_id,
        group_id: volume.group_id,
        storage_type: volume.storage_type,
        backup_storage_id: platform.storage,
        hypervisor_id: volume.hypervisor_id,
        search_name: name.clone(),
        search_volume_name: volume.search_name.clone(),
        name,
        status: ItemStatus::Available,
        volume_size_bytes: volume.size_bytes,
        stored_bytes: Some(volume.size_bytes / 3),
        checksum: None,
        on_storage: true,
        verified_at: None,
        verified_ok: None,
        verification_message: None,
        operation_id: OperationId::from_uuid(Uuid::now_v7()),
        created_at: at,
        available_at: Some(at),
        failure: None,
        deleted_at: None,
    }
}
