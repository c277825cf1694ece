//! Whose rows a query may see.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use crate::AccountId;

/// The part of the tenants' tables that a caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every account's rows: administrators, and the gateway's own tasks.
    Everything,
    /// One account's rows.
    Account(AccountId),
}

impl Scope {
    /// Narrows `query` to the rows whose `owner` column this scope covers.
    pub(crate) fn narrow<E: EntityTrait>(
        self,
        query: Select<E>,
        owner: impl ColumnTrait,
    ) -> Select<E> {
        match self {
            Self::Everything => query,
            Self::Account(account) => query.filter(owner.eq(account)),
        }
    }

    /// Whether a row owned by `account` lies in this scope.
    pub fn covers(self, account: AccountId) -> bool {
        match self {
            Self::Everything => true,
            Self::Account(own) => own == account,
        }
    }
}
