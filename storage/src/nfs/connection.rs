//! One connection to an export, shared by all operations of a store, and made anew when it is lost.
//!
//! ```text
//!            first use                       lost: cut, stale, session gone
//! (nothing) ───────────▶ mounted ◀──┐      ┌─────────────────────────────────┐
//!      ▲                    │       └──────┤ discarded, mounted anew, and    │
//!      │ no answer          │              │ what was asked is asked again   │
//!      └────────────────────┘              └─────────────────────────────────┘
//! ```

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nfs_rs::{Mount, NfsError};
use tokio::time::{Instant, timeout};

use super::failure::{Failure, Kind, Outcome};
use crate::{Error, Result, nfs_export::Address};

/// Resolving the name, connecting, opening a session and finding the directory.
const MOUNT_LIMIT: Duration = Duration::from_secs(20);
/// One request. The library gives up earlier, after 15 to 60 seconds by its kind; this is for what
/// it waits for without a limit.
const REQUEST_LIMIT: Duration = Duration::from_secs(75);
/// Saying good-bye.
const UNMOUNT_LIMIT: Duration = Duration::from_secs(30);
/// A directory, as the library names the type.
pub(super) const DIRECTORY: u32 = 2;
/// A plain file.
pub(super) const FILE: u32 = 1;
/// A symbolic link.
pub(super) const LINK: u32 = 5;

/// What the operations of a store share. Clones are the same connection.
#[derive(Debug, Clone)]
pub(super) struct Connection(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    address: Address,
    current: Mutex<Option<Arc<Mounted>>>,
    /// Held while mounting; has the last attempt that failed, for those who waited for it.
    mounting: tokio::sync::Mutex<Option<(Instant, Error)>>,
}

/// An export's directory, mounted by the library.
#[derive(Debug)]
pub(super) struct Mounted {
    mount: Option<Arc<dyn Mount>>,
}

impl Connection {
    pub(super) fn new(address: Address) -> Self {
        Self(Arc::new(Shared {
            address,
            current: Mutex::default(),
            mounting: tokio::sync::Mutex::default(),
        }))
    }

