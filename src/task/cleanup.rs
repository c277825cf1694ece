//! The cleanup: what lost its agent, did not end in time, or is held by nothing.

use std::time::Duration;

use super::{Gateways, Ran, Task};
use crate::{
    app::App,
    domain::{
        self,
        operation::recover::{Repaired, recover},
    },
};

/// How long a run may take. What it repaired by then stays repaired.
const TIME_OUT: Duration = Duration::from_mins(1);

/// The cleanup, done every `interval` by one gateway.
pub fn task(interval: Duration) -> Task {
    Task::new(
        "cleanup",
        Gateways::One,
        interval,
        TIME_OUT,
        |app| async move { run(&app).await },
    )
}

async fn run(app: &App) -> domain::Result<Ran> {
    let repaired = recover(app).await?;
    app.metrics.lost(repaired.lost);
    if repaired != Repaired::default() {
        tracing::warn!(?repaired, "the cleanup found something to repair");
    }
    Ok(Ran::Done)
}
