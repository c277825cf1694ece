//! Making users.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::user::{self, Create},
    graphql::{
        context::{admin, app},
        error::Result,
        id,
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
}
