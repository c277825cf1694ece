//! Children: started without a shell, ended in every case.

use std::{fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tidemark_agent::{
    driver::Tools,
    process::{Error, Invocation, Launcher, Processes},
    report::Journal,
};

use tokio::sync::mpsc;

use crate::site::within;

fn processes() -> (Processes, Arc<Journal>) {
    let journal = Arc::new(Journal::default());
    let launcher = Launcher::new(Tools::default().setpriv).unwrap();
    (Processes::new(launcher, Arc::clone(&journal)), journal)
}

fn shell(script: &str) -> Invocation {
    Invocation::new("/bin/sh").args(["-c", script])
}

fn is_alive(pid: &str) -> bool {
    Path::new("/proc").join(pid.trim()).join("cmdline").exists()
        && !fs::read(Path::new("/proc").join(pid.trim()).join("cmdline"))
            .unwrap_or_default()
            .is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_writes_comes_back_and_its_complaints_are_logged() {
    let (processes, journal) = processes();
    let output = within(processes.run(shell("echo out; echo complaint >&2")))
        .await
        .unwrap();
    assert_eq!(
        (&output.stdout[..], output.stderr.as_str()),
        (&b"out\n"[..], "complaint")
    );
    let entries = journal.collect();
    assert_eq!(entries[0].message, "sh: complaint");
    assert!(!entries[0].public);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_writes_can_be_handed_on_whole() {
    let (processes, _) = processes();
    let (sink, mut pieces) = mpsc::channel::<Bytes>(1);
    let count = async move {
        let mut length = 0;
        while let Some(piece) = pieces.recv().await {
            length += piece.len();
        }
        length
    };
    let many = shell("head -c 20000000 /dev/zero").stdout_to(sink);
    let (output, length) = within(async { tokio::join!(processes.run(many), count) }).await;
    assert_eq!(output.unwrap().stdout, b"");
    assert_eq!(length, 20_000_000);

    let (sink, pieces) = mpsc::channel::<Bytes>(1);
    drop(pieces);
    let unwanted = shell("head -c 20000000 /dev/zero").stdout_to(sink);
    within(processes.run(unwanted)).await.unwrap();

    // A stranger that keeps the pipe open is not waited for.
    let (sink, mut pieces) = mpsc::channel::<Bytes>(1);
    let stranger = shell("setsid sleep 60 2>/dev/null & echo $!").stdout_to(sink);
    let read = async move {
        let pid = pieces.recv().await.unwrap();
        assert_eq!(pieces.recv().await, None);
        pid
    };
    let (ended, pid) = within(async { tokio::join!(processes.run(stranger), read) }).await;
    ended.unwrap();
    let pid = String::from_utf8(pid.to_vec()).unwrap();
    let pid = Pid::from_raw(pid.trim().parse().unwrap());
    kill(pid, Signal::SIGKILL).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_how_and_why() {
    let (processes, _) = processes();
    let error = within(processes.run(shell("echo first >&2; echo last >&2; exit 3"))).await;
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), "sh failed (exit status: 3): first; last");
    let one_of_many = Invocation::new("/usr/bin/env").verb(&["sh", "-c"]);
    let error = within(processes.run(one_of_many.arg("exit 3"))).await;
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("env sh -c failed"), "{error}");
    let missing = within(processes.run(Invocation::new("/nowhere/tool")))
        .await
        .unwrap_err();
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_and_environment_are_ours_alone() {
    let (processes, _) = processes();
    let invocation = Invocation::new("/usr/bin/printf").args(["%s|", "a b", "$HOME", ";id"]);
    let output = within(processes.run(invocation)).await.unwrap();
    assert_eq!(output.stdout, b"a b|$HOME|;id|");
    let output = within(processes.run(Invocation::new("/usr/bin/env")))
        .await
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(
        output
            .lines()
            .all(|line| ["LC_ALL", "PATH"].contains(&line.split('=').next().unwrap()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_long_is_stopped_with_all_its_children() {
    let (processes, _) = processes();
    let directory = tempfile::tempdir().unwrap();
    let pids = directory.path().join("pids");
    let script = format!(
        "sleep 1000 & echo $! > {0}; echo $$ >> {0}; wait",
        pids.display()
    );
    let invocation = shell(&script).time_limit(Duration::from_secs(3));
    let error = within(processes.run(invocation)).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    let gone = async {
        while fs::read_to_string(&pids).unwrap().lines().any(is_alive) {
            tokio::task::yield_now().await;
        }
    };
    within(gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_wait_kills_and_settling_waits_for_it() {
    let (processes, _) = processes();
    let process = processes.start(shell("sleep 1000")).await.unwrap();
    let pid = process.pid().unwrap().to_string();
    // While it becomes another program, it has no command line.
    let alive = async {
        while !is_alive(&pid) {
            tokio::task::yield_now().await;
        }
    };
    within(alive).await;
    drop(process);
    within(processes.settled()).await;
    assert!(!is_alive(&pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_cut_off_finishes_though_nobody_waits() {
    let (processes, _) = processes();
    let directory = tempfile::tempdir().unwrap();
    let (gate, done) = (directory.path().join("gate"), directory.path().join("done"));
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&gate)
            .status()
            .unwrap()
            .success()
    );
    let script = format!("cat {} > {}", gate.display(), done.display());
    drop(
        processes
            .start(shell(&script).uninterrupted())
            .await
            .unwrap(),
    );
    tokio::fs::write(&gate, "finished").await.unwrap();
    within(processes.settled()).await;
    assert_eq!(fs::read_to_string(&done).unwrap(), "finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_output_is_bounded() {
    let (processes, journal) = processes();
    let script = "head -c 20000000 /dev/zero; head -c 3000000 /dev/zero | tr '\\0' 'x' >&2";
    let output = within(processes.run(shell(script))).await.unwrap();
    assert_eq!(output.stdout.len(), 8 << 20);
    assert!(output.stderr.len() < 100_000);
    assert!(journal.collect().len() <= 501);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_given_time_may_say_farewell_and_no_longer() {
    let directory = tempfile::tempdir().unwrap();
    let (ready, said) = (
        directory.path().join("ready"),
        directory.path().join("said"),
    );
    let (ample, scarce) = (Duration::from_secs(30), Duration::from_millis(500));
    for (trap, heeds, farewell) in [("echo bye > $1; exit", true, ample), ("", false, scarce)] {
        let _ = (fs::remove_file(&ready), fs::remove_file(&said));
        let (processes, _) = processes();
        let script = format!("trap '{trap}' TERM; touch $0; while :; do sleep 0.01; done");
        let program = shell(&script).args([&ready, &said]);
        let child = processes.start(program.farewell(farewell)).await.unwrap();
        let started = async {
            while !ready.exists() {
                tokio::task::yield_now().await;
            }
        };
        within(started).await;
        drop(child);
        within(processes.settled()).await;
        assert_eq!(said.exists(), heeds);
    }
}
