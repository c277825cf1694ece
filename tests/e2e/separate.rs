//! Gateway and agent as two processes: each is killed alone, and the agent at each of its tools' calls.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{
    Accepted, Content, Gate, MIB, Machine, Nbd, PlatformSize, Rules, disk, until,
};

const PART: u64 = 16 * MIB;

/// A machine with an agent of its own, and a volume of noise.
async fn machine_with_volume(gate: bool) -> (Machine, Gate, String, Content) {
    machine_by(Rules::default(), gate).await
}

async fn machine_by(rules: Rules, gate: bool) -> (Machine, Gate, String, Content) {
    let mut machine = Machine::new(rules).await;
    let image_tool = Gate::new(&machine.path(""), "qemu-img");
    start_agent(&mut machine, gate.then_some(&image_tool)).await;
    let volume = machine.request().volume("web").await;
    let size = PlatformSize::PLAN;
    let content = Content::noise(machine.path("content/first"), size, size, "first");
    content.write_to(&machine.image(&volume)).await;
    (machine, image_tool, volume, content)
}

async fn start_agent(machine: &mut Machine, gate: Option<&Gate>) {
    match gate {
        Some(gate) => machine.start_agent(&[("qemu_img", gate.program())]).await,
        None => machine.start_agent(&[]).await,
    }
}

async fn kinds(machine: &Machine, accepted: &Accepted) -> Vec<String> {
    let operation = machine.request().operation(&accepted.operation).await;
    let events = operation["events"]["nodes"].as_array().unwrap();
    let kinds = events
        .iter()
        .map(|event| event["kind"].as_str().unwrap().to_owned());
    kinds.filter(|kind| kind != "PROGRESSED").collect()
}

