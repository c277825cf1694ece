//! That somebody may still do what they were let do, told from memory between two looks at the database.

use std::time::Duration;

use sea_orm::{EntityTrait, QuerySelect};
use tokio::time::Instant;

use super::{Error, Requester, Result, token};
use crate::app::App;

/// Who was looked up a while ago. It holds until their token expires; whoever keeps one looks them up anew when their
/// topic ([`Requester::topic`]) wakes.
#[derive(Clone, Debug)]
pub struct Standing {
    requester: Requester,
    since: Instant,
    ends_in: Option<Duration>,
}

impl Standing {
    /// That of `requester` by what the database knows now; an error once their token has ended.
    pub async fn of(app: &App, requester: &Requester) -> Result<Self> {
        use entity::token::{Column, Entity};
        let since = Instant::now();
        let requester = token::reauthenticate(app, requester).await?;
        let db = app.database.reads();
        let id = requester.token().ok_or(Error::Unauthenticated)?;
        let ends_at: Option<Option<chrono::DateTime<chrono::Utc>>> = Entity::find_by_id(id)
            .select_only()
            .column(Column::ExpiresAt)
            .into_tuple()
            .one(db)
            .await?;
        let ends_in = match ends_at.ok_or(Error::Unauthenticated)? {
            Some(at) => Some((at - app.clock.now(db).await?).to_std().unwrap_or_default()),
            None => None,
        };
        Ok(Self {
            requester,
            since,
            ends_in,
        })
    }

    /// Who it was, as the database knew them.
    pub fn requester(&self) -> &Requester {
        &self.requester
    }

    /// Whether that is no longer ago than `age`, and the token has not expired since.
    pub fn holds(&self, age: Duration) -> bool {
        let elapsed = self.since.elapsed();
        elapsed < age && self.ends_in.is_none_or(|ends_in| elapsed < ends_in)
    }
}
