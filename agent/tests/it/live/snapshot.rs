//! Many snapshots under load, and what they keep.

use tidemark_agent::{
    driver::Retained,
    operation::{SnapshotItem, Work},
};

use super::running::{Guest, Running, assert_one_instant, snapshot_of, snapshots_in_qemu};
use crate::site::{MIB, Site, within};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_snapshots_come_and_go_under_load() {
    let site = Site::new();
    let Some((guest, volume)) = Guest::start(&site).await else {
        return;
    };
    let mut kept = Vec::new();
    for number in 0..20 {
        guest.go_on(20).await;
        let before = guest.written();
        let snapshot = site.take_snapshot(&volume).await;
        kept.push((snapshot, before..guest.written()));
        if number % 2 == 1 {
            // Now the oldest, now the newest.
            let at = if number % 4 == 1 { 0 } else { kept.len() - 1 };
            let (snapshot, _) = kept.remove(at);
            let work = Work::DeleteSnapshot {
                volume: volume.clone(),
                snapshot,
            };
            site.complete(work).await;
        }
    }
    let restore = async |snapshot: &SnapshotItem| {
        let target = site.volume(volume.size_bytes);
        let work = Work::RestoreSnapshot {
            volume: volume.clone(),
            snapshot: snapshot.clone(),
            target: target.clone(),
        };
        site.complete(work).await;
        target
    };
    for (snapshot, instants) in &kept {
        let target = restore(snapshot).await;
        assert_one_instant(&site, &target, instants.clone());
        site.complete(Work::DeleteVolume { volume: target }).await;
    }
    let mut machine = guest.end();
    let names: Vec<_> = kept
        .iter()
        .map(|(snapshot, _)| format!("tidemark-{}", snapshot.id))
        .collect();
    assert_eq!(snapshots_in_qemu(&mut machine), names);
    within(machine.quit()).await;
    site.check_image(&volume);
    assert_eq!(site.snapshot_names(&volume), names);
    for (snapshot, instants) in &kept {
        let target = restore(snapshot).await;
        assert_one_instant(&site, &target, instants.clone());
    }
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_attempt_takes_the_snapshot_anew() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    let (snapshot, work) = running.snapshot();
    running.site.complete(work.clone()).await;
    let first = running.digest_of_snapshot(&snapshot).await;
    running.machine.write(4 * MIB, 4 * MIB, 0x42);
    let outcome = running.site.perform(work).await;
    assert!(
        matches!(outcome, tidemark_agent::operation::Outcome::Completed(_)),
        "{outcome:?}"
    );
    assert_ne!(running.digest_of_snapshot(&snapshot).await, first);
    assert_eq!(running.site.snapshot_names(&running.volume).len(), 1);
    let work = Work::DeleteSnapshot {
        volume: running.volume.clone(),
        snapshot,
    };
    for _ in 0..2 {
        running.site.complete(work.clone()).await;
        assert_eq!(snapshots_in_qemu(&mut running.machine), [""; 0]);
    }
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_snapshot_keeps_is_told_while_the_guest_writes() {
    let Some(mut running) = Running::start(64 * MIB).await else {
        return;
    };
    running.machine.write(0, 63 * MIB, 1);
    let kept = |snapshot: &SnapshotItem, retained_bytes| Retained {
        snapshot_id: snapshot.id,
        retained_bytes,
    };
    let (first, work) = running.snapshot();
    let retained = running.site.complete(work).await.retained.unwrap();
    assert_eq!(retained, [kept(&first, 0)]);

    running.machine.write(8 * MIB, 10 * MIB, 2);
    let (second, work) = running.snapshot();
    let retained = running.site.complete(work).await.retained.unwrap();
    assert_eq!(retained, [kept(&first, 10 * MIB), kept(&second, 0)]);

    running.machine.write(12 * MIB, 10 * MIB, 3);
    let (third, work) = snapshot_of(&running.volume);
    running.site.complete(work).await;
    let work = Work::DeleteSnapshot {
        volume: running.volume.clone(),
        snapshot: third,
    };
    let retained = running.site.complete(work).await.retained.unwrap();
    // 12 to 18 MiB have changed twice: they are the second's. 18 to 22 MiB are of both, and counted at the second.
    assert_eq!(retained, [kept(&first, 10 * MIB), kept(&second, 10 * MIB)]);
    let (site, volume) = running.end().await;
    let work = Work::DeleteSnapshot {
        volume,
        snapshot: first,
    };
    let retained = site.complete(work).await.retained.unwrap();
    assert_eq!(retained, [kept(&second, 10 * MIB)]);
}
