//! A socket between the agent and QEMU, at which something happens when a command comes by.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
    time::{Duration, sleep},
};
use tokio_util::sync::CancellationToken;

/// Before QEMU is tried again that has no room for one more client.
const PAUSE: Duration = Duration::from_millis(20);

/// What becomes of a command.
pub enum Verdict {
    /// QEMU gets it.
    Pass,
    /// QEMU gets this instead.
    Instead(String),
    /// QEMU gets it and carries it out, whereupon this is cancelled. The agent hears nothing of it,
    /// nor of anything else from then on.
    Swallow(CancellationToken),
}

/// Passes everything on until it is dropped.
pub struct Proxy {
    socket: PathBuf,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A socket at `socket` that leads to the one at `qemu`. `look` judges each command.
    pub fn start(
        socket: PathBuf,
        qemu: &Path,
        look: impl Fn(&str) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(&socket).unwrap();
        let (qemu, own) = (qemu.to_owned(), socket.clone());
        let deaf = AtomicBool::new(false);
        let task = tokio::spawn(async move {
            // As QEMU does, one client after the other.
            while let Ok((agent, _)) = listener.accept().await {
                let Ok(qemu) = reach(&qemu).await else {
                    // Nor is anybody behind this socket, then.
                    std::fs::remove_file(&own).unwrap();
                    break;
                };
                // It ends when either side does.
                let _ = pass(agent, qemu, &deaf, &look).await;
            }
        });
        Self { socket, task }
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reaches QEMU. Clients that gave up before it let them in fill the row of those that wait, until it
/// has seen that they are gone.
async fn reach(qemu: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(qemu).await {
            Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(PAUSE).await,
            reached => return reached,
        }
    }
}

async fn pass(
    agent: UnixStream,
    mut qemu: UnixStream,
    deaf: &AtomicBool,
    look: &impl Fn(&str) -> Verdict,
) -> io::Result<()> {
    let (commands, mut answers) = agent.into_split();
    let mut commands = BufReader::new(commands).lines();
    let mut buffer = vec![0; 1 << 20];
    loop {
        tokio::select! {
            command = commands.next_line() => {
                let Some(command) = command? else {
                    return Ok(());
                };
                let verdict = look(&command);
                let command = match &verdict {
                    Verdict::Instead(other) => other,
                    _ => &command,
                };
                qemu.write_all(format!("{command}\n").as_bytes()).await?;
                if let Verdict::Swallow(done) = verdict {
                    deaf.store(true, Ordering::SeqCst);
                    let mut answer = Vec::new();
                    while !String::from_utf8_lossy(&answer).contains("\"return\"") {
                        qemu.read_buf(&mut answer).await?;
                    }
                    done.cancel();
                    while commands.next_line().await?.is_some() {}
                    return Ok(());
                }
            }
            length = qemu.read(&mut buffer) => {
                let length = length?;
                if length == 0 {
                    return Ok(());
                }
                if !deaf.load(Ordering::SeqCst) {
                    answers.write_all(&buffer[..length]).await?;
                }
            }
        }
    }
}
