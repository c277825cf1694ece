//! Running the tools: each child alone in a process group, with an end to it in every case.
//!
//! A child never goes through a shell and inherits no environment. Dropping what waits for it kills
//! its whole group; if this process dies itself, the kernel kills the child. Only commands that are
//! marked [`uninterrupted`](Invocation::uninterrupted), short ones that change metadata, are let
//! finish when nobody waits any more.

mod capture;
mod launcher;
mod supervise;

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

pub use self::{launcher::Launcher, supervise::Process};
use crate::report::Journal;

/// Why a tool did not do its work.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// It is not installed.
    #[error("{tool} is not installed on this hypervisor ({path} does not exist)")]
    Missing {
        /// Its name.
        tool: String,
        /// Where it was looked for.
        path: String,
    },
    /// It could not be started.
    #[error("{tool} could not be started: {reason}")]
    Start {
        /// Its name.
        tool: String,
        /// The system's own words.
        reason: String,
    },
    /// It ran for too long and was killed.
    #[error("{tool} did not finish in {seconds} seconds and was stopped")]
    TimedOut {
        /// Its name.
        tool: String,
        /// How long it was given.
        seconds: u64,
    },
    /// It reported a failure.
    #[error("{tool} failed ({status}): {message}")]
    Failed {
        /// Its name.
        tool: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to its standard error.
        message: String,
    },
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Invocation {
    program: PathBuf,
    arguments: Vec<OsString>,
    verb: String,
    time_limit: Duration,
    interruptible: bool,
    farewell: Duration,
    stdout: Option<mpsc::Sender<Bytes>>,
}

impl Invocation {
    /// A program by its absolute path, without arguments, with a minute to finish.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            verb: String::new(),
            time_limit: Duration::from_mins(1),
            interruptible: true,
            farewell: Duration::ZERO,
            stdout: None,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    /// Adds the words that tell a program of many what to do; messages name it by them, too.
    #[must_use]
    pub fn verb(mut self, words: &[&str]) -> Self {
        self.verb = words.join(" ");
        self.args(words)
    }

    /// How long it may run.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Lets it finish even when nobody waits for it any more.
    #[must_use]
    pub fn uninterrupted(mut self) -> Self {
        self.interruptible = false;
        self
    }

    /// How long it may take to end by itself, once it is told to, before it is killed.
    #[must_use]
    pub fn farewell(mut self, farewell: Duration) -> Self {
        self.farewell = farewell;
        self
    }

    /// Hands on what it writes to its standard output, of which nothing is kept then.
    #[must_use]
    pub fn stdout_to(mut self, sink: mpsc::Sender<Bytes>) -> Self {
        self.stdout = Some(sink);
        self
    }

    /// The program's name.
    fn program_name(&self) -> String {
        let name = self.program.file_name().unwrap_or(self.program.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// What it is called in messages.
    fn tool(&self) -> String {
        let name = self.program_name();
        if self.verb.is_empty() {
            return name;
        }
        format!("{name} {}", self.verb)
    }

    fn ensure_installed(&self) -> Result<(), Error> {
        if self.program.is_file() {
            return Ok(());
        }
        let path = self.program.display().to_string();
        Err(Error::Missing {
            tool: self.program_name(),
            path,
        })
    }
}

/// What a tool wrote before it ended well.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Its standard output, cut at a few megabytes.
    pub stdout: Vec<u8>,
    /// The end of its standard error.
    pub stderr: String,
}

/// The children of one operation.
#[derive(Debug, Clone)]
pub struct Processes {
    launcher: Launcher,
    running: TaskTracker,
    journal: Arc<Journal>,
}

impl Processes {
    /// Children started by `launcher`, whose complaints go to `journal`.
    pub fn new(launcher: Launcher, journal: Arc<Journal>) -> Self {
        Self {
            launcher,
            running: TaskTracker::new(),
            journal,
        }
    }

    /// Starts a program that is stopped by dropping what this returns.
    pub async fn start(&self, invocation: Invocation) -> Result<Process, Error> {
        invocation.ensure_installed()?;
        let tool = invocation.tool();
        let children = self.clone();
        // A task of its own, so that a child whose start nobody waits for is accounted for as well.
        let started = self.running.spawn(async move {
            let child = children.launcher.launch(&invocation).await?;
            Ok(supervise::supervise(
                child,
                &invocation,
                &children.running,
                children.journal,
            ))
        });
        started.await.map_err(|lost| Error::Start {
            tool,
            reason: lost.to_string(),
        })?
    }

    /// Runs a program to its end.
    pub async fn run(&self, invocation: Invocation) -> Result<Output, Error> {
        self.start(invocation).await?.wait().await
    }

    /// Has [`settled`](Self::settled) wait for whoever keeps this, too.
    pub fn token(&self) -> TaskTrackerToken {
        self.running.token()
    }

    /// Waits until no child is left. Those that are waited for by nobody have been killed.
    pub async fn settled(&self) {
        self.running.close();
        self.running.wait().await;
        self.running.reopen();
    }
}

/// The first place among `directories` that has a program of this name.
pub fn find_program(name: &str, directories: &[&Path]) -> Option<PathBuf> {
    directories
        .iter()
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}
