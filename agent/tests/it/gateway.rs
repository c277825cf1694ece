//! What goes over the wire, against a server that answers with prepared words.

use std::sync::{Arc, Mutex};

use chrono::DateTime;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use storage::{Destination, NfsExport, S3Bucket, Secret, Standing};
use tidemark_agent::{
    AgentConfig, Token,
    driver::{Code, Failure, Removed, Retained},
    link::{Error, Gateway, Heard, Lease, LeaseState, Link as _},
    operation::{CephPool, Completed, Image, Instance, Outcome, Pool, Work},
    report::{Entry, Level, Reading},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::site::within;

type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// Answers every request with the next of `answers`: a status, a content type and a body.
async fn serve(answers: Vec<(&'static str, &'static str, String)>) -> (Gateway, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        for (status, kind, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = hear(&mut stream).await;
            heard.lock().unwrap().push(request);
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (
        Gateway::new(&url, &Token::new("secret"), Uuid::from_u128(9)).unwrap(),
        asked,
    )
}

async fn hear(stream: &mut TcpStream) -> (String, Value) {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if line.trim().is_empty() {
            break;
        }
        let line = line.to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}

fn ok(data: &Value) -> (&'static str, &'static str, String) {
    (
        "200 OK",
        "application/json",
        json!({ "data": data }).to_string(),
    )
}

fn lease() -> Lease {
    Lease {
        operation_id: Uuid::from_u128(7),
        epoch: 3,
    }
}

#[tokio::test]
async fn requests_carry_the_token_and_the_contract() {
    let held = json!({ "operationId": Uuid::from_u128(7), "epoch": 3, "state": "HELD" });
    let lost = json!({ "operationId": Uuid::from_u128(7), "epoch": 3, "state": "LOST" });
    let (gateway, asked) = serve(vec![
        ok(&json!({ "agentHello": {
            "hypervisorName": "one", "leaseSeconds": 90, "heartbeatSeconds": 20 } })),
        ok(&json!({ "agentRenew": { "leases": [held] } })),
        ok(&json!({ "agentReportProgress": { "lease": lost, "isWatched": false } })),
        ok(&json!({ "agentLog": { "lease": held } })),
        ok(&json!({ "agentFinish": { "accepted": true } })),
        ok(&json!({ "agentFinish": { "accepted": false } })),
        ok(&json!({ "agentFinish": { "accepted": false } })),
        ok(&json!({ "agentFinishStorageTest": { "accepted": true } })),
        ok(&json!({ "agentReportRetained": { "accepted": false } })),
    ])
    .await;
    let welcome = gateway.hello().await.unwrap();
    assert_eq!(
        (welcome.lease.as_secs(), welcome.heartbeat.as_secs()),
        (90, 20)
    );
    assert_eq!(
        gateway.renew(&[lease()]).await.unwrap(),
        [(lease(), LeaseState::Held)]
    );
    let reading = Reading {
        phase: "Exporting",
        bytes_done: 1 << 40,
        bytes_total: 1 << 41,
    };
    assert_eq!(
        gateway.report_progress(lease(), &reading).await.unwrap(),
        Heard {
            state: LeaseState::Lost,
            is_watched: false
        }
    );
    let (level, message) = (Level::Warn, "odd".into());
    let entry = Entry {
        at: DateTime::UNIX_EPOCH,
        level,
        message,
        public: true,
        number: 1,
    };
    assert_eq!(
        gateway.log(lease(), &[entry]).await.unwrap(),
        LeaseState::Held
    );
    let retained = Retained {
        snapshot_id: Uuid::from_u128(9),
        retained_bytes: 1 << 33,
    };
    let completed = Completed {
        retained: Some(vec![retained]),
        ..Completed::default()
    };
    assert!(
        gateway
            .finish(lease(), &Outcome::Completed(completed))
            .await
            .unwrap()
    );
    let failure = Failure::new(Code::BackupStorageFull, "full");
    let outcome = Outcome::Failed {
        failure,
        volume_touched: true,
        image: Image::Unknown,
    };
    assert!(!gateway.finish(lease(), &outcome).await.unwrap());
    let failure = Failure::new(Code::StorageFailed, "held");
    let outcome = Outcome::Failed {
        failure: failure.having_removed(Removed::Nothing).before_change(),
        volume_touched: false,
        image: Image::Kept,
    };
    assert!(!gateway.finish(lease(), &outcome).await.unwrap());
    assert!(
        gateway
            .finish_storage_test(Uuid::from_u128(1), Err("no".into()))
            .await
            .unwrap()
    );
    let volume = Uuid::from_u128(5);
    assert!(!gateway.report_retained(volume, &[retained]).await.unwrap());

    let asked = asked.lock().unwrap();
    for (head, _) in asked.iter() {
        assert!(head.starts_with("post /graphql http/1.1"), "{head}");
        assert!(head.contains("authorization: bearer secret"), "{head}");
    }
    let inputs: Vec<_> = asked
        .iter()
        .map(|(_, body)| &body["variables"]["input"])
        .collect();
    assert_eq!(
        inputs[0]["capabilities"],
        json!(["VOLUME_SNAPSHOT", "VOLUME_BACKUP"])
    );
    assert_eq!(inputs[2]["bytesDone"], json!(1_u64 << 40));
    assert_eq!(inputs[3]["entries"][0]["level"], "WARN");
    assert_eq!(inputs[3]["entries"][0]["at"], "1970-01-01T00:00:00Z");
    assert_eq!(
        inputs[4]["outcome"],
        json!({ "completed": { "imageReplaced": false, "retained": [
            { "snapshotId": Uuid::from_u128(9), "retainedBytes": 1_u64 << 33 } ] } })
    );
    assert_eq!(
        inputs[5]["outcome"],
        json!({ "failed": {
            "code": "BACKUP_STORAGE_FULL", "message": "full", "volumeTouched": true,
            "imageReplaced": false, "imageInDoubt": true } })
    );
    assert_eq!(
        inputs[6]["outcome"],
        json!({ "failed": {
            "code": "STORAGE_FAILED", "message": "held", "volumeTouched": false,
            "removed": "NOTHING", "begun": false, "imageReplaced": false } })
    );
}

#[tokio::test]
async fn assignments_become_work_or_say_what_is_missing() {
    let volume = json!({
        "id": Uuid::from_u128(1), "name": "disk", "sizeBytes": 1_u64 << 35,
        "plan": { "id": Uuid::from_u128(2), "name": "plan" },
        "group": { "id": Uuid::from_u128(10), "name": "rack" }, "instance": null,
        "pool": {
            "id": Uuid::from_u128(11), "name": "fast", "mark": null, "qcow2File": { "path": "/pool" },
            "cephRbd": null,
        },
    });
    let assignment = |kind: &str, volume: &Value, snapshot: &Value| {
        json!({
            "operationId": Uuid::from_u128(7), "epoch": 3, "kind": kind,
            "leaseSeconds": 90, "installationId": Uuid::from_u128(12), "replaceImage": false,
            "account": { "id": Uuid::from_u128(13), "name": "alice" },
            "volume": volume, "targetVolume": null, "snapshot": snapshot,
            "backup": null,
        })
    };
    let snapshot = json!({ "id": Uuid::from_u128(4), "volumeSizeBytes": 1_u64 << 35 });
    let destination = |local: Value| {
        json!({
            "id": Uuid::from_u128(7), "mark": null, "bandwidthLimit": null, "s3": null, "nfs": null,
            "local": local,
        })
    };
    let mut elsewhere = volume.clone();
    elsewhere["pool"]["qcow2File"] = Value::Null;
    let (gateway, _) = serve(vec![ok(&json!({ "agentClaim": {
        "assignments": [
            assignment("CREATE_SNAPSHOT", &volume, &snapshot),
            assignment("CREATE_SNAPSHOT", &volume, &Value::Null),
            assignment("CREATE_SNAPSHOT", &elsewhere, &snapshot),
            assignment("TELEPORT_VOLUME", &volume, &snapshot),
        ],
        "measurements": [volume, elsewhere],
        "storageTests": [
            { "id": Uuid::from_u128(5), "waitSeconds": 30,
              "destination": destination(json!({ "path": "/backups" })) },
            { "id": Uuid::from_u128(6), "waitSeconds": 30, "destination": destination(Value::Null) },
        ],
    } }))])
    .await;
    let claim = gateway.claim(5, &[lease()]).await.unwrap();
    let [first, lacking, unknown, newer] = &claim.assignments[..] else {
        panic!("{claim:?}")
    };
    assert_eq!((first.lease, first.lease_time.as_secs()), (lease(), 90));
    let Ok(Work::CreateSnapshot { volume, snapshot }) = &first.work else {
        panic!("{first:?}")
    };
    assert_eq!(
        (volume.size_bytes, snapshot.id),
        (1 << 35, Uuid::from_u128(4))
    );
    for assignment in [lacking, unknown, newer] {
        assert_eq!(
            assignment.work.as_ref().unwrap_err().code,
            Code::AgentOutdated
        );
    }
    assert!(claim.storage_tests[0].storage.is_ok());
    assert_eq!(claim.storage_tests[0].wait.as_secs(), 30);
    assert!(claim.storage_tests[1].storage.is_err());
    let measured = claim.measurements[0].as_ref().unwrap();
    assert_eq!(measured.id, Uuid::from_u128(1));
    assert!(claim.measurements[1].is_err());
}

#[tokio::test]
async fn pools_destinations_and_instances_of_every_kind_are_understood_and_secrets_not_shown() {
    let on = |pool: Value, instance: Value| {
        json!({
            "id": Uuid::from_u128(1), "name": "disk", "sizeBytes": 1_u64 << 35,
            "plan": { "id": Uuid::from_u128(2), "name": "plan" }, "pool": pool,
            "group": { "id": Uuid::from_u128(10), "name": "rack" }, "instance": instance,
        })
    };
    let ceph = json!({
        "pool": "rbd", "user": "tidemark", "configPath": "/etc/ceph/site.conf",
        "keyring": "hunter2-keyring",
    });
    let mark = json!({
        "installationId": Uuid::from_u128(12), "placeId": Uuid::from_u128(11), "hypervisorId": null,
        "generation": 3, "standing": "NEW", "witnesses": ["a.qcow2"], "isAsked": true,
    });
    let files = json!({
        "id": Uuid::from_u128(11), "name": "fast", "mark": mark, "qcow2File": { "path": "/pool" },
        "cephRbd": null,
    });
    let cluster = json!({
        "id": Uuid::from_u128(14), "name": "slow", "mark": null, "qcow2File": null, "cephRbd": ceph,
    });
    let running = json!({ "running": true, "qmpSocket": "/run/vm.qmp" });
    let snapshot = |volume: Value| {
        json!({
            "operationId": Uuid::from_u128(7), "epoch": 3, "kind": "CREATE_SNAPSHOT",
            "leaseSeconds": 90, "installationId": Uuid::from_u128(12), "replaceImage": false,
            "account": { "id": Uuid::from_u128(13), "name": "alice" },
            "volume": volume, "targetVolume": null,
            "snapshot": { "id": Uuid::from_u128(4), "volumeSizeBytes": 1_u64 << 35 },
            "backup": null,
        })
    };
    let destination = |limit: Value, kind: &str, address: Value| {
        let mut destination = json!({
            "id": Uuid::from_u128(7), "mark": null, "bandwidthLimit": limit,
            "s3": null, "nfs": null, "local": null,
        });
        destination[kind] = address;
        json!({ "id": Uuid::from_u128(5), "waitSeconds": 30, "destination": destination })
    };
    let s3 = json!({
        "endpoint": null, "region": "eu-1", "bucket": "b", "prefix": "p", "accessKeyId": "AK",
        "secretAccessKey": "hunter2-secret", "forcePathStyle": true,
    });
    let nfs = json!({ "server": "nas", "export": "/export", "directory": null });
    let (gateway, _) = serve(vec![ok(&json!({ "agentClaim": {
        "assignments": [
            snapshot(on(cluster, Value::Null)),
            snapshot(on(files, running)),
        ],
        "measurements": [],
        "storageTests": [
            destination(json!(1 << 20), "s3", s3),
            destination(Value::Null, "nfs", nfs),
            destination(Value::Null, "tape", json!({})),
        ],
    } }))])
    .await;
    let claim = gateway.claim(5, &[lease()]).await.unwrap();
    assert!(!format!("{claim:?}").contains("hunter2"), "{claim:?}");
    let volume = |at: usize| match &claim.assignments[at].work {
        Ok(Work::CreateSnapshot { volume, .. }) => volume.clone(),
        other => panic!("{other:?}"),
    };
    let pool = CephPool {
        pool: "rbd".into(),
        user: "tidemark".into(),
        config_path: Some("/etc/ceph/site.conf".into()),
        keyring: Some(Secret::new("hunter2-keyring")),
    };
    assert_eq!(volume(0).pool, Pool::CephRbd(pool));
    assert_eq!((volume(0).instance, volume(0).mark), (None, None));
    let mark = volume(1).mark.unwrap();
    assert_eq!(mark.expected.marker.generation, 3);
    assert_eq!(mark.expected.standing, Standing::New);
    assert_eq!(mark.expected.witnesses[0].as_str(), "a.qcow2");
    let instance = Instance {
        running: true,
        qmp_socket: Some("/run/vm.qmp".into()),
    };
    assert_eq!(volume(1).instance, Some(instance));
    let [s3, nfs, tape] = &claim.storage_tests[..] else {
        panic!("{claim:?}")
    };
    let (s3, nfs) = (s3.storage.as_ref().unwrap(), nfs.storage.as_ref().unwrap());
    let bucket = S3Bucket {
        endpoint: None,
        region: "eu-1".into(),
        bucket: "b".into(),
        prefix: Some("p".into()),
        access_key_id: "AK".into(),
        secret_access_key: Secret::new("hunter2-secret"),
        force_path_style: Some(true),
    };
    assert_eq!(s3.destination, Destination::S3(bucket));
    assert_eq!(s3.bytes_per_second, Some(1 << 20));
    let export = NfsExport {
        server: "nas".into(),
        export: "/export".into(),
        directory: None,
    };
    assert_eq!(nfs.destination, Destination::Nfs(export));
    assert_eq!(nfs.bytes_per_second, None);
    let failure = tape.storage.as_ref().unwrap_err();
    assert_eq!(failure.code, Code::AgentOutdated);
}

#[tokio::test]
async fn an_id_that_is_no_uuid_is_no_id() {
    let lease = json!({ "operationId": "../../etc", "epoch": 3, "state": "HELD" });
    let (gateway, _) = serve(vec![ok(&json!({ "agentRenew": { "leases": [lease] } }))]).await;
    let error = gateway.renew(&[]).await.unwrap_err();
    assert!(matches!(error, Error::Contract(_)), "{error}");
}

#[tokio::test]
async fn refusals_outages_and_nonsense_are_told_apart() {
    let refusal = json!({ "errors": [
        { "message": "Not yours.", "extensions": { "code": "NOT_FOUND" } } ] });
    let unknown = json!({ "errors": [
        { "message": "No such token.", "extensions": { "code": "UNAUTHENTICATED" } } ] });
    let (gateway, _) = serve(vec![
        ("200 OK", "application/json", refusal.to_string()),
        ("401 Unauthorized", "application/json", unknown.to_string()),
        ("502 Bad Gateway", "text/html", "<html>".into()),
        ("200 OK", "text/html", "<html>".into()),
    ])
    .await;
    let refused = gateway.hello().await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the gateway refuses: Not yours. (NOT_FOUND)"
    );
    assert!(!refused.is_transient());
    assert!(gateway.hello().await.unwrap_err().is_unauthenticated());
    assert!(gateway.hello().await.unwrap_err().is_transient());
    assert!(matches!(
        gateway.hello().await.unwrap_err(),
        Error::Contract(_)
    ));
    // Nobody listens any more.
    let gone = gateway.hello().await.unwrap_err();
    assert!(
        gone.is_transient() && !gone.to_string().contains("secret"),
        "{gone}"
    );
}

#[tokio::test]
async fn the_stream_yields_events_and_ends_with_completion() {
    let event = |claimable| {
        format!(
            "event: next\ndata: {{\"data\":{{\"agentWork\":{{\"claimable\":{claimable}}}}}}}\n\n"
        )
    };
    let body = format!(
        ":\n\n{}{}event: complete\n\n{}",
        event(0),
        event(3),
        event(9)
    );
    let (gateway, asked) = serve(vec![("200 OK", "text/event-stream", body)]).await;
    let events: Vec<_> = within(gateway.listen().await.unwrap().collect()).await;
    let counts: Vec<_> = events.into_iter().map(Result::unwrap).collect();
    assert_eq!(counts, [0, 3]);
    let asked = asked.lock().unwrap();
    assert!(asked[0].0.contains("accept: text/event-stream"));
    assert!(asked[0].1["query"].as_str().unwrap().contains("agentWork"));
}

#[tokio::test]
async fn an_agent_waits_for_its_gateway_and_can_be_stopped_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = AgentConfig::new("http://127.0.0.1:1", Token::new("secret"));
    config.state_dir = directory.path().to_owned();
    assert!(!format!("{config:?}").contains("secret"));
    let shutdown = CancellationToken::new();
    let agent = tokio::spawn(tidemark_agent::run(config.clone(), shutdown.clone()));
    let locked = async {
        while !directory.path().join("run").exists() {
            tokio::task::yield_now().await;
        }
    };
    within(locked).await;
    let second = within(tidemark_agent::run(config, shutdown.clone()))
        .await
        .unwrap_err();
    assert!(
        second.to_string().contains("works on this host already"),
        "{second}"
    );
    shutdown.cancel();
    within(agent).await.unwrap().unwrap();
}
