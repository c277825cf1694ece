//! Sessions as their users see them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use crate::{
    domain::Requester,
    graphql::{context::app, error::Result, scalar::DateTime},
};

/// A sign-in that lasts.
#[derive(Clone, Debug)]
pub struct Session {
    row: Arc<entity::token::Model>,
    is_current: bool,
}

impl Session {
    /// The session `row` as `requester` sees it.
    pub fn of(row: Arc<entity::token::Model>, requester: &Requester) -> Self {
        let is_current = requester.token() == Some(row.id);
        Self { row, is_current }
    }
}

/// A sign-in that lasts, of a browser or of another program.
#[Object]
impl Session {
    /// Its id.
    async fn id(&self) -> ID {
        ID::from(self.row.id)
    }

    /// When its user signed in.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When it was last used, to the minute; null for never.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.row.last_used_at.map(DateTime)
    }

    /// When it ends by itself.
    #[expect(clippy::unused_async, reason = "async-graphql awaits every field")]
    async fn expires_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        // Every sign-in sets it. Who writes a row by hand may leave it out.
        let usual = self.row.created_at + app(ctx)?.settings.session;
        Ok(self.row.expires_at.unwrap_or(usual).into())
    }

    /// Whether the request came by it.
    async fn current(&self) -> bool {
        self.is_current
    }
}
