//! What goes wrong under a running instance. Whatever it is, the instance does not notice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tidemark_agent::{
    driver::{Code, Removed},
    operation::{Outcome, Work},
};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    proxy::{Proxy, Verdict},
    running::{Running, attach, snapshots_in_qemu},
};
use crate::site::{MIB, within};

/// Until an instance that does not answer is given up on, and what was done for it is undone.
const SECONDS: Duration = Duration::from_secs(20);

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_hangs_is_given_up_on_within_seconds_and_recovers() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    let (kept, work) = running.snapshot();
    running.site.complete(work).await;
    running.machine.pause();
    let deletion = Work::DeleteSnapshot {
        volume: running.volume.clone(),
        snapshot: kept.clone(),
    };
    for work in [running.snapshot().1, running.backup()] {
        let asked_at = Instant::now();
        let (failure, _) = running.site.fail(work).await;
        assert!(asked_at.elapsed() < SECONDS, "{:?}", asked_at.elapsed());
        assert_eq!(failure.code, Code::StorageFailed);
        assert!(failure.message.contains("does not answer"), "{failure}");
    }
    running.machine.resume();
    running.assert_unharmed();
    running.site.complete(deletion).await;
    running.site.take_backup(&running.volume).await;
    assert_eq!(snapshots_in_qemu(&mut running.machine), [""; 0]);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_somebody_else_uses_is_said_to_give_no_answer() {
    let Some(running) = Running::start(32 * MIB).await else {
        return;
    };
    let other = UnixStream::connect(running.machine.qmp_socket())
        .await
        .unwrap();
    let (failure, _) = running.site.fail(running.snapshot().1).await;
    assert!(failure.message.contains("does not answer"), "{failure}");
    drop(other);
    running.site.take_snapshot(&running.volume).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_no_qemu_s_is_no_reason_to_touch_the_image() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    let socket = running.site.path("scratch/strange.sock");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let stranger = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt as _;
            drop(stream.write_all(b"220 ready\n").await);
        }
    });
    attach(&mut running.volume, socket);
    let (failure, _) = running.site.fail(running.snapshot().1).await;
    assert!(failure.message.contains("cannot be spoken to"), "{failure}");
    stranger.abort();
    running.end().await;
}

