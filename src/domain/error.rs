//! Why a request was not carried out.

use chrono::{DateTime, Utc};
use entity::OperationId;
use sea_orm::DbErr;

use super::{ErrorCode, cooldown, guard::Refusal};
use crate::secret;

/// The result of what the domain does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// After how many seconds passwords that wait to be checked now have been.
const BREATH_SECONDS: i64 = 2;

/// Why a request was not carried out. Its text is for the caller, except of an internal one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in.
    #[error("Sign in first: the request has no valid token.")]
    Unauthenticated,
    /// The email or the password is wrong.
    #[error("Email or password is wrong.")]
    WrongCredentials,
    /// Too many sign-ins failed from where the caller is.
    #[error(
        "Too many sign-ins failed. Try again in {} seconds.",
        cooldown::whole_seconds(*.available_at, *.now)
    )]
    RateLimited {
        /// Until when.
        available_at: DateTime<Utc>,
        /// When it was asked.
        now: DateTime<Utc>,
    },
    /// Too many passwords are being checked at this moment.
    #[error("Too many sign in at this moment. Try again in {BREATH_SECONDS} seconds.")]
    TooManySignIns,
    /// The caller may not do this.
    #[error("You may not do this.")]
    Forbidden,
    /// The caller's token only reads.
    #[error("This token only reads. Use one of scope FULL, or sign in.")]
    ReadOnly,
    /// There is no such thing, or the caller may not know of it.
    #[error("There is no {0} with this id.")]
    NotFound(&'static str),
    /// A value is not acceptable.
    #[error("{0}")]
    InvalidInput(String),
    /// A stream cannot go on from where it is asked to.
    #[error(
        "The stream cannot go on from this cursor: the events behind it are gone, or have not come yet. Read the \
         state anew and begin without a cursor."
    )]
    CursorGone,
    /// A guard said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The key was used for another request.
    #[error("This idempotency key was used with another input. Use a new key for a new request.")]
    IdempotencyConflict,
    /// A secret is to be kept, and there is nothing to encrypt it with.
    #[error(
        "The gateway has no key to encrypt secrets with. Set `secrets.keys` in its configuration \
         (`tidemark secrets new-key` prints a key), restart it, and try again."
    )]
    NoSecretKey,
    /// A secret that is kept cannot be read.
    #[error("the secret of {owner} cannot be decrypted: {cause}")]
    SecretUnreadable {
        /// Whose.
        owner: String,
        /// Why.
        cause: secret::Error,
    },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
    /// Something that should hold does not.
    #[error("{0}")]
    Broken(String),
}

impl Error {
    /// The code that callers see.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unauthenticated | Self::WrongCredentials => ErrorCode::Unauthenticated,
            Self::RateLimited { .. } | Self::TooManySignIns => ErrorCode::RateLimited,
            Self::Forbidden | Self::ReadOnly => ErrorCode::Forbidden,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::InvalidInput(_) => ErrorCode::InvalidInput,
            Self::CursorGone => ErrorCode::CursorGone,
            Self::Refused(refusal) => refusal.code(),
            Self::IdempotencyConflict => ErrorCode::IdempotencyConflict,
            Self::NoSecretKey => ErrorCode::NoSecretKey,
            Self::SecretUnreadable { .. } | Self::Database(_) | Self::Broken(_) => {
                ErrorCode::Internal
            }
        }
    }

    /// When time will have healed it, where that is known.
    pub fn available_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Refused(refusal) => refusal.available_at(),
            Self::RateLimited { available_at, .. } => Some(*available_at),
            _ => None,
        }
    }

    /// In how many whole seconds time will have healed it, where that is known.
    pub fn retry_after_seconds(&self) -> Option<i64> {
        match self {
            Self::Refused(refusal) => refusal.retry_after_seconds(),
            Self::RateLimited { available_at, now } => {
                Some(cooldown::whole_seconds(*available_at, *now))
            }
            Self::TooManySignIns => Some(BREATH_SECONDS),
            _ => None,
        }
    }

    /// The operation that stands in the way.
    pub fn operation(&self) -> Option<OperationId> {
        match self {
            Self::Refused(refusal) => refusal.operation(),
            _ => None,
        }
    }

    /// An unacceptable value, in words for the caller.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidInput(message.into())
    }
}
