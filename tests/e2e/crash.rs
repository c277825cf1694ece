//! `kill -9` of gateway and agent in one process, before, in the middle of and between operations.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::harness::{
    Accepted, Content, Engine, MIB, Machine, Nbd, PlatformSize, Rules, SLOW, disk, until,
};

/// Some of the volume, so that a server is in the middle of it.
const PART: u64 = 16 * MIB;

/// A volume of noise on a machine with an agent in its gateway.
struct Victim {
    machine: Machine,
    volume: String,
    content: Content,
}

impl Victim {
    async fn on(engine: Engine) -> Self {
        Self::with_noise(engine, PlatformSize::PLAN).await
    }

    /// The rest of the volume was never written.
    async fn with_noise(engine: Engine, noise_bytes: u64) -> Self {
        let mut machine = Machine::on(engine, Rules::default()).await;
        machine.restart(true).await;
        let volume = machine.request().volume("web").await;
        let path = machine.path("content/first");
        let content = Content::noise(path, PlatformSize::PLAN, noise_bytes, "first");
        content.write_to(&machine.image(&volume)).await;
        Self {
            machine,
            volume,
            content,
        }
    }

    /// Other content than before.
    async fn overwrite(&self, seed: &str) -> Content {
        let size = PlatformSize::PLAN;
        let content = Content::noise(self.machine.path("content").join(seed), size, size, seed);
        content.write_to(&self.machine.image(&self.volume)).await;
        content
    }

    async fn backup(&self) -> Accepted {
        let backup = self.machine.request().create_backup(&self.volume).await;
        self.machine.request().completed(&backup).await;
        backup
    }

    async fn snapshot(&self) -> Accepted {
        let snapshot = self.machine.request().create_snapshot(&self.volume).await;
        self.machine.request().completed(&snapshot).await;
        snapshot
    }

    /// Stops the agent's server once it has moved so much, kills everything, and starts again.
    async fn kill_in_the_middle(&mut self) {
        let process = self.machine.gateway.as_ref().unwrap().pid();
        let held = Nbd::stop_under(process, PART).await;
        self.machine.kill().await;
        until("the server died with its agent", async || {
            (!std::path::Path::new(&format!("/proc/{}", held.pid)).exists()).then_some(())
        })
        .await;
        self.machine.start(true).await;
    }

    /// The operation was begun twice and ended well, and all is as it should be.
    async fn end(self, killed: &Accepted) {
        let operation = self.machine.request().completed(killed).await;
        let events = operation["events"]["nodes"].as_array().unwrap();
        let kinds = events.iter().map(|event| event["kind"].as_str().unwrap());
        let kinds: Vec<_> = kinds.filter(|kind| *kind != "PROGRESSED").collect();
        let expected = ["ACCEPTED", "STARTED", "REQUEUED", "STARTED", "COMPLETED"];
        assert_eq!(kinds, expected);
        self.machine.assert_nothing_is_left_behind().await;
        self.machine.end().await;
    }
}

#[tokio::test]
async fn a_backup_that_was_killed_is_made_again_on_sqlite() {
    a_backup_that_was_killed_is_made_again(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_backup_that_was_killed_is_made_again_on_postgresql() {
    if let Some(engine) = Engine::postgres() {
        a_backup_that_was_killed_is_made_again(engine).await;
    }
}

async fn a_backup_that_was_killed_is_made_again(engine: Engine) {
    let mut victim = Victim::on(engine).await;
    let backup = victim.machine.back_up_slowly(&victim.volume).await;
    victim.machine.kill().await;
    victim.machine.start(true).await;
    victim.machine.request().completed(&backup).await;
    victim
        .content
        .assert_in(&victim.machine.image(&victim.volume))
        .await;
    victim.end(&backup).await;
}

#[tokio::test]
async fn a_restore_in_place_from_a_backup_that_was_killed_is_done_again() {
    let mut victim = Victim::on(Engine::Sqlite).await;
    let backup = victim.backup().await;
    victim.overwrite("second").await;
    let source = json!({ "backupId": backup.item });
    // No snapshot keeps any of it, so that the agent itself writes.
    let machine = &mut victim.machine;
    machine.pace_backups(Some(2 * SLOW)).await;
    let restore = machine
        .request()
        .restore_in_place(&victim.volume, source)
        .await;
    machine.request().moved(&restore, SLOW).await;
    machine.pace_backups(None).await;
    machine.kill().await;
    machine.start(true).await;
    machine.request().completed(&restore).await;
    victim
        .content
        .assert_in(&victim.machine.image(&victim.volume))
        .await;
    victim.end(&restore).await;
}

#[tokio::test]
async fn a_restore_that_was_killed_and_then_given_up_leaves_the_volume_marked_until_another_completes()
 {
    let mut victim = Victim::on(Engine::Sqlite).await;
    let backup = victim.backup().await;
    victim.overwrite("second").await;
    // It keeps all of the volume, so that the agent's server writes.
    victim.snapshot().await;
    let source = json!({ "backupId": backup.item });
    let request = victim.machine.request();
    let restore = request
        .restore_in_place(&victim.volume, source.clone())
        .await;
    let process = victim.machine.gateway.as_ref().unwrap().pid();
    Nbd::stop_under(process, PART).await;
    victim.machine.kill().await;

    // Nobody comes back to work: the lease dies, the operation waits, and its owner gives it up.
    victim.machine.start(false).await;
    let owner = victim.machine.request();
    owner.reaches(&restore, &["PENDING"]).await;
    let cancel = "mutation($id: ID!) { cancelOperation(input: { operationId: $id }) {
        operation { status } } }";
    let cancelled = json!({ "id": restore.operation });
    let cancelled = victim.machine.owner.data(cancel, cancelled).await;
    assert_eq!(
        cancelled["cancelOperation"]["operation"]["status"],
        "CANCELLED"
    );
    let state = async || {
        let fields = "status dataState activeOperation { id }";
        victim
            .machine
            .request()
            .node(&victim.volume, "Volume", fields)
            .await
    };
    let torn =
        json!({ "status": "AVAILABLE", "dataState": "INCONSISTENT", "activeOperation": null });
    assert_eq!(state().await, torn);

    victim.machine.restart(true).await;
    let owner = victim.machine.request();
    let again = owner.restore_in_place(&victim.volume, source).await;
    owner.completed(&again).await;
    victim
        .content
        .assert_in(&victim.machine.image(&victim.volume))
        .await;
    victim.machine.assert_nothing_is_left_behind().await;
    victim.machine.end().await;
}

