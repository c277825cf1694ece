//! Fills a database by statements that make many rows at once: each is like a row that the factory made, but for what differs
//! from row to row.

use entity::{operation::OperationKind, operation_event::OperationEventKind, volume};
use sea_orm::{DbBackend, Set};

use super::sql::Sql;
use crate::harness::{Tenant, World};

/// How many rows of each kind there are for each volume.
const OPERATIONS: u64 = 3;
const EVENTS: u64 = 4;
/// How many volumes an account has at most.
const VOLUMES_OF_ACCOUNT: u64 = 100;
/// How many operations wait, and how many are worked on.
const WAITING: u64 = 80;
const STARTED: u64 = 20;

/// A filled database.
pub struct Filled {
    /// The account that has the first volumes.
    pub alice: Tenant,
}

/// The kinds of ids.
pub const VOLUME: u32 = 0x0190_0001;
const SNAPSHOT: u32 = 0x0190_0002;
const BACKUP: u32 = 0x0190_0003;
/// Of operations.
pub const OPERATION: u32 = 0x0190_0004;
const ACCOUNT: u32 = 0x0190_0005;
const USER: u32 = 0x0190_0006;
const TOKEN: u32 = 0x0190_0007;
const AUDIT: u32 = 0x0190_0008;

/// Fills the database with `volumes` volumes and what belongs to so many.
pub async fn fill(world: &World, volumes: u64) -> Filled {
    let alice = world.tenant("alice").await;
    let sql = Sql::of(world);
    let accounts = volumes.div_ceil(VOLUMES_OF_ACCOUNT);
    tenants(world, &sql, &alice, accounts).await;
    things(world, &sql, &alice, volumes, accounts).await;
    operations(world, &sql, volumes).await;
    records(world, &sql, &alice, volumes).await;
    if world.app.database.backend() == DbBackend::Postgres {
        world.by_hand("VACUUM ANALYZE").await;
    }
    Filled { alice }
}

async fn tenants(world: &World, sql: &Sql, alice: &Tenant, accounts: u64) {
    use entity::{account, token, user};
    let like = format!("t.id = '{}'", alice.account.id);
    let changes = [
        (account::Column::Id, sql.id(ACCOUNT, "n.i")),
        (account::Column::Name, "'account-' || n.i".to_owned()),
    ];
    let rows = sql.rows::<account::Entity>(accounts, &like, &changes);
    world.by_hand(&rows).await;
    let like = format!("t.id = '{}'", alice.user.id);
    let changes = [
        (user::Column::Id, sql.id(USER, "n.i")),
        (user::Column::AccountId, sql.id(ACCOUNT, "n.i")),
        (
            user::Column::Email,
            "'user-' || n.i || '@example.test'".to_owned(),
        ),
    ];
    let rows = sql.rows::<user::Entity>(accounts, &like, &changes);
    world.by_hand(&rows).await;
    world.signed_in(&alice.requester).await;
    let changes = [
        (token::Column::Id, sql.id(TOKEN, "n.i")),
        (
            token::Column::UserId,
            sql.id(USER, &format!("1 + n.i % {accounts}")),
        ),
        (token::Column::Hash, "'hash-' || n.i".to_owned()),
    ];
    let like = format!("t.user_id = '{}'", alice.user.id);
    let rows = sql.rows::<token::Entity>(100 * accounts, &like, &changes);
    world.by_hand(&rows).await;
}

/// What all rows about volumes share: how many there are, and whose they are.
struct Volumes<'s> {
    sql: &'s Sql,
    rows: u64,
    /// Whose the volume of the row `n.i` is.
    account: String,
    /// Whose agent works on it.
    host: String,
}

impl Volumes<'_> {
    /// When the row was deleted: few were.
    fn deleted(&self) -> String {
        every(11, &self.sql.made(self.rows), "t.deleted_at")
    }
}

/// `value` in every so many rows, and `otherwise` in the rest.
fn every(rows: u32, value: &str, otherwise: &str) -> String {
    format!("CASE WHEN n.i % {rows} = 3 THEN {value} ELSE {otherwise} END")
}

/// One of `ids` after the other.
fn one_of<T: ToString>(ids: &[T]) -> String {
    let cases = ids.iter().enumerate();
    let cases: Vec<_> = cases
        .map(|(place, id)| format!("WHEN {place} THEN '{}'", id.to_string()))
        .collect();
    format!("CASE n.i % {} {} END", ids.len(), cases.join(" "))
}

async fn things(world: &World, sql: &Sql, alice: &Tenant, volumes: u64, accounts: u64) {
    let mut hosts = vec![world.platform.hypervisor.id];
    let mut plans = vec![world.platform.plan.id];
    for _ in 1..10 {
        hosts.push(world.hypervisor(|_| {}).await.id);
    }
    for _ in 1..5 {
        plans.push(world.plan(|_| {}).await.id);
    }
    let others = sql.id(ACCOUNT, &format!("1 + n.i % {accounts}"));
    let own = alice.account.id;
    let all = Volumes {
        sql,
        rows: volumes,
        account: format!("CASE WHEN n.i <= {VOLUMES_OF_ACCOUNT} THEN '{own}' ELSE {others} END"),
        host: one_of(&hosts),
    };
    let first = world.volume(alice, |_| {}).await;
    fill_volumes(world, &all, &first, &one_of(&plans)).await;
    fill_snapshots(world, &all, &first).await;
    fill_backups(world, &all, &first).await;
}

