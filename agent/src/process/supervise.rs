//! One child from its start to its end.

use std::{io, process::ExitStatus, sync::Arc, time::Duration};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    process::Child,
    sync::oneshot,
    time::{sleep, timeout},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{Error, Invocation, Output, capture};
use crate::report::Journal;

/// A dead child's pipes close with it, unless a stranger holds them.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// A running child. Dropping it kills the child's group, unless it is to finish in any case.
#[derive(Debug)]
pub struct Process {
    ended: oneshot::Receiver<Result<Output, Error>>,
    tool: String,
    pid: Option<u32>,
    stop: CancellationToken,
    _stop_on_drop: Option<DropGuard>,
}

impl Process {
    /// The child's id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Waits for the end. May be dropped and called again until it has returned.
    pub async fn wait(&mut self) -> Result<Output, Error> {
        let lost = |_| Error::Start {
            tool: self.tool.clone(),
            reason: "nobody waits for it".into(),
        };
        (&mut self.ended).await.map_err(lost)?
    }

    /// Kills the child's group; [`wait`](Self::wait) then returns.
    pub fn kill(&self) {
        self.stop.cancel();
    }
}

/// Watches over `child` in a task of its own, which `running` keeps track of.
pub(super) fn supervise(
    mut child: Child,
    invocation: &Invocation,
    running: &TaskTracker,
    journal: Arc<Journal>,
) -> Process {
    let (end, ended) = oneshot::channel();
    let stop = CancellationToken::new();
    let process = Process {
        ended,
        tool: invocation.tool(),
        pid: child.id(),
        stop: stop.clone(),
        _stop_on_drop: invocation.interruptible.then(|| stop.clone().drop_guard()),
    };
    let tool = invocation.tool();
    let (time_limit, farewell) = (invocation.time_limit, invocation.farewell);
    let sink = invocation.stdout.clone();
    running.spawn(async move {
        let stdout = tokio::spawn(capture::stdout(child.stdout.take(), sink));
        let reading = stdout.abort_handle();
        let stderr = capture::stderr(child.stderr.take(), tool.clone(), journal);
        let stderr = tokio::spawn(stderr);
        let (status, timed_out) = tokio::select! {
            status = child.wait() => (status, false),
            () = stop.cancelled() => (stop_child(&mut child, farewell).await, false),
            () = sleep(time_limit) => (kill(&mut child).await, true),
        };
        let stdout = timeout(DRAIN_LIMIT, stdout).await.ok().and_then(Result::ok);
        let stderr = timeout(DRAIN_LIMIT, stderr).await.ok().and_then(Result::ok);
        // Whoever is handed what it writes must not wait for a stranger either.
        reading.abort();
        let output = Output {
            stdout: stdout.unwrap_or_default(),
            stderr: stderr.unwrap_or_default(),
        };
        let seconds = time_limit.as_secs();
        // If nobody waits, nobody needs to know.
        drop(end.send(if timed_out {
            Err(Error::TimedOut { tool, seconds })
        } else {
            judge(tool, status, output)
        }));
    });
    process
}

/// Asks the group to end, if it is given time for that, and kills it afterwards.
async fn stop_child(child: &mut Child, farewell: Duration) -> io::Result<ExitStatus> {
    if !farewell.is_zero() {
        signal(child, Signal::SIGTERM);
        if let Ok(status) = timeout(farewell, child.wait()).await {
            return status;
        }
    }
    kill(child).await
}

/// Kills the whole group, and waits until its leader is gone.
async fn kill(child: &mut Child) -> io::Result<ExitStatus> {
    signal(child, Signal::SIGKILL);
    child.wait().await
}

fn signal(child: &Child, signal: Signal) {
    if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok())
        && let Err(error) = killpg(Pid::from_raw(group), signal)
    {
        tracing::debug!(group, %error, "a process group is already gone");
    }
}

fn judge(tool: String, status: io::Result<ExitStatus>, output: Output) -> Result<Output, Error> {
    match status {
        Ok(status) if status.success() => Ok(output),
        Ok(status) => {
            let message = if output.stderr.is_empty() {
                "it said nothing".to_owned()
            } else {
                output.stderr
            };
            Err(Error::Failed {
                tool,
                status,
                message,
            })
        }
        Err(error) => Err(Error::Start {
            tool,
            reason: error.to_string(),
        }),
    }
}
