//! Changing passwords.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::{session, user::change},
    graphql::{
        context::{admin, app, caller, user},
        error::Result,
        id,
        session::own_sessions_ended,
        types::User,
        visible,
    },
};

/// The caller's passwords.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// What the caller signs in with now.
    #[graphql(secret)]
    pub current_password: String,
    /// What the caller signs in with from now on: at least 12 characters.
    #[graphql(secret)]
    pub new_password: String,
}

/// Whose password was changed.
#[derive(Debug, SimpleObject)]
pub struct ChangePasswordPayload {
    /// The caller.
    pub user: User,
}

/// Whose password to set.
#[derive(InputObject)]
pub struct SetPasswordInput {
    /// The user.
    pub user_id: ID,
    /// What it signs in with from now on: at least 12 characters.
    #[graphql(secret)]
    pub new_password: String,
}

/// Whose password was set.
#[derive(Debug, SimpleObject)]
pub struct SetPasswordPayload {
    /// The user.
    pub user: User,
}

/// Changes of passwords.
#[derive(Debug, Default)]
pub struct PasswordMutation;

#[Object]
impl PasswordMutation {
    /// Changes the caller's own password, and ends all of the caller's sessions but the one that the request came
    /// by. API tokens stay. Wrong passwords count as at a sign-in: who has too many has to wait.
    #[graphql(visible = "visible::to_users")]
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The old one and the new one.")] input: ChangePasswordInput,
    ) -> Result<Option<ChangePasswordPayload>> {
        audited(ctx, &[], async {
            let ChangePasswordInput {
                current_password,
                new_password,
            } = input;
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let (current, new) = (current_password, new_password);
            let changed =
                session::change_password(app, requester, current, new, caller(ctx)).await?;
            Ok(ChangePasswordPayload {
                user: changed.into(),
            })
        })
        .await
    }

    /// Sets the password of any user, and ends all of its sessions. API tokens stay.
    #[graphql(visible = "visible::to_admins")]
    async fn set_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose, and which.")] input: SetPasswordInput,
    ) -> Result<Option<SetPasswordPayload>> {
        let SetPasswordInput {
            user_id,
            new_password,
        } = input;
        audited(ctx, &[&user_id.clone()], async move {
            let requester = admin(ctx)?;
            let id = id::find(&user_id, "user")?;
            let user = change::set_password(app(ctx)?, requester, id, new_password).await?;
            own_sessions_ended(ctx, user.id);
            Ok(SetPasswordPayload { user: user.into() })
        })
        .await
    }
}
