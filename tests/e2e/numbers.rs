//! Events of two gateways on one PostgreSQL, which are killed and held up in turn while events are written at both and past
//! them: whoever follows them by cursors, at whichever gateway is there, gets each once, in the order in which they happened.
//!
//! `just soak-events` tries more of them.

use std::{
    collections::BTreeMap,
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use nix::sys::signal::Signal;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait, TryGetable,
};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::harness::{Client, Engine, Machine, Rules, Running, until};

/// How many events are written past the gateways.
const EVENTS: &str = "TIDEMARK_SOAK_EVENTS";
const FEW: usize = 6_000;
const WRITERS: usize = 4;
/// How many events a transaction has.
const AT_ONCE: usize = 3;
/// How long a writer waits between two transactions, so that gateways come and go meanwhile.
const PACE: Duration = Duration::from_millis(20);
/// How long both gateways are left alone between two blows.
const CALM: Duration = Duration::from_millis(1_500);
/// How long one is held up: longer than the term of who numbers events.
const HELD_UP: Duration = Duration::from_secs(3);
/// How long a gateway may be silent before it is taken for dead.
const SILENCE: Duration = Duration::from_secs(2);

const FOLLOW: &str = "subscription($after: String) { operationEvents(after: $after) {
    cursor kind message operation { id } } }";
const SNAPSHOT: &str = "mutation($id: ID!) { createSnapshot(input: { volumeId: $id }) {
    operation { id } } }";
const CANCEL: &str =
    "mutation($id: ID!) { cancelOperation(input: { operationId: $id }) { operation { id } } }";

/// What a follower is told of an event.
type Told = (i64, String, String, Option<String>);

#[tokio::test(flavor = "multi_thread")]
async fn events_are_followed_with_none_missed_doubled_or_out_of_order_while_gateways_are_killed() {
    let Some(engine) = Engine::postgres() else {
        return;
    };
    let events: usize = env::var(EVENTS).map_or(FEW, |events| events.parse().unwrap());
    let mut machine = Machine::on(engine, Rules::default()).await;
    machine.restart(true).await;
    let mut volumes = Vec::new();
    for name in ["one", "two", "three", "four"] {
        volumes.push(machine.request().volume(name).await);
    }
    machine.restart(false).await;
    let mut other = Some(start_other(&machine, 0).await);
    let address = address_of(other.as_mut().unwrap()).await;
    let (port, db) = (address.1, machine.database().await);
    let bases = [machine.base(), address.0];
    let gateways = |client: &Client| {
        bases.clone().map(|base| Client {
            base,
            ..client.clone()
        })
    };

    let goal = Arc::new(AtomicI64::new(i64::MAX));
    let mut followers = JoinSet::new();
    for first in [0, 1, 0, 1] {
        followers.spawn(follow(gateways(&machine.admin), first, goal.clone()));
    }
    let ended = Arc::new(AtomicBool::new(false));
    let mut customers = JoinSet::new();
    for (number, volume) in volumes.iter().cloned().enumerate() {
        let gateways = gateways(&machine.owner);
        customers.spawn(change_mind(gateways, number % 2, volume, ended.clone()));
    }
    let operations: Vec<String> = all(&db, "SELECT id AS told FROM operations ORDER BY id").await;
    let mut writers = JoinSet::new();
    for (writer, operation) in operations.iter().take(WRITERS).cloned().enumerate() {
        writers.spawn(write(db.clone(), writer, operation, events / WRITERS));
    }

    let mut kept: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut blows = 0;
    while kept.len() < WRITERS || blows < 6 {
        match timeout(CALM, writers.join_next()).await {
            Ok(Some(written)) => {
                let (writer, messages) = written.unwrap();
                kept.insert(writer, messages);
                continue;
            }
            Ok(None) => sleep(CALM).await,
            Err(_) => {}
        }
        match blows % 4 {
            0 => {
                machine.kill().await;
                machine.start(false).await;
            }
            1 => {
                other.take().unwrap().kill().await;
                other = Some(start_other(&machine, port).await);
                address_of(other.as_mut().unwrap()).await;
            }
            2 => hold_up(machine.gateway.as_ref().unwrap()).await,
            _ => hold_up(other.as_ref().unwrap()).await,
        }
        blows += 1;
    }
    ended.store(true, Ordering::SeqCst);
    customers.join_all().await;

    let left = "SELECT count(*) AS told FROM unnumbered_events";
    let are_numbered = async || (one::<i64>(&db, left).await == 0).then_some(());
    until("all events have numbers", are_numbered).await;
    let last: i64 = one(&db, "SELECT max(seq) AS told FROM operation_events").await;
    let count: i64 = one(&db, "SELECT count(*) AS told FROM operation_events").await;
    let counter = "SELECT value AS told FROM sequences WHERE name = 'operation_events'";
    assert_eq!((count, one::<i64>(&db, counter).await), (last, last));
    eprintln!("{count} events, {blows} blows");
    goal.store(last, Ordering::SeqCst);
    let told = followers.join_all().await;
    for told_one in &told {
        let numbers: Vec<_> = told_one.iter().map(|event| event.0).collect();
        let whole: Vec<_> = (1..=last).collect();
        assert!(numbers == whole, "one is missed, or comes twice");
        assert!(*told_one == told[0], "all are told the same");
    }
    let messages = |writer: usize| {
        let own = format!("{writer} ");
        let messages = told[0].iter().filter_map(|event| event.3.clone());
        messages.filter(move |message| message.starts_with(&own))
    };
    for (writer, kept) in kept {
        assert_eq!(messages(writer).collect::<Vec<_>>(), kept);
    }
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (_, kind, operation, _) in &told[0] {
        kinds.entry(operation).or_default().push(kind);
    }
    for (operation, kinds) in kinds {
        if !operations.iter().any(|known| known == operation) {
            // The last one of a volume may not have been cancelled.
            assert!(
                ["ACCEPTED", "CANCELLED"].starts_with(&kinds),
                "{operation}: {kinds:?}"
            );
        }
    }
    db.close().await.unwrap();
    assert!(other.take().unwrap().terminate().await.success());
    machine.end().await;
}

