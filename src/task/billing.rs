//! The hourly tick of billing: hours that have ended are closed.

use std::time::Duration;

use super::{Gateways, Ran, Task};
use crate::domain::billing::tick;

/// How often it looks whether an hour is to be closed. Where it has to wait for those that write, the next run does it.
const INTERVAL: Duration = Duration::from_secs(10);
/// How long that may take.
const TIME_OUT: Duration = Duration::from_secs(10);

/// Closes hours, looking every ten seconds in one gateway.
pub fn task() -> Task {
    Task::new(
        "billing",
        Gateways::One,
        INTERVAL,
        TIME_OUT,
        |app| async move {
            tick::tick(&app).await?;
            Ok(Ran::Done)
        },
    )
}
