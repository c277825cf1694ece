//! Accounts: the tenants.

use entity::{AccountId, account};
use sea_orm::{ActiveModelTrait, ActiveValue::Set};

use super::{Requester, Result, text, transaction::Transaction};
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
        created_at: Set(tx.now()),
    };
    Ok(account.insert(tx.db()).await?)
}
