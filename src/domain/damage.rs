//! What the database holds and should not: rows that cannot be read, or that lack another.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use sea_orm::{DbErr, RuntimeErr, SqlxError};

use super::Error;

/// What the owner of an operation is told of which the records are damaged.
pub const INCOMPLETE: &str =
    "The gateway's records of the operation are not complete. Ask the operator.";
/// The most rows that are remembered as told of.
const MAX_KNOWN: usize = 10_000;

/// The damage that the log knows of already.
#[derive(Clone, Debug, Default)]
pub struct Known(Arc<Mutex<HashSet<String>>>);

impl Known {
    /// Whether nothing was said of `row` yet.
    pub fn is_news(&self, row: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(row.to_owned())
    }
}

/// Whether `error` lies in what the database holds, so that no later attempt mends it.
pub fn is_damage(error: &Error) -> bool {
    match error {
        Error::Broken(_) | Error::NotFound(_) | Error::SecretUnreadable { .. } => true,
        Error::Database(error) => match error {
            DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => match &**error {
                SqlxError::Database(error) => {
                    error.is_foreign_key_violation() || error.is_check_violation()
                }
                SqlxError::ColumnDecode { .. } | SqlxError::Decode(_) => true,
                _ => false,
            },
            DbErr::Type(_)
            | DbErr::Json(_)
            | DbErr::TryIntoErr { .. }
            | DbErr::RecordNotFound(_)
            | DbErr::RecordNotUpdated => true,
            _ => false,
        },
        _ => false,
    }
}
