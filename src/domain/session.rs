//! Signing in and out.

use std::sync::Arc;

use entity::token::TokenScope;

use super::{
    Error, Requester, Result, password,
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
        token_scope: TokenScope::Full,
    };
    Ok((requester, issued))
}

/// Ends the token that the requester came with.
pub async fn sign_out(app: &App, requester: &Requester) -> Result<()> {
    requester.user()?;
    let id = requester.token().ok_or(Error::Unauthenticated)?;
    revoke(app, id).await
}
