//! A socket between the agent and QEMU, at which something happens when a command comes by.

use std::path::{Path, PathBuf};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

/// Passes everything on until it is dropped.
pub struct Proxy {
    socket: PathBuf,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A socket at `socket` that leads to the one at `qemu`. Each command is shown to `look` before
    /// it is passed on, and not passed on at all if that says false.
    pub fn start(
        socket: PathBuf,
        qemu: &Path,
        look: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(&socket).unwrap();
        let (qemu, own) = (qemu.to_owned(), socket.clone());
        let task = tokio::spawn(async move {
            while let Ok((agent, _)) = listener.accept().await {
                let Ok(qemu) = UnixStream::connect(&qemu).await else {
                    // Nor is anybody behind this socket, then.
                    std::fs::remove_file(&own).unwrap();
                    break;
                };
                pass(agent, qemu, &look).await;
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

/// As QEMU does, one client after the other.
async fn pass(agent: UnixStream, qemu: UnixStream, look: &impl Fn(&str) -> bool) {
    let (agent_read, mut agent_write) = agent.into_split();
    let (mut qemu_read, mut qemu_write) = qemu.into_split();
    let commands = async {
        let mut lines = BufReader::new(agent_read).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let passed_on = !look(&line) || qemu_write.write_all(line.as_bytes()).await.is_ok();
            let ended = passed_on && qemu_write.write_all(b"\n").await.is_err();
            if ended {
                break;
            }
        }
    };
    tokio::select! {
        () = commands => {}
        _ = copy(&mut qemu_read, &mut agent_write) => {}
    }
}