    /// Does something on the server. What the loss of the connection interrupts is done once more
    /// on a new one, so it has to be safe to do twice: a connection that nobody used for a while may
    /// have gone unnoticed. A server that is not there then is [`Error::Transient`].
    ///
    /// It runs to its end in a task of its own, also if nobody waits for it any more: a request that
    /// is dropped half way costs the session one of its slots for good. Each request has a time
    /// limit, so the end comes.
    pub(super) async fn run<T, Op, Running>(&self, doing: impl Into<String>, op: Op) -> Result<T>
    where
        T: Send + 'static,
        Op: Fn(Arc<Mounted>) -> Running + Send + 'static,
        Running: Future<Output = Outcome<T>> + Send,
    {
        let (connection, doing) = (self.clone(), doing.into());
        owned(async move {
            let mounted = connection.mounted().await?;
            let failure = match op(Arc::clone(&mounted)).await {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            let retry = failure.kind() == Kind::Lost;
            let error = connection.failed(&mounted, failure, &doing);
            if !retry {
                return Err(error);
            }
            tracing::info!(%error, "the connection to an NFS server is made anew");
            let mounted = connection.mounted().await?;
            let outcome = op(Arc::clone(&mounted)).await;
            outcome.map_err(|failure| connection.failed(&mounted, failure, &doing))
        })
        .await
    }

    /// The error of a failure. A connection that it voids is given up.
    pub(super) fn failed(&self, mounted: &Arc<Mounted>, failure: Failure, doing: &str) -> Error {
        if matches!(failure.kind(), Kind::Lost | Kind::Silent) {
            let mut current = self.current();
            if current
                .as_ref()
                .is_some_and(|now| Arc::ptr_eq(now, mounted))
            {
                *current = None;
            }
        }
        failure.into_error(doing, &self.0.address.to_string())
    }

    /// The connection as it is, or a new one.
    pub(super) async fn mounted(&self) -> Result<Arc<Mounted>> {
        let asked_at = Instant::now();
        if let Some(mounted) = self.current().clone() {
            return Ok(mounted);
        }
        let mut last_failure = self.0.mounting.lock().await;
        if let Some(mounted) = self.current().clone() {
            return Ok(mounted);
        }
        // Whoever waited for an attempt that failed need not make the same one again.
        let failed = last_failure.as_ref().filter(|(at, _)| *at > asked_at);
        if let Some(error) = failed.and_then(|(_, error)| said_again(error)) {
            return Err(error);
        }
        match mount(&self.0.address).await {
            Ok(mounted) => {
                let mounted = Arc::new(mounted);
                *self.current() = Some(Arc::clone(&mounted));
                Ok(mounted)
            }
            Err(error) => {
                *last_failure = said_again(&error).map(|error| (Instant::now(), error));
                Err(error)
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<Mounted>>> {
        let current = self.0.current.lock();
        current.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mounted {
    /// Makes one request, with a time limit.
    pub(super) async fn ask<T, Asked, Answer>(&self, request: Asked) -> Outcome<T>
    where
        Asked: FnOnce(Arc<dyn Mount>) -> Answer,
        Answer: Future<Output = nfs_rs::Result<T>>,
    {
        let Some(mount) = &self.mount else {
            return Err(Failure::Silent);
        };
        match timeout(REQUEST_LIMIT, request(Arc::clone(mount))).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Failure::Silent),
        }
    }

    /// The most bytes that one READ and one WRITE may carry.
    pub(super) fn io_bytes(&self) -> (u32, u32) {
        self.mount.as_ref().map_or((1, 1), |mount| {
            (mount.get_max_read_size(), mount.get_max_write_size())
        })
    }
}

/// The library keeps a connection and a task for a mount that is dropped without a good-bye.
impl Drop for Mounted {
    fn drop(&mut self) {
        let (Some(mount), Ok(runtime)) = (self.mount.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        runtime.spawn(async move {
            if !matches!(timeout(UNMOUNT_LIMIT, mount.umount()).await, Ok(Ok(()))) {
                tracing::debug!("an NFS session ends without the server's consent");
            }
        });
    }
}

/// Runs something to its end, whether anybody waits for it or not.
pub(super) async fn owned<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(lost) => Err(Error::Io {
            doing: "waiting for an NFS operation".into(),
            source: io::Error::other(lost),
        }),
    }
}

/// The failure of an attempt to connect, for one more of those who waited for it.
fn said_again(error: &Error) -> Option<Error> {
    match error {
        Error::Unreachable { reason } => Some(Error::Unreachable {
            reason: reason.clone(),
        }),
        Error::Transient { reason } => Some(Error::Transient {
            reason: reason.clone(),
        }),
        _ => None,
    }
}

async fn mount(address: &Address) -> Result<Mounted> {
    let doing = "connecting";
    let failure = match attempt(address).await {
        Ok(mounted) => return Ok(mounted),
        Err(failure) => failure,
    };
    if failure.kind() != Kind::Absent {
        return Err(failure.into_error(doing, &address.to_string()));
    }
    let export = address.without_directory();
    let reason = if address.directory.is_empty() {
        format!("the server has no export {export}")
    } else {
        match attempt(&export).await {
            Ok(_) => {
                let directory = address.directory_path();
                format!("directory {directory} does not exist in the export {export}")
            }
            Err(failure) if failure.kind() == Kind::Absent => {
                format!("the server has no export {export}")
            }
            Err(failure) => return Err(failure.into_error(doing, &export.to_string())),
        }
    };
    Err(Error::Unreachable { reason })
}

/// Mounts, from a privileged port where this process may use one: many servers insist.
async fn attempt(address: &Address) -> Outcome<Mounted> {
    let mount = match mount_url(address.url(true)).await {
        Err(Failure::Nfs(NfsError::Io(error)))
            if error.kind() == io::ErrorKind::PermissionDenied =>
        {
            mount_url(address.url(false)).await?
        }
        outcome => outcome?,
    };
    let mounted = Mounted {
        mount: Some(Arc::from(mount)),
    };
    let root = mounted
        .ask(|mount| async move { mount.getattr(mount.getfh().await).await })
        .await?;
    if root.type_ == DIRECTORY {
        Ok(mounted)
    } else {
        let reason = format!("{address} is not a directory");
        Err(Error::Unreachable { reason }.into())
    }
}

async fn mount_url(url: String) -> Outcome<Box<dyn Mount>> {
    match timeout(MOUNT_LIMIT, nfs_rs::parse_url_and_mount(&url)).await {
        Ok(mounted) => Ok(mounted?),
        Err(_) => Err(Failure::Silent),
    }
}
