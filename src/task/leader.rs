//! Who does a task that one gateway does: a row with a term. The database's clock says when that is over, and gateways
//! whose own clocks differ agree.
//!
//! Its statements have a connection of their own: where all others are busy, a leader is not taken to be gone.

use std::time::Duration;

use entity::leader;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, Statement};
use tokio::time::Instant;

use crate::{app::App, database::Database, domain::Clock};

/// A gateway that would lead a task.
#[derive(Clone, Debug)]
pub struct Leader {
    database: Database,
    clock: Clock,
    task: &'static str,
    holder: String,
    term: Duration,
}

/// Who leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// This gateway.
    Own(Term),
    /// Another one, for so long at most unless it goes on.
    Others(Duration),
}

/// For how long a gateway leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    number: i64,
    until: Instant,
}

impl Term {
    /// Rises each time that another takes over. A statement that must not be late compares it with the row's.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// When it is over, unless it is renewed: by this process's clock, and no later than by the database's.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Whether another may lead by now.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}

impl Leader {
    /// A gateway that would lead `task` for `term`, whenever it says so anew.
    pub fn new(app: &App, task: &'static str, term: Duration) -> Self {
        Self {
            database: app.database.clone(),
            clock: app.clock.clone(),
            task,
            holder: app.ids.next(|id| id.hyphenated().to_string()),
            term,
        }
    }

    /// Takes the lead, or keeps it for another term, unless another gateway has it.
    pub async fn lead(&self) -> Result<Lead, DbErr> {
        // Whoever only waits writes nothing.
        if let Some(rest) = self.rest().await? {
            return Ok(Lead::Others(rest));
        }
        let db = self.database.apart();
        let backend = db.get_database_backend();
        let now = self.clock.sql(backend, Duration::ZERO);
        let until = self.clock.sql(backend, self.term);
        let sql = format!(
            "INSERT INTO leaders (task, holder, term, expires_at) VALUES ($1, $2, 1, {until})
             ON CONFLICT (task) DO UPDATE SET
                holder = excluded.holder,
                term = leaders.term + CASE WHEN leaders.holder = excluded.holder THEN 0 ELSE 1 END,
                expires_at = excluded.expires_at
             WHERE leaders.holder = excluded.holder OR leaders.expires_at <= {now}
             RETURNING term"
        );
        let values = [self.task.into(), self.holder.as_str().into()];
        let take = Statement::from_sql_and_values(backend, sql, values);
        // Before it is asked for: what the database then gives ends no sooner.
        let asked_at = Instant::now();
        match db.query_one_raw(take).await? {
            Some(row) => Ok(Lead::Own(Term {
                number: row.try_get("", "term")?,
                until: asked_at + self.term,
            })),
            // It was quicker.
            None => Ok(Lead::Others(self.rest().await?.unwrap_or_default())),
        }
    }

    /// Gives up the lead: another need not wait until the term is over.
    pub async fn resign(&self) -> Result<(), DbErr> {
        let db = self.database.apart();
        let backend = db.get_database_backend();
        let now = self.clock.sql(backend, Duration::ZERO);
        let sql = format!("UPDATE leaders SET expires_at = {now} WHERE task = $1 AND holder = $2");
        let values = [self.task.into(), self.holder.as_str().into()];
        let give_up = Statement::from_sql_and_values(backend, sql, values);
        db.execute_raw(give_up).await?;
        Ok(())
    }

    /// How long another that leads may go on doing so.
    async fn rest(&self) -> Result<Option<Duration>, DbErr> {
        let db = self.database.apart();
        let leader = leader::Entity::find_by_id(self.task.to_owned());
        let Some(row) = leader.one(db).await? else {
            return Ok(None);
        };
        if row.holder == self.holder {
            return Ok(None);
        }
        let rest = row.expires_at - self.clock.now(db).await?;
        Ok(rest.to_std().ok().filter(|rest| !rest.is_zero()))
    }
}
