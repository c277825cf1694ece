//! Tokens: opaque secrets that callers bear. The database keeps only their hashes.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{HypervisorId, TokenId, UserId, token::TokenKind};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::Expr,
};
use sha2::{Digest, Sha256};

use super::{Error, Requester, Result};
use crate::{app::App, events::Topic};

/// A new token and its secret, which is shown once and not kept.
#[derive(Debug)]
pub struct Issued {
    /// The row.
    pub token: entity::token::Model,
    /// What its bearer sends.
    pub secret: String,
}

/// Whom a token speaks for.
#[derive(Clone, Copy, Debug)]
pub enum Bearer {
    /// A person who signed in.
    Session(UserId),
    /// Automation in a person's name.
    Api(UserId),
    /// The agent of a hypervisor.
    Agent(HypervisorId),
}

/// Makes a token. `expires_at` null means never.
pub async fn issue(
    app: &App,
    db: &impl ConnectionTrait,
    bearer: Bearer,
    name: &str,
    now: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Issued> {
    let (kind, user_id, hypervisor_id) = match bearer {
        Bearer::Session(user) => (TokenKind::Session, Some(user), None),
        Bearer::Api(user) => (TokenKind::Api, Some(user), None),
        Bearer::Agent(hypervisor) => (TokenKind::Agent, None, Some(hypervisor)),
    };
    let secret = format!("tidemark_{}", app.ids.secret());
    let token = entity::token::ActiveModel {
        id: Set(app.ids.next(TokenId::from_uuid)),
        kind: Set(kind),
        user_id: Set(user_id),
        hypervisor_id: Set(hypervisor_id),
        name: Set(name.to_owned()),
        hash: Set(hash(&secret)),
        created_at: Set(now),
        expires_at: Set(expires_at),
        last_used_at: Set(None),
        revoked_at: Set(None),
    };
    Ok(Issued {
        token: token.insert(db).await?,
        secret,
    })
}

/// Whom `secret` speaks for. One that is unknown, expired or revoked is no different from none.
pub async fn authenticate(app: &App, secret: &str) -> Result<Requester> {
    let db = app.database.reads();
    let token = entity::token::Entity::find()
        .filter(entity::token::Column::Hash.eq(hash(secret)))
        .one(db)
        .await?
        .ok_or(Error::Unauthenticated)?;
    let now = app.clock.now(db).await?;
    if !is_valid(&token, now) {
        return Err(Error::Unauthenticated);
    }
    let requester = requester_of(app, &token).await?;
    if token
        .last_used_at
        .is_none_or(|at| now - at >= TimeDelta::minutes(1))
    {
        entity::token::Entity::update_many()
            .col_expr(entity::token::Column::LastUsedAt, Expr::value(now))
            .filter(entity::token::Column::Id.eq(token.id))
            .exec(app.database.writes())
            .await?;
    }
    Ok(requester)
}

/// The same requester, as the database knows it now; an error once its token has ended.
pub async fn reauthenticate(app: &App, requester: &Requester) -> Result<Requester> {
    let db = app.database.reads();
    let id = requester.token().ok_or(Error::Unauthenticated)?;
    let token = entity::token::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or(Error::Unauthenticated)?;
    if !is_valid(&token, app.clock.now(db).await?) {
        return Err(Error::Unauthenticated);
    }
    requester_of(app, &token).await
}

/// Ends a token at once, and with it the streams of its bearer.
pub async fn revoke(app: &App, id: TokenId) -> Result<()> {
    let db = app.database.writes();
    let now = app.clock.now(db).await?;
    entity::token::Entity::update_many()
        .col_expr(entity::token::Column::RevokedAt, Expr::value(now))
        .filter(entity::token::Column::Id.eq(id))
        .filter(entity::token::Column::RevokedAt.is_null())
        .exec(db)
        .await?;
    app.hub.wake([Topic::Tokens]);
    Ok(())
}

fn is_valid(token: &entity::token::Model, now: DateTime<Utc>) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now)
}

async fn requester_of(app: &App, token: &entity::token::Model) -> Result<Requester> {
    let db = app.database.reads();
    if let Some(id) = token.user_id {
        let user = entity::user::Entity::find_by_id(id).one(db).await?;
        let user = Arc::new(user.ok_or(Error::Unauthenticated)?);
        return Ok(Requester::User {
            user,
            token: token.id,
        });
    }
    let id = token.hypervisor_id.ok_or(Error::Unauthenticated)?;
    let hypervisor = entity::hypervisor::Entity::find_by_id(id).one(db).await?;
    let hypervisor = Arc::new(hypervisor.ok_or(Error::Unauthenticated)?);
    Ok(Requester::Agent {
        hypervisor,
        token: token.id,
    })
}

fn hash(secret: &str) -> String {
    format!("{:x}", Sha256::digest(secret.as_bytes()))
}
