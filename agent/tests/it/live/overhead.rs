//! What a snapshot costs besides itself. Run with `--release --run-ignored only --no-capture`;
//! nothing is asserted.

use std::time::{Duration, Instant};

use serde_json::json;
use testbed::Machine;
use tidemark_agent::operation::{Volume, Work};

use super::running::{attach, snapshot_of};
use crate::site::{MIB, Site, run, text};

const ROUNDS: usize = 11;

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// Takes snapshots in turn by the tool alone and by whole operations, each on top of the same.
async fn compare(what: &str, site: &Site, volume: &Volume, mut tool: impl FnMut(&str, bool)) {
    let (mut alone, mut whole, mut deletion) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        tool("by-hand", true);
        alone.push(begun.elapsed());
        tool("by-hand", false);

        let (snapshot, work) = snapshot_of(volume);
        let begun = Instant::now();
        site.complete(work).await;
        whole.push(begun.elapsed());
        let work = Work::DeleteSnapshot {
            volume: volume.clone(),
            snapshot,
        };
        let begun = Instant::now();
        site.complete(work).await;
        deletion.push(begun.elapsed());
    }
    let (alone, whole, deletion) = (median(alone), median(whole), median(deletion));
    eprintln!(
        "{what}: alone {alone:.1} ms, as an operation {whole:.1} ms, deletion {deletion:.1} ms"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures"]
async fn of_a_snapshot() {
    for (size, data) in [(1 << 30, 128 * MIB), (100 << 30, 1024 * MIB)] {
        let site = Site::new();
        let mut volume = site.volume(size);
        site.complete(Work::CreateVolume {
            volume: volume.clone(),
        })
        .await;
        site.scribble(&volume, 1, 0, data);
        // The same amount, mapped and empty: tables without data.
        let image = site.image(&volume);
        for offset in (size / 2..size).step_by(1 << 29) {
            let zeros = format!("write -z {offset} 512M");
            run("qemu-io", ["-f", "qcow2", "-c", &zeros, text(&image)]);
        }
        let what = format!("{} GiB", size >> 30);
        let img = |name: &str, take: bool| {
            let option = if take { "-c" } else { "-d" };
            run("qemu-img", ["snapshot", option, name, text(&image)]);
        };
        compare(&format!("{what}, idle"), &site, &volume, img).await;

        let Some(mut machine) = Machine::start(&image).await else {
            return;
        };
        attach(&mut volume, machine.qmp_socket().to_owned());
        let qmp = |name: &str, take: bool| {
            let command = if take {
                "blockdev-snapshot-internal-sync"
            } else {
                "blockdev-snapshot-delete-internal-sync"
            };
            machine.execute(command, &json!({ "device": "volume", "name": name }));
        };
        compare(&format!("{what}, running"), &site, &volume, qmp).await;
    }
}