async fn fill_volumes(world: &World, all: &Volumes<'_>, first: &volume::Model, plan: &str) {
    use volume::{Column, Entity};
    let (sql, made) = (all.sql, all.sql.made(all.rows));
    let name = "'volume-' || n.i".to_owned();
    let changes = [
        (Column::Id, sql.id(VOLUME, "n.i")),
        (Column::AccountId, all.account.clone()),
        (Column::Name, name.clone()),
        (Column::SearchName, name),
        (Column::State, every(1009, "'failed'", "t.state")),
        (Column::PlanId, plan.to_owned()),
        (Column::HypervisorId, all.host.clone()),
        (Column::CooldownEndsAt, made.clone()),
        (Column::MeasureAt, sql.ago("-600 - n.i % 600")),
        (Column::LastBackupAt, every(10, "t.last_backup_at", &made)),
        (Column::CreatedAt, made),
        (Column::DeletedAt, all.deleted()),
    ];
    let like = format!("t.id = '{}'", first.id);
    world
        .by_hand(&sql.rows::<Entity>(all.rows, &like, &changes))
        .await;
}

async fn fill_snapshots(world: &World, all: &Volumes<'_>, first: &volume::Model) {
    use entity::snapshot::{Column, Entity};
    let sql = all.sql;
    let like = world.snapshot(first, |_| {}).await;
    let changes = [
        (Column::Id, sql.id(SNAPSHOT, "n.i")),
        (Column::AccountId, all.account.clone()),
        (Column::VolumeId, sql.id(VOLUME, "n.i")),
        (Column::Name, "'snapshot-' || n.i".to_owned()),
        (Column::Status, every(1013, "'failed'", "t.status")),
        (Column::OperationId, sql.id(OPERATION, "n.i")),
        (Column::CreatedAt, sql.made(all.rows)),
        (Column::DeletedAt, all.deleted()),
    ];
    let like = format!("t.id = '{}'", like.id);
    world
        .by_hand(&sql.rows::<Entity>(all.rows, &like, &changes))
        .await;
}

async fn fill_backups(world: &World, all: &Volumes<'_>, first: &volume::Model) {
    use entity::backup::{Column, Entity};
    let sql = all.sql;
    let like = world.backup(first, |_| {}).await;
    let operation = format!("{} + n.i", all.rows);
    let changes = [
        (Column::Id, sql.id(BACKUP, "n.i")),
        (Column::AccountId, all.account.clone()),
        (Column::VolumeId, sql.id(VOLUME, "n.i")),
        (Column::VolumeName, "'volume-' || n.i".to_owned()),
        (Column::SearchVolumeName, "'volume-' || n.i".to_owned()),
        (Column::Name, "'backup-' || n.i".to_owned()),
        (Column::SearchName, "'backup-' || n.i".to_owned()),
        (Column::HypervisorId, all.host.clone()),
        (Column::Status, every(1013, "'failed'", "t.status")),
        (Column::OperationId, sql.id(OPERATION, &operation)),
        (Column::CreatedAt, sql.made(all.rows)),
        (Column::DeletedAt, all.deleted()),
    ];
    let like = format!("t.id = '{}'", like.id);
    world
        .by_hand(&sql.rows::<Entity>(all.rows, &like, &changes))
        .await;
}

