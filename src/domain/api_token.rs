//! API tokens: by them automation acts in its user's name.
//!
//! None makes one that may do more or lasts longer than itself, and what one made ends with it. What a
//! session makes is bounded by its user only, and outlives the session.

use chrono::{DateTime, Utc};
use entity::{
    TokenId, token,
    token::{TokenKind, TokenScope},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::{
    Error, Requester, Result, text,
    token::{Bearer, Issued, is_live, issue, live, revoke},
    transaction::{ROW_LOCK, Transaction},
    user,
};
use crate::app::App;

/// How many a user may have that have not ended.
pub use crate::limits::MAX_API_TOKENS;

/// What a new token is to be.
#[derive(Debug)]
pub struct Create<'a> {
    /// What its user calls it.
    pub name: &'a str,
    /// How much it may do.
    pub scope: TokenScope,
    /// When it ends; if left out, with its maker.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a token in the requester's name.
pub async fn create(app: &App, requester: &Requester, input: Create<'_>) -> Result<Issued> {
    requester.may_change()?;
    let user = requester.user()?.id;
    let name = text::name(input.name)?;
    let tx = Transaction::begin(app).await?;
    user::lock_enabled(&tx, user)
        .await?
        .ok_or(Error::Unauthenticated)?;
    let maker = lock_maker(&tx, requester).await?;
    if input.expires_at.is_some_and(|at| at <= tx.now()) {
        return Err(Error::invalid("The token would have expired already."));
    }
    let expires_at = within(&maker, input.scope, input.expires_at)?;
    let held = token::Entity::find()
        .filter(token::Column::UserId.eq(user))
        .filter(token::Column::Kind.eq(TokenKind::Api))
        .filter(live(tx.now()))
        .count(tx.db())
        .await?;
    if held >= MAX_API_TOKENS {
        return Err(Error::invalid(format!(
            "You have {held} API tokens, and no more are possible. Revoke one first."
        )));
    }
    let bearer = Bearer::Api {
        user,
        scope: input.scope,
        parent: (maker.kind == TokenKind::Api).then_some(maker.id),
    };
    let issued = issue(app, tx.db(), bearer, &name, tx.now(), expires_at).await?;
    tx.commit().await?;
    Ok(issued)
}

/// Revokes one of the requester's own tokens, with all that it made. One that is revoked already stays so.
pub async fn revoke_own(app: &App, requester: &Requester, id: TokenId) -> Result<token::Model> {
    let user = requester.user()?;
    let token = token::Entity::find_by_id(id)
        .filter(token::Column::UserId.eq(user.id))
        .filter(token::Column::Kind.eq(TokenKind::Api))
        .one(app.database.reads())
        .await?
        .ok_or(Error::NotFound("API token"))?;
    revoke(app, id).await?;
    Ok(token)
}

/// The token that the requester came with. Nobody revokes it before the commit.
async fn lock_maker(tx: &Transaction<'_>, requester: &Requester) -> Result<token::Model> {
    let id = requester.token().ok_or(Error::Unauthenticated)?;
    let maker = token::Entity::find_by_id(id)
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?;
    maker
        .filter(|maker| is_live(maker, tx.now()))
        .ok_or(Error::Unauthenticated)
}

/// When a token that `maker` makes ends, if it may make it at all.
fn within(
    maker: &token::Model,
    scope: TokenScope,
    wanted: Option<DateTime<Utc>>,
) -> Result<Option<DateTime<Utc>>> {
    if maker.kind != TokenKind::Api {
        return Ok(wanted);
    }
    if maker.scope == TokenScope::ReadOnly && scope == TokenScope::Full {
        return Err(Error::ReadOnly);
    }
    match (maker.expires_at, wanted) {
        (Some(most), Some(wanted)) if wanted > most => Err(Error::invalid(
            "A token makes none that lasts longer than itself. Choose an earlier `expiresAt`, or leave \
             it out to have both end at once.",
        )),
        (most, wanted) => Ok(wanted.or(most)),
    }
}
