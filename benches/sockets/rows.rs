//! Accounts with operations under way and agents at work on them, written past the gateway.

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AccountId, BackupStorageId, HypervisorGroupId, HypervisorId, OperationId, StoragePoolId,
    TokenId, UserId, VolumeId, VolumePlanId, account,
    backup_storage::{self, BackupStorageKind},
    hypervisor, hypervisor_group,
    operation::{self, OperationKind, OperationStatus},
    storage_pool,
    token::{self, TokenKind, TokenScope},
    user::{self, Role},
    volume::{self, DataState, VolumeState},
    volume_plan::{self, StorageType},
};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait as _, DatabaseConnection, EntityTrait, IntoActiveModel,
    Set, Statement,
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::database::OwnDatabase;

/// Operations under way.
pub const OPERATIONS: usize = 100;
/// What each has to move.
pub const BYTES_TOTAL: u64 = 100_000_000_000;
/// What each is at.
pub const PHASE: &str = "Uploading";
const AGENTS: usize = 20;
const ACCOUNTS: usize = 20;
const CHUNK: usize = 500;
const SIZE: i64 = 100 << 30;

const PROGRESS: &str =
    "subscription OperationProgress($id: ID!) { operationProgress(operationId: $id) {
    id status revision attempt progress { phase percent bytesDone bytesTotal bytesPerSecond }
    error { code message } } }";
const ACTIVITY: &str = "subscription VolumeActivity($id: ID!) { volumeActivity(volumeId: $id) {
    serverTime cooldown { endsAt remainingSeconds } volume { id name status }
    operation { id status revision progress { phase percent bytesDone bytesTotal } } } }";

/// What a socket asks.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose it is.
    pub token: String,
    /// Which operation it is, by its number.
    pub topic: usize,
    /// The subscription.
    pub document: &'static str,
    /// Its variable.
    pub id: String,
}

/// An agent, and what it works on.
#[derive(Clone, Debug)]
pub struct Agent {
    /// What it shows.
    pub token: String,
    /// The numbers and ids of its operations.
    pub operations: Vec<(usize, String)>,
}

/// What was written.
pub struct Rows {
    /// The agents.
    pub agents: Vec<Agent>,
    operations: Vec<String>,
    /// Volumes at which nothing happens.
    volumes: Vec<String>,
    /// One for each socket, of the accounts in turn.
    tokens: Vec<String>,
}

impl Rows {
    /// Writes what `sockets` sockets need, and so many volumes that rest.
    pub async fn fill(database: &OwnDatabase, sockets: usize, resting: usize) -> Result<Self> {
        let db = &database.connect().await?;
        let now = Utc::now();
        let platform = Platform::write(db, now).await?;
        let mut accounts = Vec::new();
        for number in 0..ACCOUNTS {
            accounts.push(account(db, number, now).await?);
        }
        let mut agents = Vec::new();
        let mut hypervisors = Vec::new();
        for number in 0..AGENTS {
            let row = platform.hypervisor(number);
            let (of_agent, token) = token_of(None, Some(row.id), new_token(), now);
            hypervisors.push(row.id);
            insert::<hypervisor::Entity>(db, vec![row]).await?;
            insert::<token::Entity>(db, vec![of_agent]).await?;
            agents.push(Agent {
                token,
                operations: Vec::new(),
            });
        }
        let (mut volumes, mut operations) = (Vec::new(), Vec::new());
        for number in 0..OPERATIONS + resting {
            let (account, user) = accounts[number % ACCOUNTS];
            let mut volume = platform.volume(number, account, hypervisors[number % AGENTS]);
            if number < OPERATIONS {
                let operation = started(&volume, user, now);
                volume.active_operation = Some(operation.kind);
                volume.active_operation_id = Some(operation.id);
                let agent = &mut agents[number % AGENTS];
                agent.operations.push((number, operation.id.to_string()));
                operations.push(operation);
            }
            volumes.push(volume);
        }
        let rests = volumes[OPERATIONS..]
            .iter()
            .map(|volume| volume.id.to_string());
        let rests = rests.collect();
        let ids = operations
            .iter()
            .map(|operation| operation.id.to_string())
            .collect();
        insert::<volume::Entity>(db, volumes).await?;
        insert::<operation::Entity>(db, operations).await?;
        let bearers = accounts.iter().cycle().take(sockets);
        let (rows, tokens) = bearers
            .map(|(_, user)| token_of(Some(*user), None, new_token(), now))
            .unzip();
        insert::<token::Entity>(db, rows).await?;
        database.settle().await?;
        Ok(Self {
            agents,
            operations: ids,
            volumes: rests,
            tokens,
        })
    }

