//! The gateway's life as its operator sees it: probes, signals, and repairs by hand in the database.

use std::ffi::OsStr;

use sea_orm::ConnectionTrait as _;
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::{Client, Content, Engine, MIB, Machine, PlatformSize, Rules, run, until};

#[tokio::test]
async fn a_backup_that_sigterm_interrupts_completes_after_the_next_start() {
    let mut machine = Machine::with_agent(Rules::default()).await;
    let volume = machine.request().volume("web").await;
    let size = PlatformSize::PLAN;
    let noise = Content::noise(machine.path("content/noise"), size, size, "noise");
    noise.write_to(&machine.image(&volume)).await;
    let backup = machine.back_up_slowly(&volume).await;
    assert!(machine.terminate().await.success());
    // An orderly stop takes its own half files away.
    assert_eq!(
        machine.files().into_iter().collect::<Vec<_>>(),
        [machine.image(&volume)]
    );
    machine.start(true).await;
    machine.request().completed(&backup).await;
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn probes_tell_a_gateway_that_lives_from_one_that_can_serve() {
    let mut machine = Machine::new(Rules::default()).await;
    let client = Client::anonymous(machine.base());
    assert_eq!(client.status("/healthz").await, Some(200));
    assert_eq!(client.status("/readyz").await, Some(200));
    machine.kill().await;
    assert_eq!(client.status("/healthz").await, None);

    // A database of another build: alive, and of no use.
    let database = machine.database().await;
    let forget = "DELETE FROM seaql_migrations";
    database.execute_unprepared(forget).await.unwrap();
    let refused = machine.run(&["serve", "--config"]).await;
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("run `tidemark migrate` first"), "{said}");
    database.close().await.unwrap();
}

#[tokio::test]
async fn two_gateways_cannot_have_one_address() {
    let machine = Machine::new(Rules::default()).await;
    let second = machine.run(&["serve", "--config"]).await;
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("cannot listen on 127.0.0.1:"), "{said}");
    machine.end().await;
}

#[tokio::test]
async fn a_second_agent_on_a_host_does_not_start() {
    let mut machine = Machine::with_agent(Rules::default()).await;
    machine.request().volume("web").await;
    machine.start_agent(&[]).await;
    let second = machine.agent.take().unwrap();
    let log = machine.path("agent.log");
    assert!(!second.ended().await.success());
    let said = std::fs::read_to_string(log).unwrap();
    assert!(
        said.contains("another agent works on this host already"),
        "{said}"
    );
    machine.end().await;
}

#[tokio::test]
async fn a_row_that_was_failed_by_hand_frees_its_volume_on_sqlite() {
    a_row_that_was_failed_by_hand_frees_its_volume(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_row_that_was_failed_by_hand_frees_its_volume_on_postgresql() {
    if let Some(engine) = Engine::postgres() {
        a_row_that_was_failed_by_hand_frees_its_volume(engine).await;
    }
}

async fn a_row_that_was_failed_by_hand_frees_its_volume(engine: Engine) {
    let mut machine = Machine::on(engine, Rules::default()).await;
    machine.restart(true).await;
    let volume = machine.request().volume("web").await;
    let size = PlatformSize::PLAN;
    let noise = Content::noise(machine.path("content/noise"), size, size, "noise");
    noise.write_to(&machine.image(&volume)).await;
    let database = machine.database().await;
    let fail = async |operation: &str| {
        let update = format!("UPDATE operations SET status = 'failed' WHERE id = '{operation}'");
        let changed = database.execute_unprepared(&update).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
    };

    // One that an agent works on: the volume is free when the agent has let go.
    let running = machine.back_up_slowly(&volume).await;
    fail(&running.operation).await;
    machine.settle().await;
    let (code, message) = machine.request().failed(&running).await;
    assert_eq!(code, "FAILED_BY_ADMINISTRATOR");
    assert_eq!(message, "Marked failed by hand in the database.");

    // One that waits.
    machine.restart(false).await;
    let waiting = machine.request().create_snapshot(&volume).await;
    fail(&waiting.operation).await;
    machine.settle().await;
    let (code, _) = machine.request().failed(&waiting).await;
    assert_eq!(code, "FAILED_BY_ADMINISTRATOR");

    // Neither starts a cooldown, and both items can be deleted.
    machine.restart(true).await;
    for (noun, item) in [("Backup", &running.item), ("Snapshot", &waiting.item)] {
        let deletion = machine.request().delete(noun, item).await;
        machine.request().completed(&deletion).await;
    }
    machine.assert_nothing_is_left_behind().await;
    database.close().await.unwrap();
    machine.end().await;
}

#[tokio::test]
async fn an_agent_waits_for_its_gateway() {
    let mut machine = Machine::new(Rules::default()).await;
    assert!(machine.terminate().await.success());
    // Nobody answers there, and later somebody who is no gateway does.
    machine.start_agent(&[]).await;
    until("the agent has tried", async || {
        let log = machine.agent.as_ref().unwrap().log();
        log.contains("does not answer yet").then_some(())
    })
    .await;
    let stranger = TcpListener::bind(machine.address()).await.unwrap();
    for _ in 0..2 {
        drop(stranger.accept().await.unwrap());
    }
    drop(stranger);
    machine.start(false).await;
    machine.request().volume("web").await;
    machine.end().await;
}

#[tokio::test]
async fn a_backup_that_is_cancelled_stops_and_leaves_nothing() {
    let machine = Machine::with_agent(Rules::default()).await;
    let owner = machine.request();
    let volume = owner.volume("web").await;
    let size = PlatformSize::PLAN;
    let noise = Content::noise(machine.path("content/noise"), size, size, "noise");
    noise.write_to(&machine.image(&volume)).await;
    let backup = machine.back_up_slowly(&volume).await;
    let cancel = "mutation($id: ID!) { cancelOperation(input: { operationId: $id }) {
        operation { status } } }";
    let cancelled = json!({ "id": backup.operation });
    let cancelled = machine.owner.data(cancel, cancelled).await;
    // The agent has to let go first.
    assert_eq!(
        cancelled["cancelOperation"]["operation"]["status"],
        "STARTED"
    );
    assert_eq!(owner.ended(&backup).await["status"], "CANCELLED");
    machine.assert_nothing_is_left_behind().await;
    let deletion = owner.delete("Backup", &backup.item).await;
    owner.completed(&deletion).await;
    machine.end().await;
}

