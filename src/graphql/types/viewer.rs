//! The signed-in caller, its API tokens and its sessions.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};

use super::{Account, Role, Session, User, wraps};
use crate::{
    domain::Requester,
    graphql::{
        context::loaders,
        error::Result,
        loader::{AccountOfViewer, ApiTokensOfViewer, SessionsOfViewer},
        scalar::DateTime,
    },
};

/// The signed-in caller.
#[derive(Clone, Debug)]
pub struct Viewer {
    requester: Requester,
    user: Arc<entity::user::Model>,
}

impl Viewer {
    /// The requester, who is a user.
    pub fn of(requester: &Requester) -> Result<Self> {
        Ok(Self {
            requester: requester.clone(),
            user: Arc::clone(requester.user()?),
        })
    }
}

/// The signed-in caller.
#[Object]
impl Viewer {
    /// Who it is.
    async fn user(&self) -> User {
        User(self.user.clone())
    }

    /// The account it belongs to.
    async fn account(&self, ctx: &Context<'_>) -> Result<Account> {
        let key = AccountOfViewer(self.user.account_id);
        Ok(loaders(ctx)?.find(key).await?.into())
    }

    /// What it may do.
    async fn role(&self) -> Role {
        self.user.role.into()
    }

    /// Its API tokens that have not ended, the newest first: at most 100.
    async fn api_tokens(&self, ctx: &Context<'_>) -> Result<Vec<ApiToken>> {
        let tokens = loaders(ctx)?.find(ApiTokensOfViewer(self.user.id)).await?;
        Ok(tokens.iter().cloned().map(ApiToken).collect())
    }

    /// Its sessions that have not ended, the newest first: at most 100.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<Session>> {
        let sessions = loaders(ctx)?.find(SessionsOfViewer(self.user.id)).await?;
        let session = |row: &Arc<_>| Session::of(Arc::clone(row), &self.requester);
        Ok(sessions.iter().map(session).collect())
    }
}

/// How much of what its user may do a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::token::TokenScope")]
pub enum TokenScope {
    /// It reads and watches. Every mutation is `FORBIDDEN`.
    ReadOnly,
    /// All of it.
    Full,
}

/// A token of automation.
#[derive(Clone, Debug)]
pub struct ApiToken(pub Arc<entity::token::Model>);

wraps!(ApiToken, token);

/// A token by which automation acts in its user's name. Its secret is shown once, when it is made.
#[Object]
impl ApiToken {
    /// Its id.
    async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What its user calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How much of what its user may do it may do.
    async fn scope(&self) -> TokenScope {
        self.0.scope.into()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it ends; null for never.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// When it was last used, to the minute; null for never.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime)
    }
}
