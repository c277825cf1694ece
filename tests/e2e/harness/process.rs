//! The binaries under test as processes, with their logs in files.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use testbed::{PATIENCE, until};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// The gateway's binary.
pub fn gateway() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_tidemark"))
}

/// The agent's binary. It is another package's, so that nothing may have built it for this test yet.
/// It is asked for as all of the workspace's tests are: without a test, or for one package alone, other
/// features of its dependencies would be needed, and all of them built again.
pub async fn agent_program() -> PathBuf {
    let directory = gateway().parent().unwrap();
    let target = directory.parent().unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--workspace", "--bins"]);
    build.args(["--test", "e2e", "--target-dir"]).arg(target);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    // A profile's directory has its name, save the one of `dev`.
    let profile = directory.file_name().unwrap();
    if profile != "debug" {
        build.arg("--profile").arg(profile);
    }
    let ended = build.status().await.unwrap();
    assert!(ended.success(), "the agent cannot be built");
    directory.join("tidemark-agent")
}

/// A process that is killed when nobody wants it any more.
pub struct Running {
    child: Child,
    log: PathBuf,
    began_at: u64,
}

impl Running {
    /// Starts `command` with its standard error at the end of the file `log`.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let began_at = fs::metadata(log).map_or(0, |metadata| metadata.len());
        let stderr = OpenOptions::new().create(true).append(true).open(log);
        let stdout = File::create(log.with_extension("out")).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr.unwrap())
            .kill_on_drop(true);
        Self {
            child: command.spawn().unwrap(),
            log: log.to_owned(),
            began_at,
        }
    }

    pub fn pid(&self) -> i32 {
        self.child.id().unwrap().try_into().unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// `kill -9`.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, and the code that it ends with.
    pub async fn terminate(self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended().await
    }

    pub async fn ended(mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap()
    }

    /// What this process has written to its standard error so far.
    pub fn log(&self) -> String {
        let log = fs::read(&self.log).unwrap();
        let own = log.get(usize::try_from(self.began_at).unwrap()..);
        String::from_utf8_lossy(own.unwrap_or_default()).into_owned()
    }

    /// What it has written to its standard output.
    pub fn output(&self) -> String {
        fs::read_to_string(self.log.with_extension("out")).unwrap()
    }

    /// The first line of a log in JSON that says `message`.
    pub async fn logged(&mut self, message: &str) -> Value {
        until(message, async || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!(
                    "ended with {status} before it said {message:?}:\n{}",
                    self.log()
                );
            }
            self.log().lines().find_map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                (line["message"] == message).then_some(line)
            })
        })
        .await
    }
}

/// Runs a program to its end.
pub async fn run(program: impl AsRef<OsStr>, arguments: &[&OsStr]) -> Output {
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let name = program.as_ref().display().to_string();
    let output = timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{name} does not end"));
    output.unwrap_or_else(|error| panic!("{name} does not run: {error}"))
}

/// Runs a program to its good end, and gives its standard output.
pub async fn run_well(program: impl AsRef<OsStr>, arguments: &[&OsStr]) -> Vec<u8> {
    let output = run(&program, arguments).await;
    assert!(
        output.status.success(),
        "{} {arguments:?}: {}",
        program.as_ref().display(),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