#[tokio::test]
async fn a_new_volume_of_a_backup_that_was_killed_is_made_again() {
    let mut victim = Victim::on(Engine::Sqlite).await;
    let backup = victim.backup().await;
    let source = json!({ "backupId": backup.item });
    let machine = &mut victim.machine;
    let plan = machine.platform.plan.clone();
    machine.pace_backups(Some(SLOW)).await;
    let restore = machine.request().restore_to_new_volume(source, &plan).await;
    machine.request().moved(&restore, SLOW).await;
    machine.pace_backups(None).await;
    machine.kill().await;
    machine.start(true).await;
    victim.machine.request().completed(&restore).await;
    victim
        .content
        .assert_in(&victim.machine.image(&restore.item))
        .await;
    victim.end(&restore).await;
}

#[tokio::test]
async fn a_new_volume_of_a_snapshot_that_was_killed_is_made_again() {
    let half = PlatformSize::PLAN / 2;
    let mut victim = Victim::with_noise(Engine::Sqlite, half).await;
    // Because of it there is a server, which can be stopped.
    disk::compress_cluster(&victim.machine.image(&victim.volume), half).await;
    let snapshot = victim.snapshot().await;
    let second = victim.overwrite("second").await;
    let source = json!({ "snapshotId": snapshot.item });
    let plan = victim.machine.platform.plan.clone();
    let restore = victim
        .machine
        .request()
        .restore_to_new_volume(source, &plan)
        .await;
    victim.kill_in_the_middle().await;
    victim.machine.request().completed(&restore).await;
    victim
        .content
        .assert_in(&victim.machine.image(&restore.item))
        .await;
    second
        .assert_in(&victim.machine.image(&victim.volume))
        .await;
    victim.end(&restore).await;
}