/// Lets QEMU carry `command` out and the agent hear nothing of it, cancels the operation, and lets
/// it be cleaned up after in vain.
async fn lose(running: &Running, mut work: Work, command: &'static str) -> Outcome {
    let (done, once) = (CancellationToken::new(), AtomicBool::new(true));
    let told = done.clone();
    let socket = running
        .site
        .path(&format!("scratch/{}.sock", Uuid::now_v7()));
    let qemu = running.machine.qmp_socket();
    let proxy = Proxy::start(socket, qemu, move |line| {
        if line.contains(command) && once.swap(false, Ordering::SeqCst) {
            return Verdict::Swallow(told.clone());
        }
        Verdict::Pass
    });
    let volume = match &mut work {
        Work::CreateSnapshot { volume, .. }
        | Work::CreateBackup { volume, .. }
        | Work::DeleteSnapshot { volume, .. } => volume,
        other => panic!("{other:?}"),
    };
    attach(volume, proxy.socket().to_owned());
    let operation = running.site.operation(work);
    within(operation.perform(&done)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_nobody_waits_for_any_more_is_found_and_removed() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    let (kept, work) = running.snapshot();
    running.site.complete(work).await;
    for work in [running.snapshot().1, running.backup()] {
        let outcome = lose(&running, work, "blockdev-snapshot-internal-sync").await;
        let volume_touched = false;
        assert_eq!(outcome, Outcome::Stopped { volume_touched });
        assert_eq!(
            snapshots_in_qemu(&mut running.machine).len(),
            2,
            "it is lost"
        );
        running.assert_unharmed();
        running.site.take_backup(&running.volume).await;
        let names = snapshots_in_qemu(&mut running.machine);
        assert_eq!(names, [format!("tidemark-{}", kept.id)]);
    }
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_deleted_unheard_is_no_trouble() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    let (snapshot, work) = running.snapshot();
    running.site.complete(work).await;
    let deletion = Work::DeleteSnapshot {
        volume: running.volume.clone(),
        snapshot,
    };
    let command = "blockdev-snapshot-delete-internal-sync";
    lose(&running, deletion.clone(), command).await;
    assert_eq!(snapshots_in_qemu(&mut running.machine), [""; 0]);
    running.assert_unharmed();
    running.site.complete(deletion).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_an_instance_refuses_to_delete_or_hangs_over_is_not_said_to_be_gone() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    let (snapshot, work) = running.snapshot();
    running.site.complete(work).await;
    let deletion = Work::DeleteSnapshot {
        volume: running.volume.clone(),
        snapshot,
    };
    // It hangs before it is asked for anything.
    running.machine.pause();
    let (removed, told) = running.site.removed(deletion.clone(), 1).await;
    assert!(told.contains("does not answer"), "{told}");
    assert_eq!(removed, Removed::Nothing);
    running.machine.resume();

    let qemu = running.machine.qmp_socket().to_owned();
    let command = "blockdev-snapshot-delete-internal-sync";
    let socket = running.site.path("scratch/refusing.sock");
    let refusing = Proxy::start(socket, &qemu, move |line| {
        if line.contains(command) {
            return Verdict::Instead(line.replace("tidemark-", "somebody-else-s-"));
        }
        Verdict::Pass
    });
    let mut refused = deletion.clone();
    if let Work::DeleteSnapshot { volume, .. } = &mut refused {
        attach(volume, refusing.socket().to_owned());
    }
    let (removed, told) = running.site.removed(refused, 1).await;
    assert!(told.contains("refuses this"), "{told}");
    assert_eq!(removed, Removed::Nothing);
    drop(refusing);
    assert_eq!(snapshots_in_qemu(&mut running.machine).len(), 1);
    running.site.complete(deletion).await;
    assert_eq!(snapshots_in_qemu(&mut running.machine), [""; 0]);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_hangs_over_a_snapshot_finds_it_tidied_up_when_it_goes_on() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    let (pid, stopped) = (running.machine.pid(), CancellationToken::new());
    let (told, qemu) = (stopped.clone(), running.machine.qmp_socket().to_owned());
    let socket = running.site.path("scratch/proxy.sock");
    let proxy = Proxy::start(socket, &qemu, move |line| {
        if line.contains("blockdev-snapshot-internal-sync") {
            signal(pid, Signal::SIGSTOP);
            told.cancel();
        }
        Verdict::Pass
    });
    attach(&mut running.volume, proxy.socket().to_owned());
    let operation = running.site.operation(running.snapshot().1);
    let outcome = within(operation.perform(&stopped)).await;
    let volume_touched = false;
    assert_eq!(outcome, Outcome::Stopped { volume_touched });
    drop(proxy);
    running.machine.resume();
    running.assert_unharmed();
    // It was, or was not, taken meanwhile: the agent cannot know before it asks again.
    attach(&mut running.volume, qemu);
    running.site.take_backup(&running.volume).await;
    assert_eq!(snapshots_in_qemu(&mut running.machine), [""; 0]);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_dies_at_any_step_leaves_a_volume_to_work_on() {
    let steps = [
        ("qmp_capabilities", 1),
        ("query-named-block-nodes", 1),
        ("query-block", 2),
        ("blockdev-snapshot-internal-sync", 1),
        ("blockdev-snapshot-delete-internal-sync", 1),
    ];
    for (command, times) in steps {
        let Some(mut running) = Running::start(32 * MIB).await else {
            return;
        };
        let (kept, work) = running.snapshot();
        running.site.complete(work).await;
        let reference = running.digest_of_snapshot(&kept).await;
        let (pid, qemu) = (
            running.machine.pid(),
            running.machine.qmp_socket().to_owned(),
        );
        let countdown = Arc::new(std::sync::atomic::AtomicI32::new(times));
        let socket = running.site.path("scratch/proxy.sock");
        let proxy = Proxy::start(socket, &qemu, move |line| {
            let comes_by = line.contains(&format!("\"{command}\""));
            if comes_by && countdown.fetch_sub(1, Ordering::SeqCst) == 1 {
                signal(pid, Signal::SIGKILL);
            }
            Verdict::Pass
        });
        attach(&mut running.volume, proxy.socket().to_owned());
        let outcome = running.site.perform(running.backup()).await;
        match &outcome {
            Outcome::Completed(_) => {}
            Outcome::Failed { failure, .. } => {
                assert_eq!(command, "blockdev-snapshot-internal-sync", "{failure}");
                assert_eq!(failure.code, Code::StorageFailed);
                assert!(failure.message.contains("was stopped"), "{failure}");
            }
            Outcome::Stopped { .. } => panic!("{outcome:?}"),
        }
        running.machine.kill();
        let (site, volume) = (&running.site, &running.volume);
        site.assert_clean();
        // A QEMU that is killed may leak space.
        site.check_image(volume);
        assert_eq!(site.snapshot_names(volume).len(), 1, "{command}");
        assert_eq!(running.digest_of_snapshot(&kept).await, reference);
        let outcome = site.perform(running.backup()).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        assert_eq!(running.digest_of_snapshot(&kept).await, reference);
        site.check_image(volume);
        site.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_qemu_holds_and_that_is_no_longer_the_volume_s_is_noticed() {
    let Some(mut running) = Running::start(32 * MIB).await else {
        return;
    };
    let image = running.site.image(&running.volume);
    let aside = running.site.path("scratch/aside");
    std::fs::rename(&image, &aside).unwrap();
    std::fs::copy(&aside, &image).unwrap();
    let (failure, _) = running.site.fail(running.snapshot().1).await;
    assert_eq!(failure.code, Code::StorageFailed);
    assert!(failure.message.contains("is not on"), "{failure}");
    assert_eq!(snapshots_in_qemu(&mut running.machine), [""; 0]);
    assert_eq!(running.site.snapshot_names(&running.volume), [""; 0]);
    std::fs::rename(&aside, &image).unwrap();
    running.end().await;
}
