//! What the dearest legal documents of a customer cost the gateway: processor time, and bytes of the answer, where
//! every text is as long as it may be. Measured, not judged: `just bench-documents`.

use std::{fs, time::Instant};

use entity::{
    BackupId, OperationId, SnapshotId, VolumeId, backup, operation, operation_event, operation_log,
    snapshot, snapshot::ItemStatus, volume,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, TransactionTrait};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Client, Engine, Machine, Rules};

/// Documents whose pages are `$n` long: what asks the database, the loaders and the texts for most.
const DOCUMENTS: [(&str, &str); 12] = [
    (
        "volumes with all that can be done",
        "{ volumes(first: $n) { totalCount nodes { id name status usage { snapshots backups } actions {
            createSnapshot { allowed blockers { code message availableAt } }
            createBackup { allowed blockers { code message availableAt } }
            restoreInPlace { allowed blockers { code message availableAt } }
            restoreToNewVolume { allowed blockers { code message availableAt } } } } } }",
    ),
    (
        "snapshots of volumes",
        "{ volumes(first: 100) { nodes { snapshots(first: $n) { nodes { id name status failure } } } } }",
    ),
    (
        "names alone, of snapshots of volumes",
        "{ volumes(first: 100) { nodes { snapshots(first: $n) { nodes { failure } } } } }",
    ),
    (
        "counts of all lists of volumes",
        "{ volumes(first: $n) { nodes { snapshots(first: 1) { totalCount } backups(first: 1) { totalCount }
            operations(first: 1) { totalCount } } } }",
    ),
    (
        "backups, their volumes, their plans",
        "{ backups(first: $n) { nodes { id name volumeName failure location { storageName path }
            volume { name plan { name } account { name } hypervisorGroup { name plans { name } } } } } }",
    ),
    (
        "operations with their events",
        "{ operations(first: 100) { nodes { events(first: $n) { nodes { message } } } } }",
    ),
    (
        "operations with what they are about",
        "{ operations(first: $n) { nodes { subjectName error { message } volume { name } snapshot { failure }
            backup { failure } events(first: 10) { nodes { message operation { error { message } } } } } } }",
    ),
    (
        "logs of operations",
        "{ operations(first: 100) { nodes { logs(first: $n) { nodes { message } } } } }",
    ),
    (
        "round and round",
        "{ volumes(first: 5) { nodes { snapshots(first: 5) { nodes { volume { backups(first: 5) { nodes {
            volume { operations(first: $n) { nodes { error { message } } } } } } } } } } } }",
    ),
    (
        "searches",
        "{ ALIASED volumes(first: $n, filter: { nameContains: \"no such name\" }) { totalCount nodes { id } } }",
    ),
    (
        "first pages",
        "{ ALIASED operations(first: $n) { totalCount nodes { error { message } } } }",
    ),
    (
        "introspection",
        "{ ALIASED __schema { types { name description fields { name description args { name description
            type { name } } type { name kind ofType { name kind ofType { name } } } } } } }",
    ),
];
/// As many fields as an operation may have at its root.
const ROOT_FIELDS: usize = 50;

/// More than a page shows.
const VOLUMES: u64 = 400;
const SNAPSHOTS: u64 = 20;
const BACKUPS: u64 = 20;
const OPERATIONS: u64 = 40;
const EVENTS: u64 = 6;
const LINES: u64 = 100;

/// Texts of the greatest length, in characters of four bytes.
fn text(chars: usize) -> String {
    "\u{1d11e}".repeat(chars)
}

/// Ids that rise.
struct Ids(u128);

impl Ids {
    fn next(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u128(self.0)
    }
}

