//! What a panel sees of an operation as it happens, over WebSockets and over event streams.

use serde_json::{Value, json};

use crate::harness::{Content, EventStream, Machine, PlatformSize, Rules, SLOW, WebSocket};

const OPERATION: &str = "subscription($id: ID!) { operationProgress(operationId: $id) {
    status progress { percent bytesDone bytesTotal } } }";
const COOLDOWN: &str = "subscription($id: ID!) { cooldown(volumeId: $id, everySeconds: 1) {
    cooldown { remainingSeconds } } }";
const ACTIVITY: &str = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
    volume { activeOperation { id } } operation { id status } cooldown { remainingSeconds } } }";
const EVENTS: &str = "subscription($after: String) { operationEvents(after: $after) {
    cursor kind operation { id } } }";

/// Either way of reading a stream.
enum Reader {
    Socket(WebSocket),
    Events(EventStream),
}

impl Reader {
    async fn both(machine: &Machine, query: &str, variables: &Value) -> [Self; 2] {
        let token = machine.owner.token.as_ref().unwrap();
        let mut socket = WebSocket::connect(machine.address(), token).await;
        socket.subscribe(query, variables.clone()).await;
        let events = EventStream::subscribe(&machine.owner, query, variables.clone()).await;
        [Self::Socket(socket), Self::Events(events)]
    }

    async fn next(&mut self) -> Option<Value> {
        match self {
            Self::Socket(socket) => socket.next().await,
            Self::Events(events) => events.next().await,
        }
    }

    /// All events up to the first for which `is_last` holds.
    async fn read_to(&mut self, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut read = Vec::new();
        loop {
            let event = self.next().await.expect("the stream ended early");
            read.push(event);
            if is_last(&read[read.len() - 1]) {
                return read;
            }
        }
    }

    /// All events up to the stream's own end.
    async fn read_to_end(&mut self) -> Vec<Value> {
        let mut read = Vec::new();
        while let Some(event) = self.next().await {
            read.push(event);
        }
        read
    }
}

#[tokio::test]
async fn both_kinds_of_stream_tell_of_a_backup_from_its_wait_to_the_end_of_the_cooldown() {
    let rules = Rules {
        cooldown_seconds: 3,
        ..Rules::default()
    };
    let mut machine = Machine::with_agent(rules).await;
    let volume = machine.request().volume("web").await;
    let size = PlatformSize::PLAN;
    let noise = Content::noise(machine.path("content/noise"), size, size, "noise");
    noise.write_to(&machine.image(&volume)).await;

    // Without an agent, the operation waits.
    machine.restart(false).await;
    let backup = machine.request().create_backup(&volume).await;
    let operation = json!({ "id": backup.operation });
    let mut waiting = Reader::both(&machine, OPERATION, &operation).await;
    for reader in &mut waiting {
        let first = reader.next().await.unwrap();
        assert_eq!(first["operationProgress"]["status"], "PENDING");
    }
    drop(waiting);

    machine.pace_backups(Some(SLOW)).await;
    machine.start_agent(&[]).await;
    let of_volume = json!({ "id": volume });
    let progress = Reader::both(&machine, OPERATION, &operation).await;
    let activity = Reader::both(&machine, ACTIVITY, &of_volume).await;
    let cooldown = Reader::both(&machine, COOLDOWN, &of_volume).await;
    machine
        .request()
        .moved(&backup, PlatformSize::PLAN / 4)
        .await;
    let progress = progress.map(|mut reader| async move { reader.read_to_end().await });
    let is_free = |event: &Value| {
        let activity = &event["volumeActivity"];
        activity["operation"].is_null() && activity["cooldown"].is_null()
    };
    let activity = activity.map(|mut reader| async move { reader.read_to(is_free).await });
    let cooldown = cooldown.map(|mut reader| async move {
        // Free, then resting, then free again.
        let mut ticks = reader
            .read_to(|tick| !tick["cooldown"]["cooldown"].is_null())
            .await;
        ticks.extend(
            reader
                .read_to(|tick| tick["cooldown"]["cooldown"].is_null())
                .await,
        );
        ticks
    });
    let (progress, activity, cooldown) = tokio::join!(
        futures_util::future::join_all(progress),
        futures_util::future::join_all(activity),
        futures_util::future::join_all(cooldown),
    );
    for reader in 0..2 {
        assert_progress(&progress[reader]);
        assert_activity(&activity[reader]);
        assert_cooldown(&cooldown[reader]);
    }
    machine.end().await;
}

