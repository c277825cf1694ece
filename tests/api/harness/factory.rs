//! Makes rows: each with sound values, which a test changes where it matters.
//!
//! `world.volume(&alice, |row| row.name = Set("data".into())).await`

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::{
    AccountId, BackupId, BackupStorageId, Credit, HypervisorGroupId, HypervisorId, InstanceId,
    OperationId, SnapshotId, StoragePoolId, TokenId, UserId, VolumeId, VolumePlanId, account,
    backup,
    backup_storage::{self, BackupStorageKind},
    billing_item::BillingKind,
    billing_rate, hypervisor, hypervisor_group,
    instance::{self, InstanceStatus},
    operation::{self, OperationKind, OperationStatus},
    operation_event::{self, OperationEventKind},
    operation_log::{self, LogLevel},
    snapshot::{self, ItemStatus},
    storage_pool,
    token::TokenScope,
    user::{self, Role},
    volume::{self, DataState, VolumeState},
    volume_plan::{self, StorageType},
};
use sea_orm::{ActiveModelTrait, ActiveValue::NotSet, ConnectionTrait, Set, Statement};
use tidemark::{
    app::App,
    domain::{Requester, volume::last_backup::NEVER},
};

use super::World;

/// A gigabyte, as plans count.
pub const GB: i64 = 1 << 30;

/// What volumes are made on: one of each.
#[derive(Clone, Debug)]
pub struct Platform {
    /// Where backups go.
    pub backup_storage: backup_storage::Model,
    /// The group.
    pub group: hypervisor_group::Model,
    /// Its hypervisor, whose agent can do everything.
    pub hypervisor: hypervisor::Model,
    /// Its pool.
    pub pool: storage_pool::Model,
    /// A plan for that pool, with the usual caps.
    pub plan: volume_plan::Model,
}

/// An account, its user, and that user as a caller.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The account.
    pub account: account::Model,
    /// Its user.
    pub user: Arc<user::Model>,
    /// The user as a caller.
    pub requester: Requester,
}

impl Platform {
    /// One of each.
    pub async fn new(app: &App, now: DateTime<Utc>) -> Self {
        let db = app.database.writes();
        let backup_storage = backup_storage::ActiveModel {
            id: Set(app.ids.next(BackupStorageId::from_uuid)),
            name: Set("vault".to_owned()),
            kind: Set(BackupStorageKind::Local),
            path: Set(Some("/srv/backups".to_owned())),
            created_at: Set(now),
            ..Default::default()
        };
        let backup_storage = backup_storage.insert(db).await.unwrap();
        let group = hypervisor_group::ActiveModel {
            id: Set(app.ids.next(HypervisorGroupId::from_uuid)),
            name: Set("group".to_owned()),
            backup_storage_id: Set(Some(backup_storage.id)),
            created_at: Set(now),
            deleted_at: Set(None),
        };
        let group = group.insert(db).await.unwrap();
        let hypervisor = hypervisor::ActiveModel {
            id: Set(app.ids.next(HypervisorId::from_uuid)),
            group_id: Set(group.id),
            name: Set("host".to_owned()),
            backup_storage_id: Set(None),
            agent_version: Set(Some("0.1.0".to_owned())),
            agent_state_id: Set(None),
            can_snapshot: Set(true),
            can_backup: Set(true),
            last_seen_at: Set(Some(now)),
            created_at: Set(now),
            deleted_at: Set(None),
        };
        let hypervisor = hypervisor.insert(db).await.unwrap();
        let pool = storage_pool::ActiveModel {
            id: Set(app.ids.next(StoragePoolId::from_uuid)),
            group_id: Set(group.id),
            name: Set("pool".to_owned()),
            storage_type: Set(StorageType::Qcow2File),
            path: Set(Some("/srv/volumes".to_owned())),
            created_at: Set(now),
            ..Default::default()
        };
        let pool = pool.insert(db).await.unwrap();
        let plan = volume_plan::ActiveModel {
            id: Set(app.ids.next(VolumePlanId::from_uuid)),
            name: Set("plan".to_owned()),
            size_bytes: Set(10 * GB),
            storage_type: Set(StorageType::Qcow2File),
            enabled: Set(true),
            max_snapshots: Set(5),
            max_backups: Set(10),
            snapshot_credit_value: Set("0.05".parse().unwrap()),
            backup_credit_value: Set("0.02".parse().unwrap()),
            operation_deadline_seconds: Set(None),
            created_at: Set(now),
            deleted_at: Set(None),
        };
        let plan = plan.insert(db).await.unwrap();
        keep_rates(db, &plan).await;
        Self {
            backup_storage,
            group,
            hypervisor,
            pool,
            plan,
        }
    }
}

