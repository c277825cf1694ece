//! The sequencer: gives committed events their numbers, on PostgreSQL. Which gateway does so is only a matter of not
//! getting in each other's way: the database sees to it that no number is given twice (`events/numbering.rs`).

use std::{sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::sleep};

use super::{Gateways, Ran, Task};
use crate::{
    app::App,
    domain,
    events::numbering::{Floor, number},
};

/// How often it is looked for events that nobody told of.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long a run may take.
const TIME_OUT: Duration = Duration::from_millis(500);
/// How long a gateway leads it that is not heard of.
const TERM: Duration = Duration::from_secs(1);
/// The shortest time between two runs: what is committed meanwhile is numbered together.
const PAUSE: Duration = Duration::from_millis(5);

/// Numbers events, whenever `app` hears of some, by one gateway.
pub fn task(app: &App) -> Task {
    let floor = Arc::<Mutex<Floor>>::default();
    Task::new("sequencer", Gateways::One, INTERVAL, TIME_OUT, move |app| {
        let floor = Arc::clone(&floor);
        async move { run(&app, &mut *floor.lock().await).await }
    })
    .with_term(TERM)
    .on(app.hub.unnumbered())
}

async fn run(app: &App, floor: &mut Floor) -> domain::Result<Ran> {
    let is_all = number(app, app.database.apart(), floor).await?;
    if !is_all {
        return Ok(Ran::More);
    }
    sleep(PAUSE).await;
    Ok(Ran::Done)
}