/// Another gateway on the machine's database.
async fn start_other(machine: &Machine, port: u16) -> Running {
    let mut command = machine.command(&["serve", "--config"]);
    command.env("TIDEMARK_HTTP_LISTEN", format!("127.0.0.1:{port}"));
    Running::start(command, &machine.path("other.log"))
}

async fn address_of(gateway: &mut Running) -> (String, u16) {
    let serving = gateway.logged("serving").await;
    let address = serving["address"].as_str().unwrap();
    let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
    (format!("http://{address}"), port)
}

/// Stops a gateway in the middle of whatever it does, until others have taken over.
async fn hold_up(gateway: &Running) {
    gateway.signal(Signal::SIGSTOP);
    sleep(HELD_UP).await;
    gateway.signal(Signal::SIGCONT);
}

/// Writes events as gateways do, and says which were kept: some transactions are not committed.
async fn write(
    db: DatabaseConnection,
    writer: usize,
    operation: String,
    count: usize,
) -> (usize, Vec<String>) {
    let mut kept = Vec::new();
    for round in 0..count / AT_ONCE {
        let tx = db.begin().await.unwrap();
        let messages: Vec<_> = (0..AT_ONCE)
            .map(|part| format!("{writer} {round:06} {part}"))
            .collect();
        for message in &messages {
            let insert = format!(
                "INSERT INTO unnumbered_events (operation_id, account_id, kind, message, at) \
                 SELECT id, account_id, 'progressed', '{message}', now() \
                 FROM operations WHERE id = '{operation}'"
            );
            tx.execute_unprepared(&insert).await.unwrap();
        }
        if round % 10 == writer {
            tx.rollback().await.unwrap();
        } else {
            tx.commit().await.unwrap();
            kept.extend(messages);
        }
        sleep(PACE).await;
    }
    (writer, kept)
}

