//! All that an agent is told of an operation, and of a volume.

mod whole;

use std::collections::HashMap;

use entity::{
    InstallationId, Scope, account, backup, hypervisor_group, instance, operation,
    operation::OperationKind, snapshot, volume, volume_plan,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{Error, Result, backup_storage, damage::is_damage, installation, plan, storage_pool};
use crate::app::App;

/// All that an agent needs to know to work on an operation.
#[derive(Debug)]
pub struct Assignment {
    /// The operation, as claimed.
    pub operation: operation::Model,
    /// What the database is one of.
    pub installation: InstallationId,
    /// Whose operation it is.
    pub account: account::Model,
    /// The volume that is worked on or read; none when the source of a restore is gone.
    pub volume: Option<AssignedVolume>,
    /// Of a restore to a new volume: that volume.
    pub target: Option<AssignedVolume>,
    /// The snapshot.
    pub snapshot: Option<snapshot::Model>,
    /// The backup, and how to reach where it lies.
    pub backup: Option<(backup::Model, backup_storage::Access)>,
}

/// A volume and where it lies.
#[derive(Debug)]
pub struct AssignedVolume {
    /// The volume.
    pub volume: volume::Model,
    /// Its plan.
    pub plan: volume_plan::Model,
    /// Its pool, and how to reach it.
    pub pool: storage_pool::Access,
    /// The group whose pool that is.
    pub group: hypervisor_group::Model,
    /// What it is attached to.
    pub instance: Option<instance::Model>,
}

impl Assignment {
    /// Loads what an agent needs to know of each of `operations`. What most of them need is read by one statement for
    /// all; of those that need more, or of which something is missing, one after the other.
    pub async fn load_all(
        app: &App,
        operations: Vec<operation::Model>,
    ) -> Vec<(operation::Model, Result<Self>)> {
        let mut known = match whole::read(app, &operations).await {
            Ok(known) => known,
            Err(error) => {
                tracing::debug!(%error, "operations are read one by one");
                HashMap::new()
            }
        };
        let mut loaded = Vec::with_capacity(operations.len());
        for operation in operations {
            let assignment = match known.remove(&operation.id) {
                Some(assignment) => Ok(assignment),
                None => Self::load(app, operation.clone()).await,
            };
            loaded.push((operation, assignment));
        }
        loaded
    }

    /// Loads what an agent needs to know of `operation`.
    pub async fn load(app: &App, operation: operation::Model) -> Result<Self> {
        let db = app.database.reads();
        let volume = volume::Entity::visible_to(Scope::Everything)
            .filter(volume::Column::Id.eq(operation.volume_id))
            .one(db)
            .await
            .map_err(Error::from);
        // A backup is deleted, and restored to a new volume, without the one that it was made of.
        let dispensable = match operation.kind {
            OperationKind::DeleteBackup => true,
            OperationKind::RestoreToNewVolume => operation.backup_id.is_some(),
            _ => false,
        };
        let volume = match volume {
            Ok(Some(_)) if operation.kind == OperationKind::DeleteBackup => None,
            Ok(Some(volume)) => match AssignedVolume::load(app, volume).await {
                Err(error) if dispensable && is_damage(&error) => None,
                known => Some(known?),
            },
            Ok(None) if dispensable => None,
            Ok(None) => return Err(missing("volume")),
            Err(error) if dispensable && is_damage(&error) => None,
            Err(error) => return Err(error),
        };
        let target = match operation.target_volume_id {
            Some(id) => {
                let target = volume::Entity::find_by_id(id).one(db).await?;
                let target = target.ok_or_else(|| missing("target volume"))?;
                Some(AssignedVolume::load(app, target).await?)
            }
            None => None,
        };
        let snapshot = match operation.snapshot_id {
            Some(id) => {
                let snapshot = snapshot::Entity::find_by_id(id).one(db).await?;
                Some(snapshot.ok_or_else(|| missing("snapshot"))?)
            }
            None => None,
        };
        let backup = match operation.backup_id {
            Some(id) => {
                let backup = backup::Entity::find_by_id(id).one(db).await?;
                let backup = backup.ok_or_else(|| missing("backup"))?;
                let storage = backup_storage::find(db, backup.backup_storage_id).await?;
                Some((
                    backup,
                    backup_storage::Access::to(app, storage, Some(operation.hypervisor_id)).await?,
                ))
            }
            None => None,
        };
        let account = account::Entity::once_visible_to(Scope::Everything)
            .filter(account::Column::Id.eq(operation.account_id))
            .one(db)
            .await?;
        Ok(Self {
            installation: installation::id(app).await?,
            account: account.ok_or_else(|| missing("account"))?,
            operation,
            volume,
            target,
            snapshot,
            backup,
        })
    }
}

impl AssignedVolume {
    /// Loads what an agent needs to know of `volume`.
    pub async fn load(app: &App, volume: volume::Model) -> Result<Self> {
        let db = app.database.reads();
        let plan = plan::find(db, volume.plan_id).await?;
        let pool = entity::storage_pool::Entity::find_by_id(volume.pool_id)
            .one(db)
            .await?
            .ok_or_else(|| missing("storage pool"))?;
        let group = hypervisor_group::Entity::find_by_id(pool.group_id)
            .one(db)
            .await?
            .ok_or_else(|| missing("hypervisor group"))?;
        let instance = match volume.instance_id {
            Some(id) => instance::Entity::find_by_id(id).one(db).await?,
            None => None,
        };
        Ok(Self {
            volume,
            plan,
            pool: storage_pool::Access::to(app, pool).await?,
            group,
            instance,
        })
    }
}

fn missing(what: &str) -> Error {
    Error::Broken(format!("an operation has no {what}"))
}