/// The rates of a plan, as they are kept when one is made.
async fn keep_rates(db: &impl ConnectionTrait, plan: &volume_plan::Model) {
    for (kind, credits) in [
        (BillingKind::Snapshot, plan.snapshot_credit_value),
        (BillingKind::Backup, plan.backup_credit_value),
    ] {
        let rate = billing_rate::ActiveModel {
            seq: NotSet,
            plan_id: Set(plan.id),
            kind: Set(kind),
            credits: Set(credits),
            from_hour: Set(0),
        };
        rate.insert(db).await.unwrap();
    }
}

/// Inserts a row of `$noun` after `change` had its say.
macro_rules! insert {
    ($world:ident, $change:ident, $noun:ident { $($field:ident $(: $value:expr)?),+ $(,)? }) => {{
        let mut row = $noun::ActiveModel { $($field: Set(insert!(@ $field $($value)?))),+ };
        $change(&mut row);
        row.insert($world.app.database.writes()).await.unwrap()
    }};
    (@ $field:ident $value:expr) => { $value };
    (@ $field:ident) => { $field };
}

impl World {
    /// An account with a user.
    pub async fn tenant(&self, name: &str) -> Tenant {
        self.user(name, Role::User).await
    }

    /// An administrator.
    pub async fn admin(&self) -> Requester {
        self.user("admin", Role::Admin).await.requester
    }

    /// The platform's agent as a caller.
    pub fn agent(&self) -> Requester {
        Requester::Agent {
            hypervisor: Arc::new(self.platform.hypervisor.clone()),
            token: self.app.ids.next(TokenId::from_uuid),
        }
    }

    async fn user(&self, name: &str, role: Role) -> Tenant {
        let keep = |_: &mut account::ActiveModel| {};
        let account = insert!(
            self,
            keep,
            account {
                id: self.app.ids.next(AccountId::from_uuid),
                name: name.to_owned(),
                volume_limit: None,
                volume_bytes_limit: None,
                created_at: self.now(),
                deleted_at: None,
            }
        );
        let keep = |_: &mut user::ActiveModel| {};
        let user = insert!(
            self,
            keep,
            user {
                id: self.app.ids.next(UserId::from_uuid),
                account_id: account.id,
                email: format!("{name}@example.test"),
                password_hash: "none".to_owned(),
                role,
                created_at: self.now(),
                disabled_at: None,
            }
        );
        let user = Arc::new(user);
        Tenant {
            account,
            requester: Requester::User {
                user: user.clone(),
                token: self.app.ids.next(TokenId::from_uuid),
                token_scope: TokenScope::Full,
            },
            user,
        }
    }

    /// A hypervisor like the platform's.
    pub async fn hypervisor(
        &self,
        change: impl FnOnce(&mut hypervisor::ActiveModel),
    ) -> hypervisor::Model {
        let mut row = hypervisor::ActiveModel::from(self.platform.hypervisor.clone());
        row.id = Set(self.app.ids.next(HypervisorId::from_uuid));
        change(&mut row);
        row.reset_all()
            .insert(self.app.database.writes())
            .await
            .unwrap()
    }