fn assert_progress(events: &[Value]) {
    let events: Vec<_> = events
        .iter()
        .map(|event| &event["operationProgress"])
        .collect();
    let statuses: Vec<_> = events
        .iter()
        .map(|event| event["status"].as_str().unwrap())
        .collect();
    let started = statuses
        .iter()
        .filter(|status| **status == "STARTED")
        .count();
    assert!(started > 0, "{statuses:?}");
    assert_eq!(statuses.last(), Some(&"COMPLETED"));
    let order = ["PENDING", "STARTED", "COMPLETED"];
    let place = |status: &&str| order.iter().position(|known| known == status).unwrap();
    assert!(statuses.is_sorted_by_key(place), "{statuses:?}");
    let done: Vec<_> = events
        .iter()
        .map(|event| event["progress"]["bytesDone"].as_u64())
        .collect();
    assert!(done.is_sorted(), "{done:?}");
    assert!(
        events.iter().any(|event| {
            let percent = event["progress"]["percent"].as_f64().unwrap();
            event["status"] == "STARTED" && percent > 0.0 && percent < 100.0
        }),
        "{events:?}"
    );
    for event in &events {
        let whole = event["progress"]["percent"].as_f64().unwrap() >= 100.0;
        assert_eq!(whole, event["status"] == "COMPLETED", "{event}");
    }
}

fn assert_activity(events: &[Value]) {
    let events: Vec<_> = events
        .iter()
        .map(|event| &event["volumeActivity"])
        .collect();
    let held = events
        .iter()
        .filter(|event| !event["volume"]["activeOperation"].is_null());
    assert!(held.count() > 0, "{events:?}");
    // The end is told once, together with the cooldown that it starts.
    let ends = events
        .iter()
        .filter(|event| event["operation"]["status"] == "COMPLETED");
    let ends: Vec<_> = ends.collect();
    assert_eq!(ends.len(), 1, "{events:?}");
    assert!(!ends[0]["cooldown"].is_null());
}

fn assert_cooldown(ticks: &[Value]) {
    let left: Vec<_> = ticks
        .iter()
        .map(|tick| tick["cooldown"]["cooldown"]["remainingSeconds"].as_u64())
        .collect();
    assert_eq!(left.first(), Some(&None), "{left:?}");
    assert_eq!(left.last(), Some(&None), "{left:?}");
    let seconds: Vec<_> = left.iter().flatten().collect();
    assert_eq!(seconds.first(), Some(&&3), "{left:?}");
    assert!(seconds.len() >= 3, "{left:?}");
    assert!(seconds.is_sorted_by(|one, next| one >= next), "{left:?}");
}

#[tokio::test]
async fn a_timeline_is_resumed_across_a_killed_gateway_without_loss_or_doubles() {
    let mut machine = Machine::with_agent(Rules::default()).await;
    let volume = machine.request().volume("web").await;
    let readers = Reader::both(&machine, EVENTS, &json!({ "after": null })).await;
    let first = machine.request().create_snapshot(&volume).await;
    machine.request().completed(&first).await;
    let mut seen = Vec::new();
    for mut reader in readers {
        let ends = |event: &Value| event["operationEvents"]["kind"] == "COMPLETED";
        seen.push((reader.read_to(ends).await, reader));
    }

    machine.kill().await;
    for (events, reader) in &mut seen {
        events.extend(reader.read_to_end().await);
    }
    machine.start(true).await;
    // What happens while nobody watches.
    let second = machine.request().create_snapshot(&volume).await;
    machine.request().completed(&second).await;
    let mut resumed = Vec::new();
    for (events, _) in &seen {
        let after = &events.last().unwrap()["operationEvents"]["cursor"];
        resumed.push(Reader::both(&machine, EVENTS, &json!({ "after": after })).await);
    }
    let third = machine.request().create_backup(&volume).await;
    machine.request().completed(&third).await;

    let mut timelines = Vec::new();
    for ((before, _), readers) in seen.iter().zip(resumed) {
        for mut reader in readers {
            let ends = |event: &Value| {
                let event = &event["operationEvents"];
                event["kind"] == "COMPLETED" && event["operation"]["id"] == *third.operation
            };
            let mut events = before.clone();
            events.extend(reader.read_to(ends).await);
            timelines.push(events);
        }
    }
    let stored = [&first, &second, &third].map(|accepted| &accepted.operation);
    let mut expected = Vec::new();
    for operation in stored {
        let fields = "events(first: 100) { nodes { cursor kind operation { id } } }";
        let operation = machine.request().node(operation, "Operation", fields).await;
        let events = operation["events"]["nodes"].as_array().unwrap().clone();
        expected.extend(
            events
                .into_iter()
                .map(|event| json!({ "operationEvents": event })),
        );
    }
    for timeline in timelines {
        assert_eq!(timeline, expected);
    }
    machine.end().await;
}
