//! Making accounts.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::account,
    graphql::{
        context::{admin, app},
        error::Result,
        types::Account,
        visible,
    },
};

/// What the new account is to be.
#[derive(Debug, InputObject)]
pub struct CreateAccountInput {
    /// 1 to 128 characters.
    pub name: String,
}

/// An account that was made.
#[derive(Debug, SimpleObject)]
pub struct CreateAccountPayload {
    /// The account.
    pub account: Account,
}

/// Changes to accounts.
#[derive(Debug, Default)]
pub struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Makes an account.
    #[graphql(visible = "visible::to_admins")]
    async fn create_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be.")] input: CreateAccountInput,
    ) -> Result<Option<CreateAccountPayload>> {
        audited(ctx, &[], async {
            let account = account::create(app(ctx)?, admin(ctx)?, &input.name)
                .await?
                .into();
            Ok(CreateAccountPayload { account })
        })
        .await
    }
}
