//! The one thread that forks.
//!
//! The kernel kills a child when the *thread* that forked it ends, not the process. Threads of a
//! runtime come and go; this one stays until the last child's owner is gone.

use std::{io, path::PathBuf, process::Stdio, sync::mpsc, thread};

use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
};

use super::{Error, Invocation};

type Request = (Command, oneshot::Sender<io::Result<Child>>);

/// Starts children from a thread of its own.
#[derive(Debug, Clone)]
pub struct Launcher {
    requests: mpsc::Sender<Request>,
    setpriv: Option<PathBuf>,
}

impl Launcher {
    /// A launcher on the current runtime. With `setpriv` (of util-linux) children die with this
    /// process even if it is killed; without, only those that notice their closed connections.
    pub fn new(setpriv: Option<PathBuf>) -> io::Result<Self> {
        let (requests, pending) = mpsc::channel::<Request>();
        let runtime = Handle::current();
        thread::Builder::new()
            .name("launcher".into())
            .spawn(move || {
                let _entered = runtime.enter();
                for (mut command, answer) in pending {
                    // A child that nobody waits for any more is killed by being dropped.
                    drop(answer.send(command.spawn()));
                }
            })?;
        Ok(Self { requests, setpriv })
    }

    pub(super) async fn launch(&self, invocation: &Invocation) -> Result<Child, Error> {
        let (answer, answered) = oneshot::channel();
        let failed = |reason: String| Error::Start {
            tool: invocation.tool(),
            reason,
        };
        self.requests
            .send((self.command(invocation), answer))
            .map_err(|_| failed("the launcher has stopped".into()))?;
        match answered.await {
            Ok(Ok(child)) => Ok(child),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed("the launcher has stopped".into())),
        }
    }

    fn command(&self, invocation: &Invocation) -> Command {
        let mut command = match &self.setpriv {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command
                    .args(["--pdeathsig", "KILL", "--"])
                    .arg(&invocation.program);
                command
            }
            None => Command::new(&invocation.program),
        };
        command
            .args(&invocation.arguments)
            .env_clear()
            .envs([("LC_ALL", "C"), ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}