    /// So many sockets that each watch one of the operations.
    pub fn watching(&self, count: usize) -> Vec<Asked> {
        // An operation's account is that of its number, as a token's is.
        let asked = self.tokens.iter().take(count).enumerate();
        let asked = asked.map(|(number, token)| Asked {
            token: token.clone(),
            topic: number % OPERATIONS,
            document: PROGRESS,
            id: self.operations[number % OPERATIONS].clone(),
        });
        asked.collect()
    }

    /// So many sockets that each watch a volume at which nothing happens.
    pub fn resting(&self, count: usize) -> Vec<Asked> {
        let asked = self.tokens.iter().zip(&self.volumes).take(count);
        let asked = asked.map(|(token, volume)| Asked {
            token: token.clone(),
            topic: 0,
            document: ACTIVITY,
            id: volume.clone(),
        });
        asked.collect()
    }
}

/// How many transactions a database has seen.
pub async fn transactions(database: &OwnDatabase) -> Result<f64> {
    let db = database.connect().await?;
    let statement = "SELECT (xact_commit + xact_rollback)::float8 AS told FROM pg_stat_database \
                     WHERE datname = current_database()";
    let statement = Statement::from_string(db.get_database_backend(), statement);
    let row = db.query_one_raw(statement).await?;
    let told = row.context("no answer")?.try_get("", "told")?;
    db.close().await?;
    Ok(told)
}

/// What all volumes are made on.
struct Platform {
    group: HypervisorGroupId,
    pool: StoragePoolId,
    plan: VolumePlanId,
    now: DateTime<Utc>,
}

impl Platform {
    async fn write(db: &DatabaseConnection, now: DateTime<Utc>) -> Result<Self> {
        let storage = backup_storage::ActiveModel {
            id: Set(BackupStorageId::from_uuid(Uuid::now_v7())),
            name: Set("here".to_owned()),
            kind: Set(BackupStorageKind::Local),
            path: Set(Some("/srv/backups".to_owned())),
            created_at: Set(now),
            ..Default::default()
        };
        let storage = storage.insert(db).await?;
        let group = HypervisorGroupId::from_uuid(Uuid::now_v7());
        let row = hypervisor_group::Model {
            id: group,
            name: "one".to_owned(),
            backup_storage_id: Some(storage.id),
            created_at: now,
            deleted_at: None,
        };
        insert::<hypervisor_group::Entity>(db, vec![row]).await?;
        let pool = storage_pool::ActiveModel {
            id: Set(StoragePoolId::from_uuid(Uuid::now_v7())),
            group_id: Set(group),
            name: Set("files".to_owned()),
            storage_type: Set(StorageType::Qcow2File),
            path: Set(Some("/srv/pool".to_owned())),
            created_at: Set(now),
            ..Default::default()
        };
        let pool = pool.insert(db).await?.id;
        let plan = volume_plan::ActiveModel {
            id: Set(VolumePlanId::from_uuid(Uuid::now_v7())),
            name: Set("100 GiB".to_owned()),
            size_bytes: Set(SIZE),
            storage_type: Set(StorageType::Qcow2File),
            enabled: Set(true),
            max_snapshots: Set(5),
            max_backups: Set(10),
            snapshot_credit_value: Set("0.05".parse()?),
            backup_credit_value: Set("0.02".parse()?),
            operation_deadline_seconds: Set(None),
            created_at: Set(now),
            deleted_at: Set(None),
        };
        let plan = plan.insert(db).await?.id;
        Ok(Self {
            group,
            pool,
            plan,
            now,
        })
    }

    fn hypervisor(&self, number: usize) -> hypervisor::Model {
        hypervisor::Model {
            id: HypervisorId::from_uuid(Uuid::now_v7()),
            group_id: self.group,
            name: format!("host {number}"),
            backup_storage_id: None,
            agent_version: Some("0.1.0".to_owned()),
            agent_state_id: None,
            can_snapshot: true,
            can_backup: true,
            last_seen_at: Some(self.now),
            created_at: self.now,
            deleted_at: None,
        }
    }

