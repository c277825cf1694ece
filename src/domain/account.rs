//! Accounts: the tenants, and how many volumes each may have.

use std::collections::{HashMap, HashSet};

use entity::{AccountId, Scope, account, backup, instance, user, volume};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect, sea_query::Expr,
};

use super::{
    Error, Requester, Result, Settings,
    guard::{Quota, Usage},
    in_use::check_unused,
    text,
    transaction::{HOLD, ROW_LOCK, Transaction},
};
use crate::app::App;

/// Makes an account.
pub async fn create(app: &App, requester: &Requester, name: &str) -> Result<account::Model> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let account = insert(&tx, name).await?;
    tx.commit().await?;
    Ok(account)
}

/// Writes an account's row.
pub(super) async fn insert(tx: &Transaction<'_>, name: &str) -> Result<account::Model> {
    let account = account::ActiveModel {
        id: Set(tx.app().ids.next(AccountId::from_uuid)),
        name: Set(text::name(name)?),
        volume_limit: Set(None),
        volume_bytes_limit: Set(None),
        created_at: Set(tx.now()),
        deleted_at: Set(None),
    };
    Ok(account.insert(tx.db()).await?)
}

/// What to change of an account; what is `None` stays. Of a limit, `Some(None)` makes it the setting's.
#[derive(Debug, Default)]
pub struct Update<'a> {
    /// What it is called.
    pub name: Option<&'a str>,
    /// How many volumes it may have.
    pub volume_limit: Option<Option<i32>>,
    /// How many bytes its volumes may have in all.
    pub volume_bytes_limit: Option<Option<i64>>,
}

/// Changes an account. A lowered limit deletes nothing.
pub async fn update(
    app: &App,
    requester: &Requester,
    id: AccountId,
    update: Update<'_>,
) -> Result<account::Model> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let account = account::Entity::visible_to(Scope::Everything)
        .filter(account::Column::Id.eq(id))
        .lock(ROW_LOCK)
        .one(tx.db())
        .await?;
    let mut account = account
        .ok_or(Error::NotFound("account"))?
        .into_active_model();
    if let Some(name) = update.name {
        account.name = Set(text::name(name)?);
    }
    if let Some(limit) = update.volume_limit {
        if limit.is_some_and(i32::is_negative) {
            return Err(Error::invalid(
                "`volumeLimit` is 0 or more; 0 allows no volumes.",
            ));
        }
        account.volume_limit = Set(limit);
    }
    if let Some(limit) = update.volume_bytes_limit {
        account.volume_bytes_limit = Set(limit);
    }
    let account = account.update(tx.db()).await?;
    tx.commit().await?;
    Ok(account)
}

/// Deletes an account that nobody signs in to and that owns nothing. History goes on to name it.
pub async fn delete(
    app: &App,
    requester: &Requester,
    id: AccountId,
    confirm_name: &str,
) -> Result<()> {
    requester.admin()?;
    let tx = Transaction::begin(app).await?;
    let everything = Scope::Everything;
    let account = account::Entity::visible_to(everything)
        .filter(account::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx.db())
        .await?;
    let account = account.ok_or(Error::NotFound("account"))?;
    text::confirm(confirm_name, &account.name)?;
    let users = user::Entity::find()
        .filter(user::Column::AccountId.eq(id))
        .count(tx.db())
        .await?;
    let volumes = volume::Entity::visible_to(everything)
        .filter(volume::Column::AccountId.eq(id))
        .count(tx.db())
        .await?;
    let backups = backup::Entity::visible_to(everything)
        .filter(backup::Column::AccountId.eq(id))
        .count(tx.db())
        .await?;
    let instances = instance::Entity::visible_to(everything)
        .filter(instance::Column::AccountId.eq(id))
        .count(tx.db())
        .await?;
    let what = format!("Account \"{}\"", account.name);
    let users = [
        (users, "user"),
        (volumes, "volume"),
        (backups, "backup"),
        (instances, "instance"),
    ];
    check_unused(&what, &users)?;
    let mut deleted = account.into_active_model();
    deleted.deleted_at = Set(Some(tx.now()));
    deleted.update(tx.db()).await?;
    tx.commit().await
}

/// The account `id`, which is not deleted before the transaction ends.
pub(super) async fn hold(tx: &Transaction<'_>, id: AccountId) -> Result<account::Model> {
    let account = account::Entity::visible_to(Scope::Everything)
        .filter(account::Column::Id.eq(id))
        .lock(HOLD)
        .one(tx.db())
        .await?;
    account.ok_or(Error::NotFound("account"))
}

/// What each of `accounts` holds and may hold. Volumes count until they are gone from storage, failed ones too.
pub async fn quotas(
    db: &impl ConnectionTrait,
    settings: &Settings,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<HashMap<AccountId, Quota>> {
    let ids: HashSet<_> = accounts.into_iter().collect();
    let sum = Expr::col(volume::Column::SizeBytes).sum();
    let held: Vec<(AccountId, i64, i64)> = volume::Entity::find()
        .select_only()
        .column(volume::Column::AccountId)
        .column_as(volume::Column::Id.count(), "volumes")
        .column_as(sum.cast_as("bigint"), "bytes")
        .filter(volume::Column::AccountId.is_in(ids.iter().copied()))
        .filter(volume::Column::DeletedAt.is_null())
        .group_by(volume::Column::AccountId)
        .into_tuple()
        .all(db)
        .await?;
    let held: HashMap<_, _> = held
        .into_iter()
        .map(|(account, volumes, bytes)| (account, (volumes, bytes)))
        .collect();
    let rows = account::Entity::find()
        .filter(account::Column::Id.is_in(ids))
        .all(db)
        .await?;
    let quota = |account: account::Model| {
        let (volumes, bytes) = held.get(&account.id).copied().unwrap_or_default();
        let quota = quota_of(&account, settings, whole(volumes), whole(bytes));
        (account.id, quota)
    };
    Ok(rows.into_iter().map(quota).collect())
}

/// What an account may hold that holds so many volumes of so many bytes in all.
pub(super) fn quota_of(
    account: &account::Model,
    settings: &Settings,
    volumes: u64,
    bytes: u64,
) -> Quota {
    let volume_limit = account.volume_limit.map(|limit| whole(limit.into()));
    let bytes_limit = account.volume_bytes_limit.map(whole);
    Quota {
        volumes: Usage {
            count: volumes,
            limit: volume_limit.unwrap_or(settings.volume_limit.into()),
        },
        bytes: Usage {
            count: bytes,
            limit: bytes_limit.unwrap_or(settings.volume_bytes_limit),
        },
    }
}

fn whole(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

/// What the account `id` holds and may hold.
pub async fn quota(db: &impl ConnectionTrait, settings: &Settings, id: AccountId) -> Result<Quota> {
    let mut quotas = quotas(db, settings, [id]).await?;
    quotas.remove(&id).ok_or(Error::NotFound("account"))
}
