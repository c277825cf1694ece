//! Records end: what is older than anybody needs is deleted.

use std::time::Duration;

use super::{Gateways, Ran, Task};
use crate::{
    app::App,
    domain::{self, records},
};

/// How often what has ended is looked for. Where one run cannot delete all of it, the next begins at once.
const INTERVAL: Duration = Duration::from_hours(1);
/// How long a run may take. What it deleted by then is gone.
const TIME_OUT: Duration = Duration::from_mins(10);

/// Deletes records that have ended, every hour by one gateway.
pub fn task() -> Task {
    Task::new(
        "retention",
        Gateways::One,
        INTERVAL,
        TIME_OUT,
        |app| async move { run(&app).await },
    )
}

async fn run(app: &App) -> domain::Result<Ran> {
    let ended = records::end(app).await?;
    if ended.rows > 0 {
        tracing::info!(rows = ended.rows, "records have ended");
    }
    Ok(if ended.more { Ran::More } else { Ran::Done })
}