    fn volume(&self, number: usize, account: AccountId, host: HypervisorId) -> volume::Model {
        let name = format!("disk {number}");
        volume::Model {
            id: VolumeId::from_uuid(Uuid::now_v7()),
            account_id: account,
            search_name: name.clone(),
            name,
            size_bytes: SIZE,
            storage_type: StorageType::Qcow2File,
            state: VolumeState::Available,
            data_state: DataState::Consistent,
            plan_id: self.plan,
            group_id: self.group,
            hypervisor_id: host,
            pool_id: self.pool,
            instance_id: None,
            active_operation: None,
            active_operation_id: None,
            cooldown_ends_at: None,
            measure_at: None,
            last_backup_at: self.now,
            on_storage: true,
            created_at: self.now,
            deleted_at: None,
        }
    }
}

/// An operation that is under way for as long as anybody measures.
fn started(volume: &volume::Model, user: UserId, now: DateTime<Utc>) -> operation::Model {
    operation::Model {
        id: OperationId::from_uuid(Uuid::now_v7()),
        kind: OperationKind::CreateBackup,
        status: OperationStatus::Started,
        revision: 2,
        subject_name: volume.name.clone(),
        search_subject: volume.search_name.clone(),
        account_id: volume.account_id,
        volume_id: volume.id,
        snapshot_id: None,
        backup_id: None,
        target_volume_id: None,
        hypervisor_id: volume.hypervisor_id,
        requested_by: Some(user),
        epoch: 1,
        offers: 0,
        attempts: 1,
        lease_expires_at: Some(now + TimeDelta::hours(1)),
        cancel_requested_at: None,
        volume_touched: false,
        was_failed: false,
        replace_image: false,
        phase: PHASE.to_owned(),
        bytes_done: 0,
        bytes_total: i64::try_from(BYTES_TOTAL).unwrap_or(i64::MAX),
        bytes_per_second: None,
        progressed_at: Some(now),
        error_code: None,
        error_message: None,
        created_at: now,
        deadline_at: None,
        started_at: Some(now),
        finished_at: None,
    }
}

async fn account(
    db: &DatabaseConnection,
    number: usize,
    now: DateTime<Utc>,
) -> Result<(AccountId, UserId)> {
    let row = account::Model {
        id: AccountId::from_uuid(Uuid::now_v7()),
        name: format!("account {number}"),
        volume_limit: None,
        volume_bytes_limit: None,
        created_at: now,
        deleted_at: None,
    };
    let id = row.id;
    insert::<account::Entity>(db, vec![row]).await?;
    let row = user::Model {
        id: UserId::from_uuid(Uuid::now_v7()),
        account_id: id,
        email: format!("user{number}@example.test"),
        password_hash: "none".to_owned(),
        role: Role::User,
        created_at: now,
        disabled_at: None,
    };
    let user = row.id;
    insert::<user::Entity>(db, vec![row]).await?;
    Ok((id, user))
}

fn new_token() -> String {
    format!("tidemark_{}", Uuid::now_v7().simple())
}

/// The row of a token, and what its bearer shows.
fn token_of(
    user: Option<UserId>,
    hypervisor: Option<HypervisorId>,
    secret: String,
    now: DateTime<Utc>,
) -> (token::Model, String) {
    let row = token::Model {
        id: TokenId::from_uuid(Uuid::now_v7()),
        kind: if user.is_some() {
            TokenKind::Session
        } else {
            TokenKind::Agent
        },
        user_id: user,
        hypervisor_id: hypervisor,
        name: "bench".to_owned(),
        hash: format!("{:x}", Sha256::digest(secret.as_bytes())),
        created_at: now,
        expires_at: Some(now + TimeDelta::hours(12)),
        // So that showing it writes nothing.
        last_used_at: Some(now + TimeDelta::hours(1)),
        revoked_at: None,
        scope: TokenScope::Full,
        parent_id: None,
    };
    (row, secret)
}

async fn insert<E>(db: &DatabaseConnection, rows: Vec<E::Model>) -> Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    loop {
        let chunk: Vec<E::ActiveModel> = rows.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        E::insert_many(chunk).exec_without_returning(db).await?;
    }
}