async fn operations(world: &World, sql: &Sql, volumes: u64) {
    use entity::operation::{Column, Entity};
    let rows = OPERATIONS * volumes;
    let volume = format!("1 + (n.i - 1) % {volumes}");
    let of_volume = sql.id(VOLUME, &volume);
    let like = world.text("SELECT MIN(id) FROM operations").await.unwrap();
    let ended = rows - WAITING - STARTED;
    let (waits, works) = (
        format!("n.i > {ended} AND n.i % 5 <> 0"),
        format!("n.i > {ended} AND n.i % 5 = 0"),
    );
    let kind = format!(
        "CASE WHEN n.i % 1000 = 7 THEN 'restore_in_place' WHEN n.i <= {volumes} THEN 'create_snapshot' \
         WHEN n.i <= 2 * {volumes} OR n.i % 2 = 0 THEN 'create_backup' ELSE 'create_snapshot' END"
    );
    let status = format!(
        "CASE WHEN {waits} THEN 'pending' WHEN {works} THEN 'started' WHEN n.i % 101 = 7 THEN 'failed' \
         WHEN n.i % 1009 = 8 THEN 'cancelled' ELSE 'completed' END"
    );
    let in_flight = |value: String, otherwise: &str| {
        format!("CASE WHEN n.i > {ended} THEN {value} ELSE {otherwise} END")
    };
    let item = |kind: u32, first: u64| {
        let id = sql.id(kind, &format!("n.i - {first}"));
        let (from, to) = (first, first + volumes);
        format!("CASE WHEN n.i > {from} AND n.i <= {to} THEN {id} END")
    };
    let changes = [
        (Column::Id, sql.id(OPERATION, "n.i")),
        (Column::Kind, kind),
        (Column::Status, status),
        (Column::SubjectName, format!("'subject-' || ({volume})")),
        (Column::SearchSubject, format!("'subject-' || ({volume})")),
        (Column::VolumeId, of_volume.clone()),
        (
            Column::AccountId,
            format!("(SELECT v.account_id FROM volumes v WHERE v.id = {of_volume})"),
        ),
        (
            Column::HypervisorId,
            format!("(SELECT v.hypervisor_id FROM volumes v WHERE v.id = {of_volume})"),
        ),
        (Column::SnapshotId, item(SNAPSHOT, 0)),
        (Column::BackupId, item(BACKUP, volumes)),
        (Column::CreatedAt, in_flight(sql.ago("60"), &sql.made(rows))),
        (Column::StartedAt, sql.made(rows)),
        (
            Column::FinishedAt,
            in_flight("NULL".to_owned(), &sql.made(rows)),
        ),
        (
            Column::LeaseExpiresAt,
            format!("CASE WHEN {works} THEN {} END", sql.ago("-60")),
        ),
    ];
    let like = format!("t.id = '{like}'");
    let insert = sql.rows::<Entity>(rows, &like, &changes);
    world.by_hand(&insert).await;
    // What is in flight holds its volume.
    world
        .by_hand(
            "UPDATE volumes SET active_operation_id = o.id, active_operation = o.kind \
             FROM (SELECT id, volume_id, kind FROM operations \
                   WHERE status IN ('pending', 'started')) o WHERE o.volume_id = volumes.id",
        )
        .await;
}

async fn records(world: &World, sql: &Sql, alice: &Tenant, volumes: u64) {
    use entity::{audit_event, idempotency_key, operation_event, operation_log};
    let operations = OPERATIONS * volumes;
    let volume = world
        .volume(alice, |row| row.name = Set("last".to_owned()))
        .await;
    let operation = world
        .operation(&volume, OperationKind::CreateSnapshot, |_| {})
        .await;
    world.event(&operation, OperationEventKind::Completed).await;
    world.log(&operation, "Exporting", true).await;
    let of_operation =
        |per: u64| sql.id(OPERATION, &format!("1 + (n.i - 1) / {per} % {operations}"));
    let owner = |id: &str| format!("(SELECT o.account_id FROM operations o WHERE o.id = {id})");

    let events = EVENTS * volumes;
    let of = of_operation(1);
    let changes = [
        (operation_event::Column::Seq, "n.i + 1".to_owned()),
        (operation_event::Column::OperationId, of.clone()),
        (operation_event::Column::AccountId, owner(&of)),
        (operation_event::Column::At, sql.made(events)),
    ];
    let like = format!("t.operation_id = '{}'", operation.id);
    let rows = sql.rows::<operation_event::Entity>(events, &like, &changes);
    world.by_hand(&rows).await;
    let last = events + 1;
    world
        .by_hand(&format!(
            "UPDATE sequences SET value = {last} WHERE name = 'operation_events'"
        ))
        .await;

    let logs = OPERATIONS * volumes;
    let changes = [
        (operation_log::Column::Id, "n.i + 1".to_owned()),
        (operation_log::Column::OperationId, of_operation(1)),
        (operation_log::Column::At, sql.made(logs)),
    ];
    let rows = sql.rows::<operation_log::Entity>(logs, &like, &changes);
    world.by_hand(&rows).await;
    if world.app.database.backend() == DbBackend::Postgres {
        let next = "SELECT setval(pg_get_serial_sequence('operation_logs', 'id'), \
                    (SELECT MAX(id) FROM operation_logs))";
        world.by_hand(next).await;
    }

    let input = serde_json::json!({ "volumeId": "none" });
    world
        .refused(&alice.requester, "createSnapshot", input)
        .await;
    let changes = [
        (audit_event::Column::Id, sql.id(AUDIT, "n.i")),
        (audit_event::Column::At, sql.made(volumes)),
    ];
    let first = world.audit().await[0].id;
    let rows = sql.rows::<audit_event::Entity>(volumes, &format!("t.id = '{first}'"), &changes);
    world.by_hand(&rows).await;

    let (account, at) = (alice.account.id, world.now().to_rfc3339());
    world
        .by_hand(&format!(
            "INSERT INTO idempotency_keys (account_id, key, input_hash, operation_id, created_at) \
             VALUES ('{account}', 'first', 'hash', '{}', '{at}')",
            operation.id
        ))
        .await;
    let changes = [(idempotency_key::Column::Key, "'key-' || n.i".to_owned())];
    let rows = sql.rows::<idempotency_key::Entity>(volumes, "t.key = 'first'", &changes);
    world.by_hand(&rows).await;
}
