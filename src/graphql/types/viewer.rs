//! The signed-in caller and its API tokens.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::{Scope, token::TokenKind};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{Account, Role, User, wraps};
use crate::{
    domain::Error,
    graphql::{context::app, error::Result, scalar::DateTime},
};

/// The signed-in caller. It reads what is its own by itself, because the answer to a sign-in goes
/// to a caller who was nobody when it asked.
#[derive(Clone, Debug)]
pub struct Viewer(pub Arc<entity::user::Model>);

wraps!(Viewer, user);

/// The signed-in caller.
#[Object]
impl Viewer {
    /// Who it is.
    async fn user(&self) -> User {
        User(self.0.clone())
    }

    /// The account it belongs to.
    async fn account(&self, ctx: &Context<'_>) -> Result<Account> {
        let id = self.0.account_id;
        let account = entity::account::Entity::visible_to(Scope::Account(id))
            .one(app(ctx)?.database.reads())
            .await?;
        let gone = || Error::Broken(format!("account {id} of a user is gone"));
        Ok(account.ok_or_else(gone)?.into())
    }

    /// What it may do.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// Its API tokens that were not revoked, the newest first.
    async fn api_tokens(&self, ctx: &Context<'_>) -> Result<Vec<ApiToken>> {
        use entity::token::{Column, Entity};
        let tokens = Entity::find()
            .filter(Column::UserId.eq(self.0.id))
            .filter(Column::Kind.eq(TokenKind::Api))
            .filter(Column::RevokedAt.is_null())
            .order_by_desc(Column::Id)
            .all(app(ctx)?.database.reads())
            .await?;
        Ok(tokens.into_iter().map(ApiToken::from).collect())
    }
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
