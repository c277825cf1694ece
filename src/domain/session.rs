//! Signing in and out, and the tokens that users make for their automation.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::{TokenId, token, token::TokenKind};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{
    Error, Requester, Result, password, text,
    throttle::Attempt,
    token::{Bearer, Issued, issue, revoke},
    user::{self, MAX_EMAIL_BYTES},
};
use crate::app::App;

/// Signs a user in who comes from `address`. An unknown email and a wrong password are answered
/// alike.
pub async fn sign_in(
    app: &App,
    email: &str,
    password: String,
    address: &str,
) -> Result<(Requester, Issued)> {
    let db = app.database.writes();
    let now = app.clock.now(db).await?;
    let attempt = Attempt {
        address: address.to_owned(),
        email: email
            .trim()
            .to_lowercase()
            .chars()
            .take(MAX_EMAIL_BYTES)
            .collect(),
    };
    app.throttle.check(&attempt, now)?;
    let known = user::lookup_by_email(app, email).await?;
    let hash = known.as_ref().map(|user| user.password_hash.clone());
    let matches = {
        let _place = app.throttle.hashing().await?;
        // Those who waited beside this one may have failed meanwhile.
        app.throttle.check(&attempt, now)?;
        password::verify(password, hash).await?
    };
    let Some(user) = known.filter(|_| matches) else {
        app.throttle.record_failure(attempt, now);
        return Err(Error::WrongCredentials);
    };
    let ends = now + app.settings.session;
    let issued = issue(
        app,
        db,
        Bearer::Session(user.id),
        "Sign-in",
        now,
        Some(ends),
    )
    .await?;
    let requester = Requester::User {
        user: Arc::new(user),
        token: issued.token.id,
    };
    Ok((requester, issued))
}

/// Ends the token that the requester came with.
pub async fn sign_out(app: &App, requester: &Requester) -> Result<()> {
    requester.user()?;
    let id = requester.token().ok_or(Error::Unauthenticated)?;
    revoke(app, id).await
}

/// Makes a token for automation in the requester's name.
pub async fn create_api_token(
    app: &App,
    requester: &Requester,
    name: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Issued> {
    let user = requester.user()?;
    let name = text::name(name)?;
    let db = app.database.writes();
    let now = app.clock.now(db).await?;
    if expires_at.is_some_and(|at| at <= now) {
        return Err(Error::invalid("The token would have expired already."));
    }
    issue(app, db, Bearer::Api(user.id), &name, now, expires_at).await
}

/// Revokes one of the requester's own tokens. One that is revoked already stays so.
pub async fn revoke_api_token(
    app: &App,
    requester: &Requester,
    id: TokenId,
) -> Result<token::Model> {
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
