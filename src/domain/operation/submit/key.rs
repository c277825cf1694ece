//! Idempotency keys: of requests with the same key one is accepted.

use entity::{OperationId, idempotency_key, operation, user};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};
use serde::Serialize;

use crate::domain::{Error, Result, transaction::Transaction};

/// The most characters of an idempotency key.
const MAX_KEY_CHARS: usize = 255;

/// Takes an idempotency key for `id`, or finds the operation that has it.
pub(super) async fn take(
    tx: &Transaction<'_>,
    user: &user::Model,
    key: &str,
    hash: &str,
    id: OperationId,
) -> Result<Option<operation::Model>> {
    if key.is_empty() || key.chars().count() > MAX_KEY_CHARS || key.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "An idempotency key has 1 to {MAX_KEY_CHARS} characters and no control characters."
        )));
    }
    let row = idempotency_key::ActiveModel {
        account_id: Set(user.account_id),
        key: Set(key.to_owned()),
        input_hash: Set(hash.to_owned()),
        operation_id: Set(id),
        created_at: Set(tx.now()),
    };
    let columns = [
        idempotency_key::Column::AccountId,
        idempotency_key::Column::Key,
    ];
    let inserted = idempotency_key::Entity::insert(row)
        .on_conflict(OnConflict::columns(columns).do_nothing().to_owned())
        .exec_without_returning(tx.db())
        .await?;
    if inserted == 1 {
        return Ok(None);
    }
    let known = idempotency_key::Entity::find_by_id((user.account_id, key.to_owned()))
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::Broken("an idempotency key vanished".to_owned()))?;
    if known.input_hash != hash {
        return Err(Error::IdempotencyConflict);
    }
    let operation = operation::Entity::find_by_id(known.operation_id)
        .one(tx.db())
        .await?;
    operation
        .map(Some)
        .ok_or_else(|| Error::Broken("an idempotency key has no operation".to_owned()))
}

/// What is compared of a request that comes again under its key.
pub(super) fn input_hash(mutation: &str, input: &impl Serialize) -> Result<String> {
    let input = serde_json::to_vec(input).map_err(|error| Error::Broken(error.to_string()))?;
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(mutation.as_bytes())
        .update(b"\0")
        .update(&input);
    Ok(hasher.finalize().to_hex().to_string())
}
