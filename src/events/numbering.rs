//! Gives events their numbers after the commit, on PostgreSQL: `docs/adr/0013`. On SQLite they have them when they are
//! written.
//!
//! ```text
//!  commit ──► unnumbered_events ──number_events()──► operation_events, and a NOTIFY
//!             by serial                              by number, without gaps
//! ```
//!
//! Whoever calls it, the row of the counter is locked while numbers are given, so that no number is given twice. One call
//! is one statement: a gateway that is stopped in the middle holds no lock.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tokio::time::Instant;

use super::{News, bus::message, topic::short};
use crate::{
    app::App,
    domain::{Error, Result},
};

/// The most events that are numbered at once. What is told of them fits into one message.
const MOST: i32 = 150;
/// Who tells of what was numbered because somebody asked: a name that no gateway has, so that all of them listen.
const WHOEVER: &str = "-";

/// What is known of the events that were numbered, so that the next call need not look among their dead rows.
#[derive(Debug, Default)]
pub struct Floor {
    /// No event with this serial or a lower one is left, or will come.
    settled: i64,
    /// That is true of these serials once all transactions before this one have ended.
    mark: Option<(i64, i64)>,
    /// A call had no answer: it may have numbered events of which nobody here was told.
    is_in_doubt: bool,
}

/// What a call found.
struct Numbered {
    count: i64,
    /// No more were there.
    is_all: bool,
    /// What the gateways were told.
    message: Option<String>,
    mark: Option<(i64, i64)>,
    /// All transactions before this one have ended.
    oldest: i64,
}

/// Numbers events that are committed, and says whether those were all. Those who watch them here are woken, at other
/// gateways the database tells.
pub async fn number(app: &App, db: &impl ConnectionTrait, floor: &mut Floor) -> Result<bool> {
    let was_in_doubt = std::mem::replace(&mut floor.is_in_doubt, true);
    let sender = app.hub.name(|| app.ids.next(short));
    let numbered = call(db, sender, floor.settled).await?;
    floor.is_in_doubt = false;
    if was_in_doubt {
        app.hub.hear(&News::everything());
    }
    hear(app, numbered.message.as_deref());
    if numbered.is_all {
        if let Some((serial, xact)) = floor.mark
            && numbered.oldest >= xact
        {
            floor.settled = serial;
            floor.mark = None;
        }
        floor.mark = floor.mark.or(numbered.mark);
    }
    if numbered.count > 0 {
        tracing::trace!(events = numbered.count, "events are numbered");
    }
    Ok(numbered.is_all)
}

/// Returns when all events that were committed until now have their numbers. Those who wait for it at the same time
/// share what they wait for.
pub async fn settle(app: &App) -> Result<()> {
    if app.database.backend() != DbBackend::Postgres {
        return Ok(());
    }
    let asked_at = Instant::now();
    let mut settled = app.hub.settled().await;
    if settled.is_some_and(|began_at| began_at > asked_at) {
        return Ok(());
    }
    let began_at = Instant::now();
    loop {
        let numbered = call(app.database.writes(), WHOEVER, 0).await?;
        hear(app, numbered.message.as_deref());
        if numbered.is_all {
            break;
        }
    }
    *settled = Some(began_at);
    Ok(())
}

fn hear(app: &App, message: Option<&str>) {
    if let Some(message) = message {
        app.hub.hear(&message::read(message).1);
    }
}

async fn call(db: &impl ConnectionTrait, sender: &str, above: i64) -> Result<Numbered> {
    let call = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT numbered, is_all, message, mark_serial, mark_xact, oldest \
         FROM number_events($1, $2, $3)",
        [sender.into(), above.into(), MOST.into()],
    );
    let row = db
        .query_one_raw(call)
        .await?
        .ok_or_else(|| Error::Broken("the database numbers no events".to_owned()))?;
    let read = || {
        let serial: Option<i64> = row.try_get("", "mark_serial")?;
        let xact: Option<i64> = row.try_get("", "mark_xact")?;
        Ok::<_, DbErr>(Numbered {
            count: row.try_get("", "numbered")?,
            is_all: row.try_get("", "is_all")?,
            message: row.try_get("", "message")?,
            mark: serial.zip(xact),
            oldest: row.try_get("", "oldest")?,
        })
    };
    Ok(read()?)
}