#[tokio::test]
async fn an_agent_goes_on_while_its_gateway_is_killed_and_started_again() {
    // The gateway is back before the lease ends.
    let rules = Rules {
        lease_seconds: 60,
        ..Rules::default()
    };
    let (mut machine, _, volume, _) = machine_by(rules, false).await;
    let backup = machine.back_up_slowly(&volume).await;
    machine.kill().await;
    machine.start(false).await;
    machine.request().completed(&backup).await;
    assert_eq!(
        kinds(&machine, &backup).await,
        ["ACCEPTED", "STARTED", "COMPLETED"]
    );
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn an_agent_whose_gateway_stays_away_stops_before_its_lease_ends() {
    let (mut machine, _, volume, content) = machine_with_volume(false).await;
    let backup = machine.back_up_slowly(&volume).await;
    machine.kill().await;
    // It takes away what it had written.
    let image = machine.image(&volume);
    until("the agent has cleaned up", async || {
        let only_image = machine.files().iter().all(|file| *file == image);
        (only_image && disk::snapshots(&image).await.is_empty()).then_some(())
    })
    .await;
    machine.start(false).await;
    machine.request().completed(&backup).await;
    content.assert_in(&machine.image(&volume)).await;
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn the_work_of_a_killed_agent_waits_for_it_and_is_done_again() {
    let (mut machine, _, volume, _) = machine_with_volume(false).await;
    let backup = machine.back_up_slowly(&volume).await;
    machine.agent.take().unwrap().kill().await;
    // Its lease dies, and the operation waits.
    machine.request().reaches(&backup, &["PENDING"]).await;
    let fields = "activeOperation { id }";
    let held = machine.request().node(&volume, "Volume", fields).await;
    assert_eq!(held["activeOperation"]["id"], *backup.operation);
    start_agent(&mut machine, None).await;
    machine.request().completed(&backup).await;
    let expected = ["ACCEPTED", "STARTED", "REQUEUED", "STARTED", "COMPLETED"];
    assert_eq!(kinds(&machine, &backup).await, expected);
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn an_agent_that_froze_beyond_its_lease_lets_go_and_begins_again() {
    let (mut machine, _, volume, content) = machine_with_volume(false).await;
    let owner = machine.request();
    let backup = owner.create_backup(&volume).await;
    owner.completed(&backup).await;
    let second = Content::zeros(machine.path("content/second"), PlatformSize::PLAN);
    second.write_to(&machine.image(&volume)).await;
    let source = json!({ "backupId": backup.item });
    let restore = owner.restore_in_place(&volume, source).await;
    let agent = machine.agent.take().unwrap();
    let held = Nbd::stop_under(agent.pid(), PART).await;
    agent.signal(Signal::SIGSTOP);
    held.go_on();
    machine.request().reaches(&restore, &["PENDING"]).await;
    agent.signal(Signal::SIGCONT);
    machine.request().completed(&restore).await;
    let expected = ["ACCEPTED", "STARTED", "REQUEUED", "STARTED", "COMPLETED"];
    assert_eq!(kinds(&machine, &restore).await, expected);
    content.assert_in(&machine.image(&volume)).await;
    machine.agent = Some(agent);
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn an_agent_killed_before_or_after_any_change_of_an_image_does_it_again() {
    let (mut machine, gate, volume, content) = machine_with_volume(true).await;
    let owner = machine.request();
    let snapshot = owner.create_snapshot(&volume).await;
    owner.completed(&snapshot).await;
    let from_snapshot = json!({ "snapshotId": snapshot.item });
    for place in ["before", "after"] {
        gate.shut(place, "snapshot -c");
        let taken = machine.request().create_snapshot(&volume).await;
        kill_at(&mut machine, &gate, &taken).await;

        gate.shut(place, "snapshot -d");
        let deleted = machine.request().delete("Snapshot", &taken.item).await;
        kill_at(&mut machine, &gate, &deleted).await;

        gate.shut(place, "snapshot -c");
        let backup = machine.request().create_backup(&volume).await;
        kill_at(&mut machine, &gate, &backup).await;

        gate.shut(place, "snapshot -d");
        let backup = machine.request().create_backup(&volume).await;
        kill_at(&mut machine, &gate, &backup).await;

        let second = Content::zeros(machine.path("content/second"), PlatformSize::PLAN);
        second.write_to(&machine.image(&volume)).await;
        gate.shut(place, "snapshot -a");
        let request = machine.request();
        let restored = request
            .restore_in_place(&volume, from_snapshot.clone())
            .await;
        kill_at(&mut machine, &gate, &restored).await;
        content.assert_in(&machine.image(&volume)).await;

        gate.shut(place, "create");
        let made = machine.request().create_volume("made").await;
        kill_at(&mut machine, &gate, &made).await;
    }
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

/// Kills the agent where it is held, starts it again, and waits for the operation's good end.
async fn kill_at(machine: &mut Machine, gate: &Gate, accepted: &Accepted) {
    gate.held().await;
    machine.agent.take().unwrap().kill().await;
    gate.open();
    start_agent(machine, Some(gate)).await;
    machine.request().completed(accepted).await;
    assert!(
        kinds(machine, accepted)
            .await
            .contains(&"REQUEUED".to_owned())
    );
}

#[tokio::test]
async fn an_operation_that_is_given_up_frees_the_volume_only_when_its_agent_has_stopped() {
    let (mut machine, gate, volume, content) = machine_with_volume(true).await;
    // The agent is in the middle of a change that it finishes in any case.
    gate.shut("before", "snapshot -c");
    let snapshot = machine.request().create_snapshot(&volume).await;
    gate.held().await;
    let fail =
        "mutation($id: ID!) { failOperation(input: { operationId: $id, reason: \"tired\" }) {
        operation { status } } }";
    let operation = json!({ "id": snapshot.operation });
    let failed = machine.admin.data(fail, operation).await;
    assert_eq!(failed["failOperation"]["operation"]["status"], "FAILED");
    let refusal = json!({ "volumeId": volume });
    let refused = machine
        .request()
        .refused("createBackup", "backup", refusal)
        .await;
    assert_eq!(refused["extensions"]["code"], "VOLUME_BUSY", "{refused}");
    gate.open();
    machine.settle().await;
    let backup = machine.request().create_backup(&volume).await;
    machine.request().completed(&backup).await;
    content.assert_in(&machine.image(&volume)).await;
    let deletion = machine.request().delete("Snapshot", &snapshot.item).await;
    machine.request().completed(&deletion).await;
    machine.assert_nothing_is_left_behind().await;
    let agent = machine.agent.take().unwrap();
    assert!(agent.terminate().await.success());
    machine.end().await;
}
