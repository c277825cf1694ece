//! Writes to the rows how far agents said that they are. Each gateway writes what was said to it.

use std::time::Duration;

use super::{Gateways, Ran, Task};
use crate::domain::operation::progress;

/// How often.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long that may take.
const TIME_OUT: Duration = Duration::from_secs(30);

/// Keeps what was reported, every five seconds in each gateway.
pub fn task() -> Task {
    Task::new(
        "progress",
        Gateways::Each,
        INTERVAL,
        TIME_OUT,
        |app| async move {
            progress::keep(&app).await?;
            Ok(Ran::Done)
        },
    )
}
