//! What streams cost: statements and processor time for each message, and how late it is. Measured, not judged:
//! `just bench-streams`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::harness::{World, on, on_each_database, on_postgres_alone};

/// Streams of all operations together.
const STREAMS: usize = 100;
/// Operations under way.
const OPERATIONS: usize = 10;
/// Reports of each operation, each a quarter of a second after the last was answered.
const REPORTS: u64 = 40;
/// Changes at one gateway that are waited for at the other.
const CHANGES: usize = 300;

const PROGRESS: &str = "subscription($id: ID!) { operationProgress(operationId: $id) {
    status revision attempt progress { phase percent bytesDone bytesTotal bytesPerSecond } error { code } } }";
const ACTIVITY: &str = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
    serverTime cooldown { endsAt } volume { id name status }
    operation { id status revision progress { phase percent bytesDone bytesTotal } } } }";

/// When each number of bytes was reported.
type Told = Arc<Mutex<HashMap<u64, Instant>>>;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures what streams cost: just bench-streams"]
async fn what_a_message_of_a_running_operation_costs() {
    on_each_database(async |world| {
        let world = Arc::new(world);
        let database = format!("{:?}", world.app.database.backend());
        for (name, document) in [
            ("operationProgress", PROGRESS),
            ("volumeActivity", ACTIVITY),
        ] {
            measure(&world, &database, name, document).await;
        }
    })
    .await;
}

async fn measure(world: &Arc<World>, database: &str, name: &str, document: &str) {
    let mut watched = Vec::new();
    for number in 0..OPERATIONS {
        let tenant = world.tenant(&format!("{name}{number}")).await;
        let by = world.signed_in(&tenant.requester).await;
        let volume = world.volume(&tenant, |_| {}).await;
        let payload = world
            .run(&by, "createBackup", on("volumeId", volume.id))
            .await;
        let operation = payload["operation"]["id"].as_str().unwrap().to_owned();
        watched.push((by, volume.id.to_string(), operation));
    }
    let works = world.worker().claim().await;
    assert_eq!(works.len(), OPERATIONS);
    for work in &works {
        for done in 1..=2 {
            world
                .worker()
                .report(work, "Uploading", done, 1_000_000)
                .await;
        }
    }
    let told: Told = Arc::default();
    let mut readers = Vec::new();
    for number in 0..STREAMS {
        let (by, volume, operation) = &watched[number % OPERATIONS];
        let id = if name == "volumeActivity" {
            volume
        } else {
            operation
        };
        let mut stream = world.watch(by, document, on("id", id));
        stream.next().await;
        let told = told.clone();
        readers.push(tokio::spawn(async move {
            let mut late = Vec::new();
            loop {
                let event = stream.next().await;
                let done = bytes(&event);
                late.extend(told.lock().unwrap().get(&done).map(Instant::elapsed));
                if done >= 10 + REPORTS - 1 {
                    return late;
                }
            }
        }));
    }
    // The streams settle: each may look once whether it may go on.
    for work in &works {
        world.worker().report(work, "Uploading", 9, 1_000_000).await;
    }
    sleep(Duration::from_secs(1)).await;
    world.statements();
    let before = processor_time();
    for number in 0..REPORTS {
        let done = 10 + number;
        told.lock().unwrap().insert(done, Instant::now());
        let reports = works.iter().map(|work| {
            let world = world.clone();
            async move {
                world
                    .worker()
                    .report(work, "Uploading", done, 1_000_000)
                    .await
            }
        });
        join_all(reports).await;
        // As agents do.
        sleep(Duration::from_millis(250)).await;
    }
    let mut late: Vec<Duration> = Vec::new();
    for reader in readers {
        late.extend(reader.await.unwrap());
    }
    let spent = processor_time().saturating_sub(before);
    let statements = world.statements();
    late.sort_unstable();
    let messages = late.len();
    println!(
        "| {database} | {name} | {messages} of {} | {:.2} | {} | {} | {} |",
        u64::try_from(STREAMS).unwrap() * REPORTS,
        ratio(statements, messages),
        spent.as_micros() / u128::try_from(messages).unwrap(),
        late[messages / 2].as_millis(),
        late[messages * 99 / 100].as_millis(),
    );
    for work in &works {
        world.worker().fail(work, false).await;
    }
}

fn bytes(event: &Value) -> u64 {
    let progress = event.pointer("/progress/bytesDone");
    let progress = progress.or_else(|| event.pointer("/operation/progress/bytesDone"));
    progress.and_then(Value::as_u64).unwrap()
}

fn ratio(of: usize, to: usize) -> f64 {
    f64::from(u32::try_from(of).unwrap()) / f64::from(u32::try_from(to).unwrap())
}

/// What this process has taken of the processors.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(") ").next().unwrap().split(' ');
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures how late a change shows at another gateway: just bench-streams"]
async fn how_late_a_change_shows_at_another_gateway() {
    on_postgres_alone(async |world| {
        let other = world.other_gateway();
        let _buses = (world.on_bus(), other.on_bus());
        world.are_on_bus(2).await;
        let alice = world.tenant("alice").await;
        let by = world.signed_in(&alice.requester).await;
        let volume = world.volume(&alice, |_| {}).await;
        let mut stream = other.watch(&by, ACTIVITY, on("id", volume.id));
        stream.next().await;
        let mut late = Vec::new();
        for number in 0..CHANGES {
            let name = format!("renamed {number}");
            let input = json!({ "volumeId": volume.id.to_string(), "name": name });
            world.run(&by, "updateVolume", input).await;
            let at = Instant::now();
            stream.until(|told| told["volume"]["name"] == *name).await;
            late.push(at.elapsed());
            sleep(Duration::from_millis(20)).await;
        }
        late.sort_unstable();
        println!(
            "| another gateway, from the answer of the mutation | p50 {:.1} ms | p99 {:.1} ms |",
            late[CHANGES / 2].as_secs_f64() * 1e3,
            late[CHANGES * 99 / 100].as_secs_f64() * 1e3,
        );
    })
    .await;
}
