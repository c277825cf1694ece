//! Tokens: opaque secrets that callers bear. The database keeps only their hashes.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    HypervisorId, TokenId, UserId,
    token::{TokenKind, TokenScope},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    QueryFilter, QuerySelect, sea_query::Expr,
};
use sha2::{Digest, Sha256};

use super::{Error, Requester, Result, Rights, readable, transaction::Transaction};
use crate::{app::App, events::Topic};

/// So many are asked for by one statement.
const TOKENS_AT_ONCE: usize = 500;

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
    Api {
        /// The person.
        user: UserId,
        /// How much it may do.
        scope: TokenScope,
        /// The API token that makes it, if one does.
        parent: Option<TokenId>,
    },
    /// The agent of a hypervisor.
    Agent(HypervisorId),
}

impl Bearer {
    fn kind(self) -> TokenKind {
        match self {
            Self::Session(_) => TokenKind::Session,
            Self::Api { .. } => TokenKind::Api,
            Self::Agent(_) => TokenKind::Agent,
        }
    }

    fn user(self) -> Option<UserId> {
        match self {
            Self::Session(user) | Self::Api { user, .. } => Some(user),
            Self::Agent(_) => None,
        }
    }

    fn hypervisor(self) -> Option<HypervisorId> {
        match self {
            Self::Session(_) | Self::Api { .. } => None,
            Self::Agent(hypervisor) => Some(hypervisor),
        }
    }

    fn scope(self) -> TokenScope {
        match self {
            Self::Api { scope, .. } => scope,
            Self::Session(_) | Self::Agent(_) => TokenScope::Full,
        }
    }

    fn parent(self) -> Option<TokenId> {
        match self {
            Self::Api { parent, .. } => parent,
            Self::Session(_) | Self::Agent(_) => None,
        }
    }
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
    let secret = format!("tidemark_{}", app.ids.secret());
    let token = entity::token::ActiveModel {
        id: Set(app.ids.next(TokenId::from_uuid)),
        kind: Set(bearer.kind()),
        user_id: Set(bearer.user()),
        hypervisor_id: Set(bearer.hypervisor()),
        name: Set(name.to_owned()),
        hash: Set(hash(&secret)),
        created_at: Set(now),
        expires_at: Set(expires_at),
        last_used_at: Set(None),
        revoked_at: Set(None),
        scope: Set(bearer.scope()),
        parent_id: Set(bearer.parent()),
    };
    Ok(Issued {
        token: token.insert(db).await?,
        secret,
    })
}

/// Whom a secret speaks for, as it was at an instant.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Who.
    pub requester: Requester,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
    /// When the token expires, if it does.
    pub ends: Option<DateTime<Utc>>,
}

/// Whom `secret` speaks for.
pub async fn authenticate(app: &App, secret: &str) -> Result<Requester> {
    Ok(check(app, secret).await?.requester)
}

