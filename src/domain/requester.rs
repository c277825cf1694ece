//! Who asks, and what that lets them see.

use std::sync::Arc;

use chrono::DateTime;
use entity::{AccountId, HypervisorId, Scope, TokenId, UserId, token::TokenScope, user::Role};
use uuid::Uuid;

use super::{Error, Result};
use crate::events::Topic;

/// Who asks.
#[derive(Clone, Debug)]
pub enum Requester {
    /// Nobody that we know.
    Anonymous,
    /// A person, or automation in a person's name.
    User {
        /// Who.
        user: Arc<entity::user::Model>,
        /// By which token.
        token: TokenId,
        /// How much of what the user may do it may do.
        token_scope: TokenScope,
    },
    /// The agent of one hypervisor.
    Agent {
        /// Of which hypervisor.
        hypervisor: Arc<entity::hypervisor::Model>,
        /// By which token.
        token: TokenId,
    },
}

/// On whose account what a caller uses is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// Of all users of an account together.
    Account(AccountId),
    /// Of one hypervisor's agent.
    Hypervisor(HypervisorId),
}

/// What a user may see, whoever it is: two who have the same rights are answered the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rights {
    /// Whose account it is.
    pub account: AccountId,
    /// What the user may do.
    pub role: Role,
    /// How much of that their token lets them do.
    pub token_scope: TokenScope,
}

impl Rights {
    /// Somebody who has them, and is nobody in particular: what depended on who that is would not be found.
    pub fn requester(self) -> Requester {
        Requester::User {
            user: Arc::new(entity::user::Model {
                id: UserId::from_uuid(Uuid::nil()),
                account_id: self.account,
                email: String::new(),
                password_hash: String::new(),
                role: self.role,
                created_at: DateTime::UNIX_EPOCH,
                disabled_at: None,
            }),
            token: TokenId::from_uuid(Uuid::nil()),
            token_scope: self.token_scope,
        }
    }
}

impl Requester {
    /// What they may see, when they are a user.
    pub fn rights(&self) -> Option<Rights> {
        match self {
            Self::User {
                user, token_scope, ..
            } => Some(Rights {
                account: user.account_id,
                role: user.role,
                token_scope: *token_scope,
            }),
            Self::Anonymous | Self::Agent { .. } => None,
        }
    }

    /// On whose account it is counted what they use; `None` for nobody that we know.
    pub fn party(&self) -> Option<Party> {
        match self {
            Self::Anonymous => None,
            Self::User { user, .. } => Some(Party::Account(user.account_id)),
            Self::Agent { hypervisor, .. } => Some(Party::Hypervisor(hypervisor.id)),
        }
    }

    /// The part of the tenants' tables that they may see.
    pub fn scope(&self) -> Result<Scope> {
        let user = self.user()?;
        Ok(match user.role {
            Role::Admin => Scope::Everything,
            Role::User => Scope::Account(user.account_id),
        })
    }

    /// The user, or why there is none.
    pub fn user(&self) -> Result<&Arc<entity::user::Model>> {
        match self {
            Self::Anonymous => Err(Error::Unauthenticated),
            Self::Agent { .. } => Err(Error::Forbidden),
            Self::User { user, .. } => Ok(user),
        }
    }

    /// The user if it is an administrator.
    pub fn admin(&self) -> Result<&Arc<entity::user::Model>> {
        let user = self.user()?;
        if user.role == Role::Admin {
            Ok(user)
        } else {
            Err(Error::Forbidden)
        }
    }

    /// Refuses who came with a token that only reads: it changes nothing, and makes no other callers.
    pub fn may_change(&self) -> Result<()> {
        match self {
            Self::User {
                token_scope: TokenScope::ReadOnly,
                ..
            } => Err(Error::ReadOnly),
            Self::Anonymous | Self::User { .. } | Self::Agent { .. } => Ok(()),
        }
    }

    /// The hypervisor whose agent asks.
    pub fn agent(&self) -> Result<&Arc<entity::hypervisor::Model>> {
        match self {
            Self::Anonymous => Err(Error::Unauthenticated),
            Self::User { .. } => Err(Error::Forbidden),
            Self::Agent { hypervisor, .. } => Ok(hypervisor),
        }
    }

    /// Whether it is an administrator.
    pub fn is_admin(&self) -> bool {
        self.admin().is_ok()
    }

    /// Whether it is an agent.
    pub fn is_agent(&self) -> bool {
        matches!(self, Self::Agent { .. })
    }

    /// What is woken when one of their tokens ends, or what they may do changes.
    pub fn topic(&self) -> Option<Topic> {
        match self {
            Self::Anonymous => None,
            Self::User { user, .. } => Some(Topic::User(user.id)),
            Self::Agent { hypervisor, .. } => Some(Topic::Agent(hypervisor.id)),
        }
    }

    /// The token that they came with.
    pub fn token(&self) -> Option<TokenId> {
        match self {
            Self::Anonymous => None,
            Self::User { token, .. } | Self::Agent { token, .. } => Some(*token),
        }
    }

    /// The user's id, when it is one.
    pub fn user_id(&self) -> Option<UserId> {
        self.user().ok().map(|user| user.id)
    }

    /// The account they belong to, when they are a user.
    pub fn account_id(&self) -> Option<AccountId> {
        self.user().ok().map(|user| user.account_id)
    }

    /// The hypervisor they speak for, when they are an agent.
    pub fn hypervisor_id(&self) -> Option<HypervisorId> {
        self.agent().ok().map(|hypervisor| hypervisor.id)
    }

    /// What timelines and the audit call them.
    pub fn actor(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::User { user, .. } => user.email.clone(),
            Self::Agent { hypervisor, .. } => format!("agent {}", hypervisor.name),
        }
    }
}

#[cfg(test)]
impl Requester {
    /// The agent of a hypervisor that nothing else knows.
    pub(crate) fn some_agent() -> Self {
        use super::Ids;
        let hypervisor = entity::hypervisor::Model {
            id: Ids.next(HypervisorId::from_uuid),
            group_id: Ids.next(entity::HypervisorGroupId::from_uuid),
            name: "host".to_owned(),
            backup_storage_id: None,
            agent_version: None,
            agent_state_id: None,
            can_snapshot: true,
            can_backup: true,
            last_seen_at: None,
            created_at: chrono::DateTime::UNIX_EPOCH,
            deleted_at: None,
        };
        Self::Agent {
            hypervisor: Arc::new(hypervisor),
            token: Ids.next(TokenId::from_uuid),
        }
    }
}
