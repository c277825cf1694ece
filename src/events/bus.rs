//! The bus: how gateways on one database tell each other what has changed.
//!
//! ```text
//!  commit → hub: wakes who watches here
//!              └► outbox → bus ── at most one NOTIFY in 10 ms ──► bus of each other gateway → its hub
//!  numbers of events ────────── NOTIFY of their transaction ────► bus of each gateway → its hub
//! ```
//!
//! It is a hint, as the hub is. What it may have missed is made good: after its line was cut, everything that is
//! watched is read anew; and twice a second it is looked whether events were numbered that no gateway told of.

mod ledger;
pub(super) mod message;
mod postgres;

use tokio_util::sync::CancellationToken;

pub use self::postgres::Line;
use crate::app::App;

/// How what is told at this gateway reaches the others.
#[derive(Debug)]
pub enum Bus {
    /// There are no others: SQLite is one gateway's.
    Local,
    /// By PostgreSQL's notifications.
    Postgres(Box<Line>),
}

impl Bus {
    /// The bus of `app`'s database.
    pub fn of(app: &App) -> Self {
        match app.database.postgres() {
            Some(options) => Self::Postgres(Box::new(Line::new(app, options))),
            None => Self::Local,
        }
    }

    /// Keeps from now on what is told, for [`Self::tell`]: what a command changes that is no gateway.
    pub fn open(&self) {
        if let Self::Postgres(line) = self {
            line.open();
        }
    }

    /// Tells once what is kept. Where it cannot, gateways find out when they next look.
    pub async fn tell(self) {
        if let Self::Postgres(line) = self {
            line.tell_once().await;
        }
    }

    /// Tells and hears until `stopping`.
    pub async fn run(self, stopping: CancellationToken) {
        match self {
            Self::Local => stopping.cancelled().await,
            Self::Postgres(line) => line.run(stopping).await,
        }
    }
}
