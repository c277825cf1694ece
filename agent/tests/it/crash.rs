//! An agent that dies in the middle, and the attempt that comes after it.

use std::{
    fs,
    os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _},
    process::{Command, Stdio},
    sync::Arc,
};

use tidemark_agent::{
    driver::Tools,
    operation::{Operation, Outcome, Report, RestoreSource, SnapshotItem, Volume, Work},
    process::{Invocation, Launcher, Processes},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::site::{MIB, Site, processes_that_mention, run, text, within};

/// Begins an attempt and lets it die, without any cleaning up, once it has reached `phase`.
async fn die_in(site: &Site, work: Work, phase: &'static str) {
    let report = Report::default();
    let mut readings = report.progress.subscribe();
    let operation = Operation::new(Uuid::now_v7(), work, site.host.clone(), report);
    let attempt = tokio::spawn(async move {
        operation.perform(&CancellationToken::new()).await;
    });
    within(readings.wait_for(|reading| reading.phase == phase))
        .await
        .unwrap();
    attempt.abort();
    assert!(within(attempt).await.unwrap_err().is_cancelled());
    let gone = async {
        while !processes_that_mention(text(&site.path(""))).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    within(gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_attempt_finishes_what_a_dead_one_began() {
    let site = Site::new();
    let volume = site.filled_volume(256 * MIB).await;
    let before = site.digest(&volume);
    let snapshot = site.take_snapshot(&volume).await;
    let kept = site.take_backup(&volume).await;
    let backup = site.backup_of(&volume);
    let target = site.volume(300 * MIB);
    let in_place = |source| Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    };
    let cases = [
        (
            Work::CreateBackup {
                volume: volume.clone(),
                backup: backup.clone(),
            },
            "Exporting",
        ),
        (
            in_place(RestoreSource::Backup(Box::new(kept.clone()))),
            "Verifying",
        ),
        (
            in_place(RestoreSource::Backup(Box::new(kept.clone()))),
            "Restoring",
        ),
        (
            in_place(RestoreSource::Backup(Box::new(kept.clone()))),
            "Flushing",
        ),
        (
            in_place(RestoreSource::Snapshot(snapshot.clone())),
            "Restoring",
        ),
        (
            Work::RestoreSnapshot {
                volume: volume.clone(),
                snapshot: snapshot.clone(),
                target: target.clone(),
            },
            "Copying",
        ),
        (
            Work::RestoreBackup {
                backup: kept.clone(),
                target: target.clone(),
            },
            "Flushing",
        ),
    ];
    for (work, phase) in cases {
        die_in(&site, work.clone(), phase).await;
        let outcome = site.perform(work.clone()).await;
        assert!(
            matches!(outcome, Outcome::Completed(_)),
            "{work:?}: {outcome:?}"
        );
        assert_eq!(site.digest(&volume), before, "{work:?} in {phase}");
        site.check_image(&volume);
        site.assert_clean();
    }
    assert_eq!(site.digest_of_beginning(&target, volume.size_bytes), before);
    site.complete(in_place(RestoreSource::Backup(Box::new(backup))))
        .await;
    assert_eq!(site.digest(&volume), before);
}

/// Clusters that nothing refers to, as an interrupted change leaves them: those of a snapshot that is
/// no longer in the header's count, which are four bytes at 60.
async fn leak(site: &Site, volume: &Volume) {
    site.take_snapshot(volume).await;
    site.scribble(volume, 0xaa, 0, volume.size_bytes / 2);
    let image = fs::File::options()
        .write(true)
        .open(site.image(volume))
        .unwrap();
    image.write_all_at(&[0; 4], 60).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_change_has_leaked_is_given_back_by_the_next_operation_of_any_kind() {
    let site = Site::new();
    for restores in [false, true] {
        let volume = site.filled_volume(32 * MIB).await;
        leak(&site, &volume).await;
        let leaked = site.image(&volume).metadata().unwrap().blocks();
        let backup = site.take_backup(&volume).await;
        let source = RestoreSource::Backup(Box::new(backup));
        assert!(
            !site.is_whole(&volume),
            "an image that was not noted is not checked"
        );
        site.leave_a_change_unfinished(&volume);
        if restores {
            site.complete(Work::RestoreInPlace {
                volume: volume.clone(),
                source,
            })
            .await;
        } else {
            site.take_snapshot(&volume).await;
        }
        site.check_image(&volume);
        let left = site.image(&volume).metadata().unwrap().blocks();
        assert!(left < leaked, "{left} blocks of {leaked}");
        site.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_that_failed_has_leaked_is_given_back() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    leak(&site, &volume).await;
    assert!(!site.is_whole(&volume));
    let real = site.host.tools.qemu_img.clone();
    let full = "case \"$*\" in snapshot*) echo 'No space left on device' >&2; exit 1 ;; esac\n\
                exec $real \"$@\"";
    site.host.tools.qemu_img = site.script(text(&real), full);
    let snapshot = SnapshotItem {
        id: Uuid::now_v7(),
        volume_size_bytes: volume.size_bytes,
    };
    let work = Work::CreateSnapshot {
        volume: volume.clone(),
        snapshot,
    };
    let (failure, _) = site.fail(work).await;
    assert!(failure.message.contains("is full"), "{failure}");
    assert!(site.is_whole(&volume));
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn leaks_of_an_image_that_could_not_be_checked_are_looked_for_again() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    leak(&site, &volume).await;
    site.leave_a_change_unfinished(&volume);
    let image = fs::File::options()
        .write(true)
        .open(site.image(&volume))
        .unwrap();
    let take = Work::CreateSnapshot {
        volume: volume.clone(),
        snapshot: SnapshotItem {
            id: Uuid::now_v7(),
            volume_size_bytes: volume.size_bytes,
        },
    };
    image.write_all_at(b"XFI", 0).unwrap();
    let (failure, _) = site.fail(take.clone()).await;
    assert!(
        failure.message.contains("is not a qcow2 image"),
        "{failure}"
    );
    assert!(site.note_of_change(&volume).exists());
    image.write_all_at(b"QFI", 0).unwrap();
    site.complete(take).await;
    assert!(site.is_whole(&volume));
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_whose_server_was_killed_while_it_opened_it_is_looked_at_again() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    leak(&site, &volume).await;
    let before = site.digest(&volume);
    let backup = site.take_backup(&volume).await;
    site.scribble(&volume, 0xbb, 0, MIB);
    assert!(!site.is_whole(&volume));
    let work = Work::RestoreInPlace {
        volume: volume.clone(),
        source: RestoreSource::Backup(Box::new(backup)),
    };
    let dying = site.path("dying-qemu-nbd");
    let real = site.host.tools.qemu_nbd.clone();
    // Only whoever would write the image dies: others look at it as plain bytes.
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *driver=qcow2*) kill -9 $$ ;; esac\nexec {} \"$@\"\n",
        text(&real)
    );
    fs::write(&dying, script).unwrap();
    fs::set_permissions(&dying, fs::Permissions::from_mode(0o755)).unwrap();
    site.host.tools.qemu_nbd = dying;
    let (failure, volume_touched) = site.fail(work.clone()).await;
    assert!(
        failure.to_string().contains("qemu-nbd failed (signal: 9"),
        "{failure}"
    );
    assert!(!volume_touched);
    // Nothing else has noted the change that its end looks at.
    assert!(site.is_whole(&volume), "the image was not checked");

    site.host.tools.qemu_nbd = real;
    site.complete(work).await;
    assert_eq!(site.digest(&volume), before);
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_was_never_closed_and_counts_its_clusters_late_is_overwritten() {
    let site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    let before = site.digest(&volume);
    let backup = site.take_backup(&volume).await;
    let image = site.image(&volume);
    let amend = ["amend", "-f", "qcow2", "-o", "lazy_refcounts=on"];
    run("qemu-img", amend.into_iter().chain([text(&image)]));
    let status = Command::new("qemu-io")
        .args([
            "-f",
            "qcow2",
            "-c",
            "discard 0 32M",
            "-c",
            "write -P 7 0 16M",
        ])
        .args(["-c", "abort", text(&image)])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success());
    assert!(!site.is_whole(&volume), "its counts are written late");
    let source = RestoreSource::Backup(Box::new(backup));
    site.complete(Work::RestoreInPlace {
        volume: volume.clone(),
        source,
    })
    .await;
    assert_eq!(site.digest(&volume), before);
    assert!(site.is_whole(&volume));
    site.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_was_taken_in_vain_does_not_stay() {
    let mut site = Site::new();
    let volume = site.filled_volume(32 * MIB).await;
    // A tool that does what it should, and then fails.
    let tool = site.path("scratch/qemu-img");
    let real = Tools::default().qemu_img;
    let script = format!(
        "#!/bin/sh\n{} \"$@\" || exit 1\ncase \"$2\" in -c) echo broken >&2; exit 1;; esac\n",
        real.display()
    );
    fs::write(&tool, script).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    site.host.tools.qemu_img = tool;
    let snapshot = SnapshotItem {
        id: Uuid::now_v7(),
        volume_size_bytes: volume.size_bytes,
    };
    let work = Work::CreateSnapshot {
        volume: volume.clone(),
        snapshot,
    };
    let (failure, _) = site.fail(work).await;
    assert!(failure.detail.unwrap().contains("broken"));
    assert!(site.snapshot_names(&volume).is_empty());
    let work = Work::CreateBackup {
        volume: volume.clone(),
        backup: site.backup_of(&volume),
    };
    site.fail(work).await;
    assert!(site.snapshot_names(&volume).is_empty());
    site.assert_clean();
}

/// Not a test: what [`children_die_with_an_agent_that_is_killed`] starts and kills.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of another test"]
async fn an_agent_with_a_child() {
    let launcher = Launcher::new(Tools::default().setpriv).unwrap();
    let processes = Processes::new(launcher, Arc::default());
    let child = Invocation::new("/usr/bin/sleep").arg("1000");
    let child = processes.start(child).await.unwrap();
    fs::write(
        std::env::var("CHILD_PID_FILE").unwrap(),
        child.pid().unwrap().to_string(),
    )
    .unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn children_die_with_an_agent_that_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pid");
    let mut agent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::an_agent_with_a_child", "--ignored"])
        .env("CHILD_PID_FILE", &file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let started = async {
        loop {
            match fs::read_to_string(&file) {
                Ok(pid) if !pid.is_empty() => return pid,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let pid = within(started).await;
    let child = std::path::Path::new("/proc").join(pid);
    // It sleeps under its own name once `setpriv` has become it, and is bound to its parent then.
    let name = || fs::read_to_string(child.join("comm")).unwrap_or_default();
    let bound = async {
        while name().trim() != "sleep" {
            tokio::task::yield_now().await;
        }
    };
    within(bound).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
    let gone = async {
        while fs::read(child.join("cmdline")).is_ok_and(|line| !line.is_empty()) {
            tokio::task::yield_now().await;
        }
    };
    within(gone).await;
}