#[tokio::test]
async fn an_operation_that_was_accepted_and_not_begun_survives() {
    let mut machine = Machine::new(Rules::default()).await;
    let volume = machine.request().create_volume("web").await;
    machine.kill().await;
    machine.start(true).await;
    machine.request().completed(&volume).await;
    machine.restart(false).await;
    let backup = machine.request().create_backup(&volume.item).await;
    machine.kill().await;
    machine.start(false).await;
    assert_eq!(
        machine.request().operation(&backup.operation).await["status"],
        "PENDING"
    );
    machine.restart(true).await;
    machine.request().completed(&backup).await;
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn an_operation_that_kills_its_agent_each_time_is_given_up() {
    let mut victim = Victim::on(Engine::Sqlite).await;
    let machine = &mut victim.machine;
    let backup = machine.back_up_slowly(&victim.volume).await;
    machine.pace_backups(Some(SLOW)).await;
    for attempt in 1.. {
        machine.kill().await;
        machine.start(true).await;
        if attempt == 5 {
            break;
        }
        until("it is begun again", async || {
            let operation = machine.request().operation(&backup.operation).await;
            let events = operation["events"]["nodes"].as_array().unwrap();
            let starts = events.iter().filter(|event| event["kind"] == "STARTED");
            (starts.count() > attempt).then_some(())
        })
        .await;
        machine.request().moved(&backup, SLOW).await;
    }
    let (code, _) = victim.machine.request().failed(&backup).await;
    assert_eq!(code, "AGENT_LOST");
    victim
        .content
        .assert_in(&victim.machine.image(&victim.volume))
        .await;
    // What the last attempt left goes with the item that failed, and with the volume's next operation.
    let machine = &victim.machine;
    let deletion = machine.request().delete("Backup", &backup.item).await;
    machine.request().completed(&deletion).await;
    victim.snapshot().await;
    machine.assert_nothing_is_left_behind().await;
    victim.machine.end().await;
}

#[tokio::test]
async fn kills_at_any_moment_under_load_lose_nothing_on_sqlite() {
    kills_at_any_moment_under_load_lose_nothing(Engine::Sqlite).await;
}

#[tokio::test]
async fn kills_at_any_moment_under_load_lose_nothing_on_postgresql() {
    if let Some(engine) = Engine::postgres() {
        kills_at_any_moment_under_load_lose_nothing(engine).await;
    }
}

async fn kills_at_any_moment_under_load_lose_nothing(engine: Engine) {
    let rules = Rules {
        max_attempts: 50,
        ..Rules::default()
    };
    let mut machine = Machine::on(engine, rules).await;
    machine.restart(true).await;
    let size = PlatformSize::PLAN;
    let content = Content::noise(machine.path("content/noise"), size, size / 2, "noise");
    // Each keeps its content whatever is done to it: what is restored is what it holds.
    let mut volumes = Vec::new();
    for name in ["one", "two", "three"] {
        let volume = machine.request().volume(name).await;
        content.write_to(&machine.image(&volume)).await;
        let snapshot = machine.request().create_snapshot(&volume).await;
        machine.request().completed(&snapshot).await;
        let backup = machine.request().create_backup(&volume).await;
        machine.request().completed(&backup).await;
        volumes.push((volume, snapshot.item, backup.item));
    }
    let mut accepted = Vec::new();
    for round in 0_u64..12 {
        if round % 3 == 0 {
            machine.settle().await;
        }
        for (place, (volume, snapshot, backup)) in volumes.iter().enumerate() {
            accepted.extend(
                try_something(&machine, round + place as u64, volume, snapshot, backup).await,
            );
        }
        // A different moment each time; what is under way then is of no importance.
        sleep(Duration::from_millis(round * 97 % 500)).await;
        machine.kill().await;
        machine.start(true).await;
    }
    for accepted in &accepted {
        machine.request().completed(accepted).await;
    }
    assert!(
        accepted.len() >= 12,
        "only {} were accepted",
        accepted.len()
    );
    machine.assert_nothing_is_left_behind().await;
    let query = "{ volumes(first: 100) { nodes { id name } } }";
    let all = machine.owner.data(query, json!({})).await;
    for volume in all["volumes"]["nodes"].as_array().unwrap() {
        if volume["name"] != "empty" {
            content
                .assert_in(&machine.image(volume["id"].as_str().unwrap()))
                .await;
        }
    }
    machine.end().await;
}

/// Asks for one of all kinds of operation, unless the volume is busy.
async fn try_something(
    machine: &Machine,
    dice: u64,
    volume: &str,
    snapshot: &str,
    backup: &str,
) -> Option<Accepted> {
    let owner = machine.request();
    let held = owner.node(volume, "Volume", "activeOperation { id }").await;
    if !held["activeOperation"].is_null() {
        return None;
    }
    let from_snapshot = json!({ "snapshotId": snapshot });
    let from_backup = json!({ "backupId": backup });
    let plan = &machine.platform.plan;
    Some(match dice % 10 {
        0 => owner.create_snapshot(volume).await,
        1 => owner.create_backup(volume).await,
        2 => owner.restore_in_place(volume, from_snapshot).await,
        3 => owner.restore_in_place(volume, from_backup).await,
        4 => owner.restore_to_new_volume(from_snapshot, plan).await,
        5 => owner.restore_to_new_volume(from_backup, plan).await,
        6 => owner.create_volume("empty").await,
        7 => {
            owner
                .delete(
                    "Snapshot",
                    &newest(machine, volume, snapshot, "snapshots").await?,
                )
                .await
        }
        8 => {
            owner
                .delete("Backup", &newest(machine, volume, backup, "backups").await?)
                .await
        }
        _ => owner.delete("Volume", &unprotected(machine).await?).await,
    })
}

/// The volume's newest snapshot or backup, unless that is the one to keep.
async fn newest(machine: &Machine, volume: &str, keep: &str, items: &str) -> Option<String> {
    let fields = format!("{items}(first: 1) {{ nodes {{ id status }} }}");
    let volume = machine.request().node(volume, "Volume", &fields).await;
    let newest = &volume[items]["nodes"][0];
    let id = newest["id"].as_str()?;
    (newest["status"] == "AVAILABLE" && id != keep).then(|| id.to_owned())
}

/// A volume that was made in this test's course, and that nothing works on.
async fn unprotected(machine: &Machine) -> Option<String> {
    let query = "{ volumes(first: 100, filter: { status: AVAILABLE, busy: false }) {
        nodes { id name } } }";
    let volumes = machine.owner.data(query, json!({})).await;
    let volumes = volumes["volumes"]["nodes"].as_array()?;
    let made = volumes
        .iter()
        .find(|volume| volume["name"] == "restored" || volume["name"] == "empty");
    Some(made?["id"].as_str()?.to_owned())
}
