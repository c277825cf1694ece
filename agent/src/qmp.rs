//! A client of QEMU's control protocol, QMP: one command at a time, each with an end to its wait.
//!
//! The types that are generated from QEMU's schema are of no use here: they refuse what a later QEMU
//! adds, be it an event that nobody asked for. And an answer must be known by an id that was never
//! used before: QEMU carries out a command whose sender has hung up, and gives the answer to whoever
//! connects next.

mod wire;

use std::{io, path::Path, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{
    net::UnixStream,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use self::wire::{Message, Wire};

/// How long QEMU may take for what it only has to look up.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Between two attempts to be let in.
const PAUSE: Duration = Duration::from_millis(20);
/// What QEMU is asked for before any command.
const CONNECTING: &str = "a connection";

/// Why QEMU did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens, so no QEMU runs there.
    #[error("no QEMU listens on the control socket")]
    Absent,
    /// The socket cannot be used.
    #[error("the control socket cannot be used: {0}")]
    Unusable(io::Error),
    /// QEMU hangs, or somebody else uses the socket.
    #[error("no answer to {command} within {seconds} seconds")]
    Silent {
        /// What it was asked.
        command: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// QEMU has ended, or has thrown us out.
    #[error("QEMU closed the control socket during {command}")]
    Closed {
        /// What it was asked.
        command: String,
    },
    /// QEMU does not want to.
    #[error("QEMU refused {command}: {reason}")]
    Refused {
        /// What it was asked.
        command: String,
        /// Its own words.
        reason: String,
    },
    /// What listens there is no QEMU, or one that cannot be understood.
    #[error("the answer to {command} makes no sense: {reason}")]
    Nonsense {
        /// What it was asked.
        command: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A connection to a running QEMU, which serves no other client on this socket meanwhile.
#[derive(Debug)]
pub struct Monitor {
    wire: Wire,
}

impl Monitor {
    /// Connects, and waits until QEMU takes commands. Whatever an earlier connection asked for has
    /// been done by then, or never will be: QEMU carries commands out in the order they came.
    pub async fn connect(socket: &Path) -> Result<Self, Error> {
        let mut monitor = Self {
            wire: Wire::new(reach(socket).await?),
        };
        let first = timeout(ANSWER_LIMIT, monitor.wire.receive());
        match first.await {
            Ok(Ok(message)) if message.greeting.is_some() => {}
            Ok(Ok(_)) => return Err(nonsense(CONNECTING, "it is no greeting")),
            Ok(Err(error)) => return Err(broken(CONNECTING, &error)),
            Err(_) => return Err(silent(CONNECTING, ANSWER_LIMIT)),
        }
        let ready = monitor.execute("qmp_capabilities", json!({}), ANSWER_LIMIT);
        ready.await.map(|_: Value| monitor)
    }

    /// The process that opened the socket: QEMU itself, or who started it.
    pub fn peer(&self) -> Option<u32> {
        self.wire.peer()
    }

    /// Has QEMU carry out one command, and waits at most for `limit`. It may be carried out even if
    /// nobody waits for it any more.
    pub async fn execute<T: DeserializeOwned>(
        &mut self,
        command: &str,
        arguments: Value,
        limit: Duration,
    ) -> Result<T, Error> {
        let answer = match timeout(limit, self.ask(command, arguments)).await {
            Ok(answer) => answer.map_err(|error| broken(command, &error))?,
            Err(_) => return Err(silent(command, limit)),
        };
        if let Some(refusal) = answer.error {
            return Err(Error::Refused {
                command: command.into(),
                reason: refusal.description,
            });
        }
        serde_json::from_value(answer.outcome.unwrap_or_default())
            .map_err(|error| nonsense(command, &error))
    }

    async fn ask(&mut self, command: &str, arguments: Value) -> io::Result<Message> {
        #[expect(
            clippy::disallowed_methods,
            reason = "an id that no earlier connection has used, seen by nobody"
        )]
        let id = Value::from(Uuid::now_v7().to_string());
        let request = json!({ "execute": command, "arguments": arguments, "id": id });
        self.wire.send(&request).await?;
        loop {
            let message = self.wire.receive().await?;
            if message.id.as_ref() == Some(&id) {
                return Ok(message);
            }
            // An event, or the answer to somebody who has gone.
        }
    }
}

/// Reaches QEMU, if need be after others that it has not let in yet: some of them have gone already.
async fn reach(socket: &Path) -> Result<UnixStream, Error> {
    let deadline = Instant::now() + ANSWER_LIMIT;
    loop {
        let error = match UnixStream::connect(socket).await {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                return Err(Error::Absent);
            }
            io::ErrorKind::WouldBlock if Instant::now() < deadline => sleep(PAUSE).await,
            io::ErrorKind::WouldBlock => return Err(silent(CONNECTING, ANSWER_LIMIT)),
            _ => return Err(Error::Unusable(error)),
        }
    }
}

fn silent(command: &str, waited: Duration) -> Error {
    Error::Silent {
        command: command.into(),
        seconds: waited.as_secs(),
    }
}

fn nonsense(command: &str, reason: &(impl ToString + ?Sized)) -> Error {
    Error::Nonsense {
        command: command.into(),
        reason: reason.to_string(),
    }
}

fn broken(command: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset => Error::Closed {
            command: command.into(),
        },
        _ => nonsense(command, error),
    }
}
