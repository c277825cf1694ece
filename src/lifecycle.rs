//! The gateway's life: what runs beside the server, and the order in which everything ends.
//!
//! ```text
//!  SIGTERM, SIGINT, or a part that failed
//!    1. agents in this process stop: the gateway still takes their reports
//!    2. no new connections, not ready; streams end; requests finish
//!    3. background tasks stop
//!    4. the database is closed
//! ```
//!
//! 1 to 3 together have the grace period. What has not ended by then is cut off: it was not accepted,
//! or is in the database and goes on after the next start. A second signal ends the process at once.

use std::{
    fmt::Display,
    io,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    app::App,
    config::Config,
    graphql::operation::Carrier,
    http::{Gateway, Server},
};

/// The exit code of a process that was told to end twice.
const EXIT_AT_ONCE: i32 = 1;

/// What runs in the gateway's process, and how it is told to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Cancelled first: everything is to end.
    stop: CancellationToken,
    /// Cancelled once the agents have stopped: the server ends.
    stop_serving: CancellationToken,
    /// Cancelled once the server has ended: background tasks end.
    stop_tasks: CancellationToken,
    agents: TaskTracker,
    server: TaskTracker,
    tasks: TaskTracker,
    failure: Arc<Mutex<Option<Failure>>>,
}

/// A part of the gateway that ended before it was told to.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{part} failed: {cause}")]
pub struct Failure {
    part: &'static str,
    cause: String,
}

impl Lifecycle {
    /// Nothing runs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells everything to stop, as a signal does.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops at SIGTERM or SIGINT; ends the process at the second one.
    pub fn stop_on_signal(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = self.stop.clone();
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                }
            };
            let name = next().await;
            tracing::info!("{name}: stopping; once more ends the process at once");
            stop.cancel();
            let name = next().await;
            tracing::warn!("{name} again: not waiting for what still runs");
            std::process::exit(EXIT_AT_ONCE);
        });
        Ok(())
    }

    /// Runs an agent in this process. It is told to stop first, while the gateway still answers it.
    /// If it ends before that, so does the gateway.
    pub fn spawn_agent<F, T, X>(&self, agent: F)
    where
        F: FnOnce(CancellationToken) -> T,
        T: Future<Output = Result<(), X>> + Send + 'static,
        X: Display + Send,
    {
        let token = self.stop.child_token();
        self.spawn(
            &self.agents,
            "the embedded agent",
            token.clone(),
            agent(token),
        );
    }

    /// Runs a background task that ends when its token is cancelled. It is told so after the last
    /// request has finished. If it ends before that, so does the gateway.
    pub fn spawn_task<F, T, X>(&self, name: &'static str, task: F)
    where
        F: FnOnce(CancellationToken) -> T,
        T: Future<Output = Result<(), X>> + Send + 'static,
        X: Display + Send,
    {
        let token = self.stop_tasks.child_token();
        self.spawn(&self.tasks, name, token.clone(), task(token));
    }

    /// Serves `executor` on `server` until it is told to stop, then ends everything in order. The
    /// database is closed by whoever opened it.
    pub async fn run<E: Carrier>(
        self,
        server: Server,
        app: App,
        executor: E,
        config: &Config,
    ) -> Result<(), Failure> {
        let gateway = Gateway::new(&app, executor, config, self.stop_serving.clone());
        self.spawn(
            &self.server,
            "the server",
            self.stop_serving.clone(),
            server.serve(gateway).map(Ok::<_, Failure>),
        );
        self.stop.cancelled().await;
        let deadline = Instant::now() + config.http.shutdown_grace();
        let orderly = async {
            self.agents.close();
            self.agents.wait().await;
            self.stop_serving.cancel();
            self.server.close();
            self.server.wait().await;
            self.stop_tasks.cancel();
            self.tasks.close();
            self.tasks.wait().await;
        };
        if timeout_at(deadline, orderly).await.is_err() {
            tracing::warn!("the grace period is over: not waiting for what still runs");
        }
        match self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    fn spawn<X: Display>(
        &self,
        tracker: &TaskTracker,
        part: &'static str,
        token: CancellationToken,
        work: impl Future<Output = Result<(), X>> + Send + 'static,
    ) {
        let stop = self.stop.clone();
        let failure = Arc::clone(&self.failure);
        tracker.spawn(async move {
            let cause = match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(())) if token.is_cancelled() => return,
                Ok(Ok(())) => "it ended too early".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it panicked".to_owned(),
            };
            tracing::error!(part, cause, "a part of the gateway failed");
            failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(Failure { part, cause });
            stop.cancel();
        });
    }
}