/// Whom `secret` speaks for, and until when. One that is unknown, expired or revoked is no different from none, nor is
/// one of a disabled user.
pub async fn check(app: &App, secret: &str) -> Result<Authenticated> {
    let db = app.database.reads();
    let token = entity::token::Entity::find()
        .filter(entity::token::Column::Hash.eq(hash(secret)))
        .one(db)
        .await?
        .ok_or(Error::Unauthenticated)?;
    let now = app.clock.now(db).await?;
    if !is_live(&token, now) {
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
    Ok(Authenticated {
        requester,
        at: now,
        ends: token.expires_at,
    })
}

/// The same requester, as the database knows it now; an error once its token has ended.
pub async fn reauthenticate(app: &App, requester: &Requester) -> Result<Requester> {
    let db = app.database.reads();
    let id = requester.token().ok_or(Error::Unauthenticated)?;
    let token = entity::token::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or(Error::Unauthenticated)?;
    if !is_live(&token, app.clock.now(db).await?) {
        return Err(Error::Unauthenticated);
    }
    requester_of(app, &token).await
}

/// What those of `tokens` that have not ended let their users see, and in how long they end, if they do.
pub(super) async fn list_rights(
    app: &App,
    tokens: &[TokenId],
) -> Result<HashMap<TokenId, (Rights, Option<Duration>)>> {
    use entity::{token, user};
    let db = app.database.reads();
    let mut live = HashMap::with_capacity(tokens.len());
    for tokens in tokens.chunks(TOKENS_AT_ONCE) {
        let rows = token::Entity::find()
            .filter(token::Column::Id.is_in(tokens.iter().copied()))
            .filter(token::Column::RevokedAt.is_null());
        let rows = readable::rows(app, rows).await?;
        let now = app.clock.now(db).await?;
        let rows = rows.into_iter().flatten();
        let rows: Vec<_> = rows.filter(|token| is_live(token, now)).collect();
        let ids: HashSet<_> = rows.iter().filter_map(|token| token.user_id).collect();
        let users = user::Entity::find()
            .filter(user::Column::Id.is_in(ids))
            .filter(user::Column::DisabledAt.is_null());
        let users = readable::rows(app, users).await?;
        let users: HashMap<_, _> = users
            .into_iter()
            .flatten()
            .map(|user| (user.id, user))
            .collect();
        for token in rows {
            let Some(user) = token.user_id.and_then(|id| users.get(&id)) else {
                continue;
            };
            let rights = Rights {
                account: user.account_id,
                role: user.role,
                token_scope: token.scope,
            };
            let ends_in = token.expires_at;
            let ends_in = ends_in.map(|at| (at - now).to_std().unwrap_or_default());
            live.insert(token.id, (rights, ends_in));
        }
    }
    Ok(live)
}

/// Ends a token at once, with all that it made, and with it the streams of its bearer.
pub async fn revoke(app: &App, id: TokenId) -> Result<()> {
    let mut tx = Transaction::begin(app).await?;
    end(&mut tx, vec![id]).await?;
    tx.commit().await
}

/// Ends tokens at the commit, with all that they made.
///
/// It goes from makers to what they made. Whoever makes a token holds its maker's row until the
/// commit, so that no token can be made behind this: it waits at the maker, then finds what was made.
pub(super) async fn end(tx: &mut Transaction<'_>, ids: Vec<TokenId>) -> Result<()> {
    use entity::token::{Column, Entity};
    if ids.is_empty() {
        return Ok(());
    }
    let bearers: Vec<(Option<UserId>, Option<HypervisorId>)> = Entity::find()
        .select_only()
        .columns([Column::UserId, Column::HypervisorId])
        .distinct()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(tx.db())
        .await?;
    for (user, hypervisor) in bearers {
        // What a token made is of the same user.
        let topics = [user.map(Topic::User), hypervisor.map(Topic::Agent)];
        topics
            .into_iter()
            .flatten()
            .for_each(|topic| tx.wake(topic));
    }
    let mut makers = ids;
    while !makers.is_empty() {
        Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(tx.now()))
            .filter(Column::Id.is_in(makers.iter().copied()))
            .filter(Column::RevokedAt.is_null())
            .exec(tx.db())
            .await?;
        makers = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::ParentId.is_in(makers))
            // What has ended has nothing left that lives; and this many live, but any number has ended.
            .filter(live(tx.now()))
            .into_tuple()
            .all(tx.db())
            .await?;
    }
    Ok(())
}

/// Ends a user's sessions at the commit, all `but` one, and tells how many of them had not ended.
pub(super) async fn end_sessions(
    tx: &mut Transaction<'_>,
    user: UserId,
    but: Option<TokenId>,
) -> Result<u64> {
    let mut sessions = entity::token::Entity::update_many()
        .col_expr(entity::token::Column::RevokedAt, Expr::value(tx.now()))
        .filter(entity::token::Column::UserId.eq(user))
        .filter(entity::token::Column::Kind.eq(TokenKind::Session))
        .filter(live(tx.now()));
    if let Some(kept) = but {
        sessions = sessions.filter(entity::token::Column::Id.ne(kept));
    }
    let ended = sessions.exec(tx.db()).await?.rows_affected;
    tx.wake(Topic::User(user));
    Ok(ended)
}

/// That a token has not ended by `now`: what `is_live` tells of a row.
pub fn live(now: DateTime<Utc>) -> Condition {
    use entity::token::Column;
    let endless_or_later = Condition::any()
        .add(Column::ExpiresAt.is_null())
        .add(Column::ExpiresAt.gt(now));
    Condition::all()
        .add(Column::RevokedAt.is_null())
        .add(endless_or_later)
}

/// Whether a token has not ended by `now`.
pub(super) fn is_live(token: &entity::token::Model, now: DateTime<Utc>) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now)
}

async fn requester_of(app: &App, token: &entity::token::Model) -> Result<Requester> {
    let db = app.database.reads();
    if let Some(id) = token.user_id {
        let user = entity::user::Entity::find_by_id(id).one(db).await?;
        let user = user.filter(|user| user.disabled_at.is_none());
        let user = Arc::new(user.ok_or(Error::Unauthenticated)?);
        return Ok(Requester::User {
            user,
            token: token.id,
            token_scope: token.scope,
        });
    }
    let id = token.hypervisor_id.ok_or(Error::Unauthenticated)?;
    let hypervisor = entity::hypervisor::Entity::present()
        .filter(entity::hypervisor::Column::Id.eq(id))
        .one(db)
        .await?;
    let hypervisor = Arc::new(hypervisor.ok_or(Error::Unauthenticated)?);
    Ok(Requester::Agent {
        hypervisor,
        token: token.id,
    })
}

fn hash(secret: &str) -> String {
    format!("{:x}", Sha256::digest(secret.as_bytes()))
}
