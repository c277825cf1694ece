//! Adds what callers were refused whom nobody knows to what is kept. Each gateway has counted its own.

use std::time::Duration;

use super::{Gateways, Ran, Task};
use crate::domain::refused;

/// How often.
const INTERVAL: Duration = Duration::from_mins(1);
/// How long that may take.
const TIME_OUT: Duration = Duration::from_mins(1);

/// Keeps what was refused, every minute in each gateway.
pub fn task() -> Task {
    Task::new(
        "refusals",
        Gateways::Each,
        INTERVAL,
        TIME_OUT,
        |app| async move {
            refused::keep(&app).await?;
            Ok(Ran::Done)
        },
    )
}
