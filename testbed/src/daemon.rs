//! One process of a service: started in the foreground, killed and waited for when it is dropped.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{LazyLock, mpsc},
    thread,
};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};
use tokio::time::{Instant, sleep};

use crate::{
    tool,
    wait::{PATIENCE, POLL},
};

/// How much of a log is shown when a service does not start.
const TAIL_LINES: usize = 30;

/// A process, and all it takes to start it again.
#[derive(Debug)]
pub(crate) struct Daemon {
    program: &'static str,
    arguments: Vec<OsString>,
    log: PathBuf,
    /// Where the present process began in the log.
    began_at: usize,
    child: Child,
}

impl Daemon {
    /// Starts a program that stays in the foreground; what it says goes to a file in `directory`.
    pub fn start<A: Into<OsString>>(
        program: &'static str,
        arguments: impl IntoIterator<Item = A>,
        directory: &Path,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect::<Vec<_>>();
        let log = directory.join(format!("{program}.log"));
        let child = spawn(program, &arguments, &log);
        Self {
            program,
            arguments,
            log,
            began_at: 0,
            child,
        }
    }

    /// Starts it again, exactly as before.
    pub fn restart(&mut self) {
        self.kill();
        self.began_at = fs::read(&self.log).map_or(0, |log| log.len());
        self.child = spawn(self.program, &self.arguments, &self.log);
    }

    /// What `look` sees as soon as it sees something; it looks while the process lives.
    pub async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl AsyncFnMut(&Self) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look(self).await {
                return seen;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!(
                    "{} ended ({status}) before {what}:\n{}",
                    self.program,
                    self.tail()
                );
            }
            let in_time = Instant::now() < deadline;
            assert!(
                in_time,
                "{}: in vain: {what}:\n{}",
                self.program,
                self.tail()
            );
            sleep(POLL).await;
        }
    }

    /// What the present process has said.
    pub fn said(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(self.began_at..).unwrap_or_default()).into_owned()
    }

    fn tail(&self) -> String {
        let said = self.said();
        let lines = said.lines().collect::<Vec<_>>();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// The process' id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Makes it stand still: it answers nothing, and its connections stay.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
        // Its last thread stands still a while after the signal was sent.
        waitid(Id::Pid(self.id()), WaitPidFlag::WSTOPPED).unwrap();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn id(&self) -> Pid {
        Pid::from_raw(self.pid().try_into().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill(self.id(), signal)
            .unwrap_or_else(|error| panic!("{}: {signal}: {error}", self.program));
    }

    /// `kill -9`, and waits for it. A process that has ended already is left at that.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for a process that ends by itself.
    pub async fn ended(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "{} does not end", self.program);
            sleep(POLL).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(program: &str, arguments: &[OsString], log: &Path) -> Child {
    let output = OpenOptions::new().create(true).append(true).open(log);
    let output: File = output.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    let mut command = tool::command("setpriv", &[]);
    // What it prints comes line by line, though it goes to a file.
    command
        .args(["--pdeathsig", "KILL", "--", "stdbuf", "-oL", program])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output);
    let (answer, answered) = mpsc::channel();
    LAUNCHER.send((command, answer)).unwrap();
    let child = answered.recv().unwrap();
    child.unwrap_or_else(|error| panic!("{program} does not start: {error}"))
}

type Request = (Command, mpsc::Sender<io::Result<Child>>);

/// The one thread that forks, and lives as long as the process: the kernel kills a child with the
/// *thread* that forked it, and a runtime's threads come and go.
static LAUNCHER: LazyLock<mpsc::Sender<Request>> = LazyLock::new(|| {
    let (requests, pending) = mpsc::channel::<Request>();
    thread::spawn(move || {
        for (mut command, answer) in pending {
            let _ = answer.send(command.spawn());
        }
    });
    requests
});