    /// A plan like the platform's.
    pub async fn plan(
        &self,
        change: impl FnOnce(&mut volume_plan::ActiveModel),
    ) -> volume_plan::Model {
        let mut row = volume_plan::ActiveModel::from(self.platform.plan.clone());
        row.id = Set(self.app.ids.next(VolumePlanId::from_uuid));
        change(&mut row);
        let db = self.app.database.writes();
        let plan = row.reset_all().insert(db).await.unwrap();
        keep_rates(db, &plan).await;
        plan
    }

    /// A pool like the platform's.
    pub async fn pool(
        &self,
        change: impl FnOnce(&mut storage_pool::ActiveModel),
    ) -> storage_pool::Model {
        let mut row = storage_pool::ActiveModel::from(self.platform.pool.clone());
        row.id = Set(self.app.ids.next(StoragePoolId::from_uuid));
        change(&mut row);
        row.reset_all()
            .insert(self.app.database.writes())
            .await
            .unwrap()
    }

    /// A running instance on the platform's hypervisor.
    pub async fn instance(
        &self,
        tenant: &Tenant,
        change: impl FnOnce(&mut instance::ActiveModel),
    ) -> instance::Model {
        insert!(
            self,
            change,
            instance {
                id: self.app.ids.next(InstanceId::from_uuid),
                account_id: tenant.account.id,
                hypervisor_id: self.platform.hypervisor.id,
                name: "instance".to_owned(),
                status: InstanceStatus::Running,
                credits_per_hour: Credit::default(),
                qmp_socket: None,
                created_at: self.now(),
                deleted_at: None,
            }
        )
    }

    /// An available volume of the platform's plan, free and not attached.
    pub async fn volume(
        &self,
        tenant: &Tenant,
        change: impl FnOnce(&mut volume::ActiveModel),
    ) -> volume::Model {
        insert!(
            self,
            change,
            volume {
                id: self.app.ids.next(VolumeId::from_uuid),
                account_id: tenant.account.id,
                name: "volume".to_owned(),
                search_name: String::new(),
                size_bytes: self.platform.plan.size_bytes,
                storage_type: self.platform.plan.storage_type,
                state: VolumeState::Available,
                data_state: DataState::Consistent,
                plan_id: self.platform.plan.id,
                group_id: self.platform.group.id,
                hypervisor_id: self.platform.hypervisor.id,
                pool_id: self.platform.pool.id,
                instance_id: None,
                active_operation: None,
                active_operation_id: None,
                cooldown_ends_at: None,
                measure_at: None,
                last_backup_at: NEVER,
                on_storage: true,
                created_at: self.now(),
                deleted_at: None,
            }
        )
    }

    /// The volume with other values.
    pub async fn change(
        &self,
        volume: volume::Model,
        change: impl FnOnce(&mut volume::ActiveModel),
    ) -> volume::Model {
        let mut row = volume::ActiveModel::from(volume);
        change(&mut row);
        row.update(self.app.database.writes()).await.unwrap()
    }

    /// An available snapshot, and the completed operation that made it.
    pub async fn snapshot(
        &self,
        volume: &volume::Model,
        change: impl FnOnce(&mut snapshot::ActiveModel),
    ) -> snapshot::Model {
        let operation_id = self.app.ids.next(OperationId::from_uuid);
        let snapshot = insert!(
            self,
            change,
            snapshot {
                id: self.app.ids.next(SnapshotId::from_uuid),
                account_id: volume.account_id,
                volume_id: volume.id,
                name: "snapshot".to_owned(),
                status: ItemStatus::Available,
                volume_size_bytes: volume.size_bytes,
                retained_bytes: 0,
                on_storage: true,
                in_doubt: false,
                operation_id,
                created_at: self.now(),
                available_at: Some(self.now()),
                failure: None,
                deleted_at: None,
            }
        );
        self.operation(volume, OperationKind::CreateSnapshot, |row| {
            row.id = Set(operation_id);
            row.snapshot_id = Set(Some(snapshot.id));
        })
        .await;
        snapshot
    }

