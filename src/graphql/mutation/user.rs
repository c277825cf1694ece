//! Making, changing and deleting users.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::user::{self, Create, change},
    graphql::{
        context::{admin, app},
        error::Result,
        id,
        session::own_sessions_ended,
        types::{Role, User},
        visible,
    },
};

/// What the new user is to be.
#[derive(InputObject)]
pub struct CreateUserInput {
    /// The account it belongs to.
    pub account_id: ID,
    /// What it signs in with; no other user may have it.
    pub email: String,
    /// At least 12 characters.
    #[graphql(secret)]
    pub password: String,
    /// What it may do.
    #[graphql(default_with = "Some(Role::User)")]
    pub role: Option<Role>,
}

/// A user that was made.
#[derive(Debug, SimpleObject)]
pub struct CreateUserPayload {
    /// The user.
    pub user: User,
}

/// What to change of a user. What is left out stays as it is.
#[derive(Debug, InputObject)]
pub struct UpdateUserInput {
    /// The user.
    pub user_id: ID,
    /// What it signs in with; no other user may have it.
    pub email: Option<String>,
    /// What it may do. Nobody takes the administrator's role from themselves.
    pub role: Option<Role>,
}

/// A user that was changed.
#[derive(Debug, SimpleObject)]
pub struct UpdateUserPayload {
    /// The user.
    pub user: User,
}

/// Which user to disable.
#[derive(Debug, InputObject)]
pub struct DisableUserInput {
    /// The user. Nobody disables themselves.
    pub user_id: ID,
}

/// A user that was disabled.
#[derive(Debug, SimpleObject)]
pub struct DisableUserPayload {
    /// The user.
    pub user: User,
}

/// Which user to enable.
#[derive(Debug, InputObject)]
pub struct EnableUserInput {
    /// The user.
    pub user_id: ID,
}

/// A user that was enabled.
#[derive(Debug, SimpleObject)]
pub struct EnableUserPayload {
    /// The user.
    pub user: User,
}

/// Whose sessions to end.
#[derive(Debug, InputObject)]
pub struct EndSessionsInput {
    /// The user.
    pub user_id: ID,
}

/// Whose sessions were ended.
#[derive(Debug, SimpleObject)]
pub struct EndSessionsPayload {
    /// The user.
    pub user: User,
    /// How many there were.
    pub ended_sessions: i32,
}

/// Which user to delete.
#[derive(Debug, InputObject)]
pub struct DeleteUserInput {
    /// The user. Nobody deletes themselves.
    pub user_id: ID,
    /// The user's email, typed.
    pub confirm_name: String,
}

/// A user that was deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteUserPayload {
    /// Its id.
    pub deleted_user_id: ID,
}

/// Changes to users.
#[derive(Debug, Default)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Makes a user.
    #[graphql(visible = "visible::to_admins")]
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be.")] input: CreateUserInput,
    ) -> Result<Option<CreateUserPayload>> {
        audited(ctx, &[&input.account_id], async {
            let requester = admin(ctx)?;
            let wanted = Create {
                account_id: id::find(&input.account_id, "account")?,
                email: input.email.clone(),
                password: input.password.clone(),
                role: input.role.unwrap_or(Role::User).into(),
            };
            let user = user::create(app(ctx)?, requester, wanted).await?.into();
            Ok(CreateUserPayload { user })
        })
        .await
    }

    /// Changes what a user signs in with, or what it may do.
    #[graphql(visible = "visible::to_admins")]
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, and what.")] input: UpdateUserInput,
    ) -> Result<Option<UpdateUserPayload>> {
        audited(ctx, &[&input.user_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.user_id, "user")?;
            let (email, role) = (input.email.as_deref(), input.role.map(Into::into));
            let user = change::update(app(ctx)?, requester, id, email, role).await?;
            Ok(UpdateUserPayload { user: user.into() })
        })
        .await
    }

    /// Keeps a user out: its sessions and their streams end, its API tokens do not work, and it cannot sign in,
    /// until it is enabled.
    #[graphql(visible = "visible::to_admins")]
    async fn disable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom.")] input: DisableUserInput,
    ) -> Result<Option<DisableUserPayload>> {
        audited(ctx, &[&input.user_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.user_id, "user")?;
            let user = change::disable(app(ctx)?, requester, id).await?;
            Ok(DisableUserPayload { user: user.into() })
        })
        .await
    }

    /// Lets a disabled user in again. Its API tokens work again, too; it has to sign in anew.
    #[graphql(visible = "visible::to_admins")]
    async fn enable_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom.")] input: EnableUserInput,
    ) -> Result<Option<EnableUserPayload>> {
        audited(ctx, &[&input.user_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.user_id, "user")?;
            let user = change::enable(app(ctx)?, requester, id).await?;
            Ok(EnableUserPayload { user: user.into() })
        })
        .await
    }

    /// Ends all sessions of a user, and their streams. API tokens stay.
    #[graphql(visible = "visible::to_admins")]
    async fn end_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: EndSessionsInput,
    ) -> Result<Option<EndSessionsPayload>> {
        audited(ctx, &[&input.user_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.user_id, "user")?;
            let (user, ended) = change::end_sessions(app(ctx)?, requester, id).await?;
            own_sessions_ended(ctx, user.id);
            Ok(EndSessionsPayload {
                user: user.into(),
                ended_sessions: i32::try_from(ended).unwrap_or(i32::MAX),
            })
        })
        .await
    }

    /// Deletes a user, its sessions and its API tokens. What belongs to its account stays.
    #[graphql(visible = "visible::to_admins")]
    async fn delete_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom.")] input: DeleteUserInput,
    ) -> Result<Option<DeleteUserPayload>> {
        audited(ctx, &[&input.user_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.user_id, "user")?;
            change::delete(app(ctx)?, requester, id, &input.confirm_name).await?;
            Ok(DeleteUserPayload {
                deleted_user_id: ID::from(id),
            })
        })
        .await
    }
}
