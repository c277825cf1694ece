//! A `qemu-nbd` that serves one disk to us, on a socket of its own.
//!
//! It ends by itself when the last of our connections does, so it cannot outlive us for long even
//! where nothing else stops it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::{Failure, Result};
use crate::{
    nbd::{self, Client},
    process::{self, Invocation, Output, Process, Processes},
};

const START_LIMIT: Duration = Duration::from_secs(20);
const START_POLL: Duration = Duration::from_millis(5);
/// How long a server that hangs up may take to end.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Longer than any operation may take.
const LIFETIME: Duration = Duration::from_hours(24);
/// Closing an image may write its metadata out.
const END_LIMIT: Duration = Duration::from_mins(5);

/// How a file is read and written, the best way first. Content passes through once, so the host's
/// page cache gains nothing by it and loses what instances have there; writes that wait in it would
/// also make the last flush as long as the whole restore. For RBD images the same words turn librbd's
/// own cache off, for the same reasons, and which kind of asynchronous calls means nothing.
const INPUT_OUTPUT: [&[&str]; 3] = [
    &["--cache=none", "--aio=io_uring"],
    &["--cache=none", "--aio=threads"],
    &["--cache=writeback", "--aio=threads"],
];
/// What `qemu-nbd` complains of where a host or a file system lacks one of them.
const LACKING: [&str; 2] = ["io_uring", "O_DIRECT"];

/// How a server is treated.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How many connections it gets.
    pub connections: usize,
    /// How long it has to close its image before it is killed, when it is dropped.
    pub farewell: Duration,
}

/// A running server and our connections to it. Dropping it kills the server.
pub struct Server {
    client: Client,
    process: Process,
    _socket: Socket,
}

impl Server {
    /// Starts `qemu-nbd` with `arguments` that name the disk, on a socket in `directory`.
    pub async fn start(
        processes: &Processes,
        program: &Path,
        arguments: &[String],
        directory: &Path,
        manner: Manner,
    ) -> std::result::Result<Self, StartError> {
        let mut ways = INPUT_OUTPUT.into_iter().peekable();
        loop {
            let way = ways.next().unwrap_or_default();
            match Self::try_start(processes, program, way, arguments, directory, manner).await {
                Err(StartError::Process(process::Error::Failed { message, .. }))
                    if ways.peek().is_some() && is_lacking(&message) =>
                {
                    tracing::debug!(?way, message, "the host cannot do that");
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_start(
        processes: &Processes,
        program: &Path,
        input_output: &[&str],
        arguments: &[String],
        directory: &Path,
        manner: Manner,
    ) -> std::result::Result<Self, StartError> {
        let socket = Socket::new(directory);
        let invocation = Invocation::new(program)
            .arg(format!("--socket={}", socket.0.display()))
            .arg(format!("--shared={}", manner.connections))
            .args(["--discard=unmap", "--detect-zeroes=off"])
            .args(input_output)
            .args(arguments)
            .time_limit(LIFETIME)
            .farewell(manner.farewell);
        let mut process = processes.start(invocation).await?;
        let connected = tokio::select! {
            biased;
            ended = process.wait() => return Err(ended_early(ended)),
            connected = connect(&socket.0, manner.connections) => connected,
        };
        match connected {
            Ok(client) => Ok(Self {
                client,
                process,
                _socket: socket,
            }),
            // It listens before it opens the image; if it hangs up, it is about to say why.
            Err(error) => match timeout(LAST_WORDS, process.wait()).await {
                Ok(ended) => Err(ended_early(ended)),
                Err(_) => Err(error),
            },
        }
    }

    /// The disk that is served.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The server's process.
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// Hangs up and waits until the server has closed the image.
    pub async fn finish(self) -> Result<()> {
        let Self {
            client,
            mut process,
            _socket,
        } = self;
        client.close().await;
        let Ok(ended) = timeout(END_LIMIT, process.wait()).await else {
            let message = "The volume's storage did not finish in time.";
            return Err(Failure::storage(message).because("qemu-nbd does not end"));
        };
        ended?;
        Ok(())
    }
}

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program failed.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// It runs, and serves nothing.
    #[error("qemu-nbd does not serve the disk: {0}")]
    Silent(String),
}

fn is_lacking(message: &str) -> bool {
    LACKING.iter().any(|lacking| message.contains(lacking))
}

fn ended_early(ended: std::result::Result<Output, process::Error>) -> StartError {
    match ended {
        Err(error) => error.into(),
        Ok(_) => StartError::Silent("it ended before it served anything".into()),
    }
}

async fn connect(socket: &Path, connections: usize) -> std::result::Result<Client, StartError> {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        match Client::connect(socket, connections).await {
            Ok(client) => return Ok(client),
            Err(nbd::Error::Connect(_)) if Instant::now() < deadline => sleep(START_POLL).await,
            Err(error) => return Err(StartError::Silent(error.to_string())),
        }
    }
}

/// A socket's file, which goes with its server.
struct Socket(PathBuf);

impl Socket {
    fn new(directory: &Path) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a name that nobody else has, seen by nobody"
        )]
        let name = Uuid::now_v7().simple();
        Self(directory.join(format!("{name}.sock")))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.0.display(), %error, "a socket stays");
        }
    }
}
