//! Making and changing accounts.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::account::{self, Update},
    graphql::{
        context::{admin, app},
        error::Result,
        id,
        scalar::ByteCount,
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

/// What to change of an account. What is left out stays as it is.
#[derive(Debug, InputObject)]
pub struct UpdateAccountInput {
    /// The account.
    pub account_id: ID,
    /// 1 to 128 characters.
    pub name: Option<String>,
    /// How many volumes it may have; 0 allows none. An explicit null makes it the gateway's setting.
    pub volume_limit: MaybeUndefined<i32>,
    /// How many bytes its volumes may have in all. An explicit null makes it the gateway's setting.
    pub volume_bytes_limit: MaybeUndefined<ByteCount>,
}

/// An account that was changed.
#[derive(Debug, SimpleObject)]
pub struct UpdateAccountPayload {
    /// The account.
    pub account: Account,
}

/// Which account to delete.
#[derive(Debug, InputObject)]
pub struct DeleteAccountInput {
    /// The account: nobody signs in to it, and it owns nothing.
    pub account_id: ID,
    /// Its exact name.
    pub confirm_name: String,
}

/// An account that was deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteAccountPayload {
    /// The id that it had.
    pub deleted_account_id: ID,
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

    /// Changes an account. A lowered limit deletes nothing.
    #[graphql(visible = "visible::to_admins")]
    async fn update_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what.")] input: UpdateAccountInput,
    ) -> Result<Option<UpdateAccountPayload>> {
        audited(ctx, &[&input.account_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.account_id, "account")?;
            let volumes = input.volume_limit.as_opt_ref();
            let bytes = input.volume_bytes_limit.as_opt_ref();
            let update = Update {
                name: input.name.as_deref(),
                volume_limit: volumes.map(Option::<&_>::copied),
                volume_bytes_limit: bytes.map(|limit| limit.map(|limit| limit.0)),
            };
            let account = account::update(app(ctx)?, requester, id, update).await?;
            Ok(UpdateAccountPayload {
                account: account.into(),
            })
        })
        .await
    }

    /// Deletes an account that nobody signs in to and that owns nothing. History goes on to name it.
    #[graphql(visible = "visible::to_admins")]
    async fn delete_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteAccountInput,
    ) -> Result<Option<DeleteAccountPayload>> {
        audited(ctx, &[&input.account_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.account_id, "account")?;
            account::delete(app(ctx)?, requester, id, &input.confirm_name).await?;
            Ok(DeleteAccountPayload {
                deleted_account_id: input.account_id.clone(),
            })
        })
        .await
    }
}
