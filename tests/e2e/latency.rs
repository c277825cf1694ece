//! How long a customer waits for a snapshot: from the mutation until a subscription says that it is
//! there, beside the storage's own tool. Measured, not judged, as that needs a machine with nothing
//! else to do: `just bench-snapshot`.

use std::time::{Duration, Instant};

use serde_json::json;
use testbed::Ceph;

use crate::harness::{
    Content, MIB, Machine, Rules, WebSocket, create_ceph_pool, create_plan, rbd_image, run_well,
};

const ROUNDS: usize = 10;
/// How many older snapshots the volume has.
const OLDER: [usize; 2] = [0, 4];
const SIZE: u64 = 10 * 1024 * MIB;
const DATA: u64 = 256 * MIB;
const ACTIVITY: &str = "subscription($id: ID!) { volumeActivity(volumeId: $id) {
    operation { id status snapshot { id status } } } }";

/// The storage's own tool.
enum Tool<'a> {
    QemuImg(&'a str),
    Rbd(&'a Ceph, String),
}

impl Tool<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::QemuImg(_) => "`qemu-img snapshot -c`",
            Self::Rbd(..) => "`rbd snap create`",
        }
    }

    /// Takes a snapshot and lets it go again; how long the taking took.
    async fn snapshot(&self) -> Duration {
        let begun_at = Instant::now();
        match self {
            Self::QemuImg(image) => {
                let words = ["snapshot", "-c", "alone", image].map(AsRef::as_ref);
                run_well("qemu-img", &words).await;
                let taken = begun_at.elapsed();
                let words = ["snapshot", "-d", "alone", image].map(AsRef::as_ref);
                run_well("qemu-img", &words).await;
                taken
            }
            Self::Rbd(ceph, image) => {
                let snapshot = format!("{image}@alone");
                ceph.rbd(&["snap", "create", "--no-progress", &snapshot]);
                let taken = begun_at.elapsed();
                ceph.rbd(&["snap", "rm", "--no-progress", &snapshot]);
                taken
            }
        }
    }
}

/// Has Tidemark take a snapshot; how long it took until a subscriber saw it, and its id.
async fn snapshot(machine: &Machine, volume: &str, events: &mut WebSocket) -> (Duration, String) {
    let begun_at = Instant::now();
    let accepted = machine.request().create_snapshot(volume).await;
    loop {
        let event = events.next().await.expect("the stream ended");
        let operation = &event["volumeActivity"]["operation"];
        if operation["id"] != *accepted.operation {
            continue;
        }
        assert_ne!(operation["status"], "FAILED", "{event:#}");
        if operation["snapshot"]["status"] == "AVAILABLE" {
            return (begun_at.elapsed(), accepted.item);
        }
    }
}

async fn compare(machine: &Machine, volume: &str, tool: &Tool<'_>) {
    let token = machine.owner.token.as_ref().unwrap();
    let mut events = WebSocket::connect(machine.address(), token).await;
    events.subscribe(ACTIVITY, json!({ "id": volume })).await;
    let mut kept = 0;
    for older in OLDER {
        while kept < older {
            let accepted = machine.request().create_snapshot(volume).await;
            machine.request().completed(&accepted).await;
            kept += 1;
        }
        let (mut alone, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            alone.push(tool.snapshot().await);
            let (elapsed, id) = snapshot(machine, volume, &mut events).await;
            ours.push(elapsed);
            let deletion = machine.request().delete("Snapshot", &id).await;
            machine.request().completed(&deletion).await;
        }
        let [alone, ours] = [alone, ours].map(median);
        println!(
            "| {} | {older} | {alone:.1} | {ours:.1} | {:.1} |",
            tool.name(),
            ours - alone
        );
    }
}

/// In milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures"]
async fn a_snapshot_from_its_mutation_until_it_is_seen() {
    let mut machine = Machine::new(Rules::default()).await;
    machine.start_agent(&[]).await;
    machine.platform.plan = create_plan(&machine, SIZE, "QCOW2_FILE").await;
    println!(
        "| tool | older snapshots | the tool alone, ms | mutation to AVAILABLE, ms | more, ms |"
    );
    println!("|---|---:|---:|---:|---:|");

    let volume = machine.request().volume("web").await;
    let image = machine.image(&volume);
    let content = Content::noise(machine.path("content/disk"), SIZE, DATA, "disk");
    content.write_to(&image).await;
    let tool = Tool::QemuImg(image.to_str().unwrap());
    compare(&machine, &volume, &tool).await;

    let Some(ceph) = Ceph::start().await else {
        return;
    };
    create_ceph_pool(&machine, &ceph).await;
    machine.platform.plan = create_plan(&machine, SIZE, "CEPH_RBD").await;
    let volume = machine.request().volume("web").await;
    content.write_to_rbd(&rbd_image(&ceph, &volume)).await;
    let tool = Tool::Rbd(&ceph, format!("{}/{volume}", ceph.pool()));
    compare(&machine, &volume, &tool).await;
    machine.end().await;
}