/// An account with as much as there may be, copied from one volume that is real.
async fn fill(machine: &Machine) {
    let request = machine.request();
    let id: VolumeId = request.volume("first").await.parse().unwrap();
    let snapshot = request.create_snapshot(&id.to_string()).await;
    request.completed(&snapshot).await;
    let backup = request.create_backup(&id.to_string()).await;
    request.completed(&backup).await;

    let database = machine.database().await;
    let tx = database.begin().await.unwrap();
    let volume = volume::Entity::find_by_id(id).one(&tx).await.unwrap();
    let volume = volume.unwrap();
    let snapshot = snapshot::Entity::find().one(&tx).await.unwrap().unwrap();
    let backup = backup::Entity::find().one(&tx).await.unwrap().unwrap();
    let operation = operation::Entity::find()
        .filter(operation::Column::BackupId.eq(backup.id))
        .one(&tx)
        .await
        .unwrap()
        .unwrap();
    let event = operation_event::Entity::find().one(&tx).await.unwrap();
    let event = event.unwrap();
    // Ids of the same time as the first one's, and above it.
    let mut ids = Ids(id.as_uuid().as_u128());
    // Numbers that the gateway never comes to.
    let mut seq = 1 << 40;
    let mut line = 1 << 40;
    for _ in 0..VOLUMES {
        let mut copy = volume.clone();
        copy.id = VolumeId::from_uuid(ids.next());
        copy.name = text(128);
        copy.search_name = copy.name.clone();
        volume::Entity::insert(copy.clone().into_active_model())
            .exec(&tx)
            .await
            .unwrap();
        let mut snapshots = Vec::new();
        for _ in 0..SNAPSHOTS {
            let mut item = snapshot.clone();
            item.id = SnapshotId::from_uuid(ids.next());
            item.volume_id = copy.id;
            item.name = text(128);
            item.status = ItemStatus::Failed;
            item.failure = Some(text(1000));
            snapshots.push(item.into_active_model());
        }
        snapshot::Entity::insert_many(snapshots)
            .exec(&tx)
            .await
            .unwrap();
        let mut backups = Vec::new();
        for _ in 0..BACKUPS {
            let mut item = backup.clone();
            item.id = BackupId::from_uuid(ids.next());
            item.volume_id = copy.id;
            item.name = text(128);
            item.volume_name = text(128);
            item.failure = Some(text(1000));
            backups.push(item.into_active_model());
        }
        backup::Entity::insert_many(backups)
            .exec(&tx)
            .await
            .unwrap();
        for _ in 0..OPERATIONS {
            let mut one = operation.clone();
            one.id = OperationId::from_uuid(ids.next());
            one.volume_id = copy.id;
            one.subject_name = text(128);
            one.error_code = Some("STORAGE_FAILED".to_owned());
            one.error_message = Some(text(1000));
            let id = one.id;
            operation::Entity::insert(one.into_active_model())
                .exec(&tx)
                .await
                .unwrap();
            let events = (0..EVENTS).map(|_| {
                seq += 1;
                let mut one = event.clone();
                one.seq = seq;
                one.operation_id = id;
                one.message = Some(text(1000));
                one.into_active_model()
            });
            operation_event::Entity::insert_many(events)
                .exec(&tx)
                .await
                .unwrap();
        }
    }
    let newest: Vec<OperationId> = operation::Entity::find()
        .all(&tx)
        .await
        .unwrap()
        .into_iter()
        .rev()
        .take(100)
        .map(|operation| operation.id)
        .collect();
    for id in newest {
        let lines = (0..LINES).map(|_| {
            line += 1;
            let line = operation_log::Model {
                id: line,
                operation_id: id,
                at: volume.created_at,
                level: entity::operation_log::LogLevel::Info,
                message: text(4000),
                public: true,
                epoch: None,
                number: None,
            };
            line.into_active_model()
        });
        operation_log::Entity::insert_many(lines)
            .exec(&tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    database.close().await.unwrap();
}

/// The document with its greatest pages that the limits allow, or nothing where they refuse the smallest.
async fn largest(client: &Client, document: &str) -> Option<(u32, String)> {
    let (mut allowed, mut refused) = (0, 101);
    while refused - allowed > 1 {
        let middle = u32::midpoint(allowed, refused);
        let answer = client
            .answer(&with_pages(document, middle), json!({}))
            .await;
        match &answer["errors"][0]["extensions"]["code"] {
            code if code == "QUERY_TOO_COMPLEX" => refused = middle,
            _ => allowed = middle,
        }
    }
    (allowed > 0).then(|| (allowed, with_pages(document, allowed)))
}

fn with_pages(document: &str, length: u32) -> String {
    let document = document.replace("$n", &length.to_string());
    let Some((before, field)) = document.split_once("ALIASED ") else {
        return document;
    };
    let field = field.trim_end_matches(['}', ' ']);
    // The braces that closed the field were taken with the document's own.
    let field = format!("{field}{}", "}".repeat(open(field)));
    let fields = (0..ROOT_FIELDS).map(|number| format!("a{number}: {field}"));
    format!("{before}{} }}", fields.collect::<Vec<_>>().join(" "))
}

fn open(field: &str) -> usize {
    field.matches('{').count() - field.matches('}').count()
}

/// Seconds of processors that a process has used.
fn cpu_seconds(pid: i32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks = [11, 12].map(|field| fields[field].parse::<u32>().unwrap());
    // What Linux tells programs are hundredths, whatever the kernel itself counts in: proc(5).
    f64::from(ticks[0] + ticks[1]) / 100.0
}

fn peak_mib(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures"]
async fn the_dearest_documents_of_a_customer() {
    let engines = [
        Some(("SQLite", Engine::Sqlite)),
        Engine::postgres().map(|it| ("PostgreSQL", it)),
    ];
    println!(
        "| database | document | page | processors, s | time, s | answer, MiB | peak of memory, MiB | |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---|");
    for (name, engine) in engines.into_iter().flatten() {
        let mut machine = Machine::on(engine, Rules::default()).await;
        machine.restart(true).await;
        fill(&machine).await;
        machine.restart(false).await;
        let client = Client {
            http: reqwest::Client::new(),
            ..machine.owner.clone()
        };
        for (what, document) in DOCUMENTS {
            let Some((page, document)) = largest(&client, document).await else {
                println!("| {name} | {what} | | | | | | refused |");
                continue;
            };
            let pid = machine.gateway.as_ref().unwrap().pid();
            let (before, began) = (cpu_seconds(pid), Instant::now());
            let answer = client
                .post(&json!({ "query": document }))
                .send()
                .await
                .unwrap();
            let answer = answer.bytes().await.unwrap();
            let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds(pid) - before);
            let told: serde_json::Value = serde_json::from_slice(&answer).unwrap();
            let code = told["errors"][0]["extensions"]["code"]
                .as_str()
                .unwrap_or_default();
            println!(
                "| {name} | {what} | {page} | {cpu:.2} | {took:.2} | {:.2} | {} | {code} |",
                f64::from(u32::try_from(answer.len()).unwrap()) / 1_048_576.0,
                peak_mib(pid),
            );
        }
        machine.end().await;
    }
}
