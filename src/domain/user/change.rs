//! What administrators do with users that are there. Nobody disables, demotes or deletes themselves, so
//! that one administrator always stays.

use entity::{UserId, operation, token, user, user::Role};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::{checked_email, taken};
use crate::{
    app::App,
    domain::{
        Error, Requester, Result,
        hashing::Client,
        password, text, token as tokens,
        transaction::{ROW_LOCK, Transaction},
    },
    events::Topic,
};

/// Changes what a user signs in with, or what it may do. What is left out stays.
pub async fn update(
    app: &App,
    requester: &Requester,
    id: UserId,
    email: Option<&str>,
    role: Option<Role>,
) -> Result<user::Model> {
    let (mut tx, user) = begin(app, requester, id, ROW_LOCK).await?;
    if role == Some(Role::User) {
        not_oneself(requester, id, "takes the administrator's role from")?;
    }
    let mut user = user.into_active_model();
    if let Some(email) = email {
        user.email = Set(checked_email(email)?);
    }
    if let Some(role) = role {
        user.role = Set(role);
    }
    let user = user.update(tx.db()).await.map_err(taken)?;
    tx.wake(Topic::User(id));
    tx.commit().await?;
    Ok(user)
}

/// Keeps a user out: its sessions end, its API tokens stop working, and it cannot sign in.
pub async fn disable(app: &App, requester: &Requester, id: UserId) -> Result<user::Model> {
    let (mut tx, user) = begin(app, requester, id, ROW_LOCK).await?;
    not_oneself(requester, id, "disables")?;
    let since = user.disabled_at.unwrap_or(tx.now());
    let mut user = user.into_active_model();
    user.disabled_at = Set(Some(since));
    let user = user.update(tx.db()).await?;
    tokens::end_sessions(&mut tx, id, None).await?;
    tx.commit().await?;
    Ok(user)
}

/// Lets a disabled user in again: it can sign in, and its API tokens work.
pub async fn enable(app: &App, requester: &Requester, id: UserId) -> Result<user::Model> {
    let (tx, user) = begin(app, requester, id, ROW_LOCK).await?;
    let mut user = user.into_active_model();
    user.disabled_at = Set(None);
    let user = user.update(tx.db()).await?;
    tx.commit().await?;
    Ok(user)
}

/// Gives a user another password, and ends its sessions.
pub async fn set_password(
    app: &App,
    requester: &Requester,
    id: UserId,
    password: String,
) -> Result<user::Model> {
    let by = Client::Known(requester.admin()?.id);
    // Nothing is hashed for nobody.
    let known = user::Entity::find_by_id(id).one(app.database.reads());
    known.await?.ok_or(Error::NotFound("user"))?;
    let hash = password::hash(&app.hashing, &by, password).await?;
    let (tx, user) = begin(app, requester, id, ROW_LOCK).await?;
    keep_password(tx, user, hash).await
}

/// Gives the user with this email another password from the command line, and ends its sessions: for an
/// administrator whom no other one can help.
pub async fn set_password_of(app: &App, email: &str, password: String) -> Result<user::Model> {
    let email = checked_email(email)?;
    let by = Client::Stranger(String::new());
    let hash = password::hash(&app.hashing, &by, password).await?;
    let tx = Transaction::begin(app).await?;
    let user = user::Entity::find()
        .filter(user::Column::Email.eq(email))
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::invalid("There is no user with this email."))?;
    keep_password(tx, user, hash).await
}

async fn keep_password(
    mut tx: Transaction<'_>,
    user: user::Model,
    hash: String,
) -> Result<user::Model> {
    let mut user = user.into_active_model();
    user.password_hash = Set(hash);
    let user = user.update(tx.db()).await?;
    tokens::end_sessions(&mut tx, user.id, None).await?;
    tx.commit().await?;
    Ok(user)
}

/// Ends a user's sessions, and tells how many there were.
pub async fn end_sessions(
    app: &App,
    requester: &Requester,
    id: UserId,
) -> Result<(user::Model, u64)> {
    let (mut tx, user) = begin(app, requester, id, ROW_LOCK).await?;
    let ended = tokens::end_sessions(&mut tx, id, None).await?;
    tx.commit().await?;
    Ok((user, ended))
}

/// Deletes a user with its tokens. What it did stays: timelines and the audit keep its email.
pub async fn delete(
    app: &App,
    requester: &Requester,
    id: UserId,
    confirm_name: &str,
) -> Result<()> {
    // The strongest lock waits for operations that are being accepted in the user's name.
    let (mut tx, user) = begin(app, requester, id, LockType::Update).await?;
    not_oneself(requester, id, "deletes")?;
    text::confirm(confirm_name, &user.email)?;
    operation::Entity::update_many()
        .col_expr(operation::Column::RequestedBy, Expr::value(None::<UserId>))
        .filter(operation::Column::RequestedBy.eq(id))
        .exec(tx.db())
        .await?;
    token::Entity::delete_many()
        .filter(token::Column::UserId.eq(id))
        .exec(tx.db())
        .await?;
    user.delete(tx.db()).await?;
    tx.wake(Topic::User(id));
    tx.commit().await
}

/// Begins to change the user `id`, whom nobody else changes before the commit, nor the requester, who may
/// have been demoted or disabled while they waited.
async fn begin<'a>(
    app: &'a App,
    requester: &Requester,
    id: UserId,
    lock: LockType,
) -> Result<(Transaction<'a>, user::Model)> {
    let own = requester.admin()?.id;
    let tx = Transaction::begin(app).await?;
    // In one order, whoever does it to whom: two would wait for each other.
    let mut ids = vec![own, id];
    ids.sort_unstable();
    ids.dedup();
    let mut users = Vec::new();
    for each in ids {
        let lock = if each == id { lock } else { ROW_LOCK };
        let user = user::Entity::find_by_id(each).lock(lock).one(tx.db());
        users.extend(user.await?);
    }
    let is_admin = |user: &user::Model| user.role == Role::Admin && user.disabled_at.is_none();
    if !users.iter().any(|user| user.id == own && is_admin(user)) {
        return Err(Error::Forbidden);
    }
    let user = users.into_iter().find(|user| user.id == id);
    Ok((tx, user.ok_or(Error::NotFound("user"))?))
}

fn not_oneself(requester: &Requester, id: UserId, does: &str) -> Result<()> {
    if requester.user_id() == Some(id) {
        return Err(Error::invalid(format!(
            "Nobody {does} themselves. Ask another administrator."
        )));
    }
    Ok(())
}