#[tokio::test]
async fn a_cooldown_and_an_idempotency_key_outlive_a_killed_gateway() {
    let rules = Rules {
        cooldown_seconds: 600,
        ..Rules::default()
    };
    let mut machine = Machine::with_agent(rules).await;
    let volume = machine.request().volume("web").await;
    let input = json!({ "volumeId": volume, "idempotencyKey": "once" });
    let create = async |machine: &Machine| {
        let request = machine.request();
        request
            .accepted("createSnapshot", "snapshot", input.clone())
            .await
    };
    let snapshot = create(&machine).await;
    machine.request().completed(&snapshot).await;
    let refused = async |machine: &Machine| {
        let input = json!({ "volumeId": volume });
        let error = machine
            .request()
            .refused("createBackup", "backup", input)
            .await;
        assert_eq!(error["extensions"]["code"], "VOLUME_IN_COOLDOWN", "{error}");
        error["extensions"]["availableAt"].clone()
    };
    let before = refused(&machine).await;
    machine.kill().await;
    machine.start(true).await;
    assert_eq!(refused(&machine).await, before);
    assert_eq!(create(&machine).await, snapshot);
    machine.assert_nothing_is_left_behind().await;
    machine.end().await;
}

#[tokio::test]
async fn what_a_snapshot_keeps_is_measured_while_nothing_else_is_done() {
    let rules = Rules {
        measure_interval_seconds: 1,
        ..Rules::default()
    };
    let machine = Machine::with_agent(rules).await;
    let owner = machine.request();
    let volume = owner.volume("web").await;
    let size = PlatformSize::PLAN;
    let before = Content::noise(machine.path("content/before"), size, size, "before");
    before.write_to(&machine.image(&volume)).await;
    let snapshot = owner.create_snapshot(&volume).await;
    owner.completed(&snapshot).await;
    let kept = async || {
        let snapshot = owner.node(&snapshot.item, "Snapshot", "retainedBytes");
        snapshot.await["retainedBytes"].as_u64()
    };
    assert_eq!(kept().await, Some(0));
    let image = machine.image(&volume);
    let arguments: [&OsStr; _] = [
        "-f".as_ref(),
        "qcow2".as_ref(),
        "-c".as_ref(),
        "write -P 1 0 8M".as_ref(),
        image.as_ref(),
    ];
    assert!(run("qemu-io", &arguments).await.status.success());
    until("8 MiB are kept", async || {
        (kept().await == Some(8 * MIB)).then_some(())
    })
    .await;
    machine.end().await;
}
