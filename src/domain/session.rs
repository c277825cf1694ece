//! Sessions: signing in and out, and the password that opens them.

use std::sync::Arc;

use entity::{
    TokenId, token,
    token::{TokenKind, TokenScope},
    user,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use storage::Secret;

use super::{
    Error, HangUp, Requester, Result, audit, device,
    hashing::Client,
    password,
    throttle::{Attempt, network_of},
    token::{Bearer, Issued, end, end_sessions, issue, live, revoke},
    transaction::Transaction,
    user as users,
};
use crate::{app::App, limits::MAX_EMAIL_BYTES};

/// How many a user may have that have not ended: the next sign-in ends the oldest.
pub use crate::limits::MAX_SESSIONS;
/// The most that one sign-in ends.
const MAX_ENDED: u64 = 1000;

/// Who gives a password, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The address that they come from.
    pub address: &'a str,
    /// What their browser keeps since a user signed in with it.
    pub device: Option<&'a str>,
    /// Whether they still wait for the answer.
    pub hang_up: &'a HangUp,
}

/// Somebody who has signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub requester: Requester,
    /// The token of the session.
    pub issued: Issued,
    /// What the browser is to keep, so that what others did does not hold it up next time.
    pub device: Secret,
}

/// Signs a user in. An unknown email, a wrong password and a disabled user are answered alike. `former` is
/// the session that their browser had, which ends. A caller that hangs up before the password is checked is not
/// signed in.
pub async fn sign_in(
    app: &App,
    email: &str,
    password: String,
    caller: Caller<'_>,
    former: Option<TokenId>,
) -> Result<SignedIn> {
    if caller.hang_up.has_happened() {
        return Err(Error::TooManySignIns);
    }
    if caller.device.is_none() && app.hashing.is_full() {
        // Nothing is even read for who would be refused all the same.
        return Err(Error::TooManySignIns);
    }
    let known = users::lookup_enabled(app, email).await?;
    let (attempt, client) = identified(email, known.as_ref(), caller);
    let known = verified(app, known, password, &attempt, &client, caller.hang_up).await?;
    let (requester, issued) = begin(app, &known, former).await?;
    let device = Secret::new(device::issue(&app.ids, requester.user()?));
    Ok(SignedIn {
        requester,
        issued,
        device,
    })
}

/// By what `caller` is counted, and with whom it waits to have a password checked.
fn identified(email: &str, known: Option<&user::Model>, caller: Caller<'_>) -> (Attempt, Client) {
    let device = known.zip(caller.device).and_then(|(user, cookie)| {
        let device = device::of_user(cookie, user)?;
        Some((Attempt::of_device(device), Client::Known(user.id)))
    });
    device.unwrap_or_else(|| {
        let email = email.trim().to_lowercase();
        let email: String = email.chars().take(MAX_EMAIL_BYTES).collect();
        let attempt = Attempt::of_stranger(caller.address, &email);
        (attempt, Client::Stranger(network_of(caller.address)))
    })
}

/// The user, if it is `known` and the password is theirs. Who keeps guessing has to wait.
async fn verified(
    app: &App,
    known: Option<user::Model>,
    password: String,
    attempt: &Attempt,
    client: &Client,
    hang_up: &HangUp,
) -> Result<user::Model> {
    let now = app.clock.now(app.database.reads()).await?;
    attempt.check(app, now).await?;
    let turn = app.hashing.turn(client, hang_up).await?;
    attempt.count(app).await?;
    let hash = known.as_ref().map(|user| user.password_hash.clone());
    let matches = password::verify(turn, password, hash).await?;
    let user = known.filter(|_| matches).ok_or(Error::WrongCredentials)?;
    attempt.forgive(app).await?;
    Ok(user)
}

/// Makes a session of `user`, whose password was right. From here on it is they who ask.
async fn begin(
    app: &App,
    user: &user::Model,
    former: Option<TokenId>,
) -> Result<(Requester, Issued)> {
    let mut tx = Transaction::begin(app).await?;
    let user = lock(&tx, user).await?.ok_or(Error::WrongCredentials)?;
    let (bearer, ends) = (Bearer::Session(user.id), tx.now() + app.settings.session);
    let issued = issue(app, tx.db(), bearer, "Sign-in", tx.now(), Some(ends)).await?;
    let mut ended: Vec<TokenId> = token::Entity::find()
        .select_only()
        .column(token::Column::Id)
        .filter(token::Column::UserId.eq(user.id))
        .filter(token::Column::Kind.eq(TokenKind::Session))
        .filter(live(tx.now()))
        .order_by_desc(token::Column::Id)
        .offset(MAX_SESSIONS)
        .limit(MAX_ENDED)
        .into_tuple()
        .all(tx.db())
        .await?;
    ended.extend(former);
    end(&mut tx, ended).await?;
    let requester = Requester::User {
        user: Arc::new(user),
        token: issued.token.id,
        token_scope: TokenScope::Full,
    };
    audit::made_by(&requester);
    tx.commit().await?;
    Ok((requester, issued))
}

/// Ends the token that the requester came with.
pub async fn sign_out(app: &App, requester: &Requester) -> Result<()> {
    requester.user()?;
    let id = requester.token().ok_or(Error::Unauthenticated)?;
    revoke(app, id).await
}

/// Ends one of the requester's own sessions. One that has ended stays so.
pub async fn end_own(app: &App, requester: &Requester, id: TokenId) -> Result<token::Model> {
    let user = requester.user()?;
    let session = token::Entity::find_by_id(id)
        .filter(token::Column::UserId.eq(user.id))
        .filter(token::Column::Kind.eq(TokenKind::Session))
        .one(app.database.reads())
        .await?
        .ok_or(Error::NotFound("session"))?;
    revoke(app, id).await?;
    Ok(session)
}

/// Gives the requester another password, and ends all of their sessions but
/// this one. The current password is guessed as slowly as at a sign-in.
pub async fn change_password(
    app: &App,
    requester: &Requester,
    current: String,
    new: String,
    caller: Caller<'_>,
) -> Result<user::Model> {
    let user = requester.user()?;
    let client = Client::Known(user.id);
    let wrong = || Error::invalid("The current password is wrong.");
    let known = users::lookup_enabled(app, &user.email).await?;
    let token = requester.token().ok_or(Error::Unauthenticated)?;
    let attempt = Attempt::of_session(&token.to_string());
    let known = verified(app, known, current, &attempt, &client, caller.hang_up).await;
    let known = known.map_err(|error| match error {
        Error::WrongCredentials => wrong(),
        error => error,
    })?;
    let hash = password::hash(&app.hashing, &client, new).await?;
    let mut tx = Transaction::begin(app).await?;
    let mut user = lock(&tx, &known)
        .await?
        .ok_or_else(wrong)?
        .into_active_model();
    user.password_hash = Set(hash);
    let user = user.update(tx.db()).await?;
    end_sessions(&mut tx, user.id, requester.token()).await?;
    tx.commit().await?;
    Ok(user)
}

/// The user as it is now, unless it is disabled or has another password than `known` had: hashing takes
/// its time.
async fn lock(tx: &Transaction<'_>, known: &user::Model) -> Result<Option<user::Model>> {
    let user = users::lock_enabled(tx, known.id).await?;
    Ok(user.filter(|user| user.password_hash == known.password_hash))
}