/// Asks for a snapshot and cancels it, again and again, at whichever gateway answers.
async fn change_mind(gateways: [Client; 2], mut at: usize, volume: String, ended: Arc<AtomicBool>) {
    let mut to_cancel: Option<String> = None;
    loop {
        let (document, id) = match &to_cancel {
            Some(operation) => (CANCEL, operation),
            None if ended.load(Ordering::SeqCst) => return,
            None => (SNAPSHOT, &volume),
        };
        let answer = gateways[at].try_answer(document, json!({ "id": id }));
        let Ok(Ok(answer)) = timeout(SILENCE, answer).await else {
            at = 1 - at;
            sleep(PACE).await;
            continue;
        };
        let error = &answer["errors"][0]["extensions"];
        to_cancel = match (to_cancel.is_some(), error["code"].as_str()) {
            (true, _) => None,
            (false, None) => answer["data"]["createSnapshot"]["operation"]["id"]
                .as_str()
                .map(str::to_owned),
            // An answer was lost.
            (false, Some(_)) => error["operationId"].as_str().map(str::to_owned),
        };
        sleep(PACE).await;
    }
}

/// Follows all events until the goal, at whichever gateway tells of them.
async fn follow(gateways: [Client; 2], mut at: usize, goal: Arc<AtomicI64>) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut after = cursor(0);
    let is_there = |told: &[Told]| {
        let last = told.last().map_or(0, |event| event.0);
        last >= goal.load(Ordering::SeqCst)
    };
    while !is_there(&told) {
        let Ok(Some(mut stream)) = timeout(SILENCE, Stream::after(&gateways[at], &after)).await
        else {
            at = 1 - at;
            sleep(PACE).await;
            continue;
        };
        while !is_there(&told)
            && let Ok(Some(event)) = timeout(SILENCE, stream.next()).await
        {
            let event = &event["operationEvents"];
            let text = |value: &Value| value.as_str().map(str::to_owned);
            after = text(&event["cursor"]).unwrap();
            told.push((
                number(&after),
                text(&event["kind"]).unwrap(),
                text(&event["operation"]["id"]).unwrap(),
                text(&event["message"]),
            ));
        }
        at = 1 - at;
    }
    told
}

fn cursor(number: i64) -> String {
    tidemark::graphql::page::Cursor::of_event(number).encode()
}

/// The number in a cursor.
fn number(cursor: &str) -> i64 {
    let parts = BASE64_URL_SAFE_NO_PAD.decode(cursor).unwrap();
    let parts: Value = serde_json::from_slice(&parts).unwrap();
    parts[0].as_i64().unwrap()
}

/// An event stream of a gateway that may end at any time.
struct Stream {
    response: reqwest::Response,
    bytes: Vec<u8>,
}

impl Stream {
    async fn after(client: &Client, after: &str) -> Option<Self> {
        let request = client
            .http
            .post(format!("{}/graphql/stream", client.base))
            .bearer_auth(client.token.as_ref().unwrap())
            .header("Accept", "text/event-stream")
            .json(&json!({ "query": FOLLOW, "variables": { "after": after } }));
        let response = request.send().await.ok()?.error_for_status().ok()?;
        Some(Self {
            response,
            bytes: Vec::new(),
        })
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            let Some(end) = self.bytes.windows(2).position(|two| two == b"\n\n") else {
                self.bytes
                    .extend_from_slice(&self.response.chunk().await.ok()??);
                continue;
            };
            let event: Vec<u8> = self.bytes.drain(..end + 2).collect();
            let event = String::from_utf8(event).unwrap();
            let data = event.lines().find_map(|line| line.strip_prefix("data:"));
            let data = data.map(str::trim).filter(|data| !data.is_empty());
            if let Some(data) = data {
                let mut told: Value = serde_json::from_str(data).unwrap();
                if told.get("errors").is_some() {
                    assert!(!told.to_string().contains("CURSOR_GONE"), "{told}");
                    return None;
                }
                return Some(told["data"].take());
            }
        }
    }
}

async fn one<T: TryGetable>(db: &DatabaseConnection, statement: &str) -> T {
    all(db, statement).await.remove(0)
}

/// The values that a statement calls `told`.
async fn all<T: TryGetable>(db: &DatabaseConnection, statement: &str) -> Vec<T> {
    let statement = Statement::from_string(DbBackend::Postgres, statement);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get("", "told").unwrap())
        .collect()
}