    /// An available backup, and the completed operation that made it.
    pub async fn backup(
        &self,
        volume: &volume::Model,
        change: impl FnOnce(&mut backup::ActiveModel),
    ) -> backup::Model {
        let operation_id = self.app.ids.next(OperationId::from_uuid);
        let backup = insert!(
            self,
            change,
            backup {
                id: self.app.ids.next(BackupId::from_uuid),
                account_id: volume.account_id,
                volume_id: volume.id,
                volume_name: volume.name.clone(),
                plan_id: volume.plan_id,
                group_id: volume.group_id,
                storage_type: volume.storage_type,
                backup_storage_id: self.platform.backup_storage.id,
                hypervisor_id: volume.hypervisor_id,
                name: "backup".to_owned(),
                search_name: String::new(),
                search_volume_name: String::new(),
                status: ItemStatus::Available,
                volume_size_bytes: volume.size_bytes,
                stored_bytes: Some(volume.size_bytes / 2),
                checksum: Some("blake3:00".to_owned()),
                on_storage: true,
                verified_at: None,
                verified_ok: None,
                verification_message: None,
                operation_id,
                created_at: self.now(),
                available_at: Some(self.now()),
                failure: None,
                deleted_at: None,
            }
        );
        self.operation(volume, OperationKind::CreateBackup, |row| {
            row.id = Set(operation_id);
            row.backup_id = Set(Some(backup.id));
        })
        .await;
        backup
    }

    /// A completed operation.
    pub async fn operation(
        &self,
        volume: &volume::Model,
        kind: OperationKind,
        change: impl FnOnce(&mut operation::ActiveModel),
    ) -> operation::Model {
        insert!(
            self,
            change,
            operation {
                id: self.app.ids.next(OperationId::from_uuid),
                kind,
                status: OperationStatus::Completed,
                revision: 3,
                subject_name: volume.name.clone(),
                search_subject: String::new(),
                account_id: volume.account_id,
                volume_id: volume.id,
                snapshot_id: None,
                backup_id: None,
                target_volume_id: None,
                hypervisor_id: volume.hypervisor_id,
                requested_by: None,
                epoch: 1,
                offers: 0,
                attempts: 1,
                lease_expires_at: None,
                cancel_requested_at: None,
                volume_touched: false,
                was_failed: false,
                replace_image: false,
                phase: "Done".to_owned(),
                bytes_done: 0,
                bytes_total: 0,
                bytes_per_second: None,
                progressed_at: None,
                error_code: None,
                error_message: None,
                created_at: self.now(),
                deadline_at: None,
                started_at: Some(self.now()),
                finished_at: Some(self.now()),
            }
        )
    }

    /// The next event of the timeline.
    pub async fn event(
        &self,
        operation: &operation::Model,
        kind: OperationEventKind,
    ) -> operation_event::Model {
        let db = self.app.database.writes();
        let next = "UPDATE sequences SET value = value + 1 WHERE name = 'operation_events' \
                    RETURNING value";
        let next = Statement::from_string(db.get_database_backend(), next);
        let next = db.query_one_raw(next).await.unwrap().unwrap();
        let keep = |_: &mut operation_event::ActiveModel| {};
        insert!(
            self,
            keep,
            operation_event {
                seq: next.try_get("", "value").unwrap(),
                operation_id: operation.id,
                account_id: operation.account_id,
                kind,
                actor: Some("tidemark".to_owned()),
                message: None,
                at: self.now(),
            }
        )
    }

    /// A line of an operation's log.
    pub async fn log(
        &self,
        operation: &operation::Model,
        message: &str,
        public: bool,
    ) -> operation_log::Model {
        let row = operation_log::ActiveModel {
            id: NotSet,
            operation_id: Set(operation.id),
            at: Set(self.now()),
            level: Set(LogLevel::Info),
            message: Set(message.to_owned()),
            public: Set(public),
            epoch: Set(None),
            number: Set(None),
        };
        row.insert(self.app.database.writes()).await.unwrap()
    }
}
