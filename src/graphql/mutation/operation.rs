//! Cancelling operations, and giving up on stuck ones.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::operation::{cancel::cancel, fail::fail},
    graphql::{
        context::{admin, app, user},
        error::Result,
        id,
        types::Operation,
        visible,
    },
};

/// Which operation to cancel.
#[derive(Debug, InputObject)]
pub struct CancelOperationInput {
    /// A snapshot, backup or restore that has not ended.
    pub operation_id: ID,
}

/// An operation that was asked to stop.
#[derive(Debug, SimpleObject)]
pub struct CancelOperationPayload {
    /// The operation: CANCELLED, or STARTED until its agent has stopped.
    pub operation: Operation,
}

/// Which operation to give up on.
#[derive(Debug, InputObject)]
pub struct FailOperationInput {
    /// An operation that has not ended.
    pub operation_id: ID,
    /// Why, for the customer: 1 to 1000 characters.
    pub reason: String,
}

/// An operation that was marked failed.
#[derive(Debug, SimpleObject)]
pub struct FailOperationPayload {
    /// The operation, which is FAILED.
    pub operation: Operation,
}

/// Changes to operations.
#[derive(Debug, Default)]
pub struct OperationMutation;

#[Object]
impl OperationMutation {
    /// Stops a PENDING or STARTED snapshot, backup or restore; it ends CANCELLED.
    #[graphql(visible = "visible::to_users")]
    async fn cancel_operation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: CancelOperationInput,
    ) -> Result<Option<CancelOperationPayload>> {
        audited(ctx, &[&input.operation_id], async {
            let requester = user(ctx)?;
            let id = id::find(&input.operation_id, "operation")?;
            let operation = cancel(app(ctx)?, requester, id).await?.into();
            Ok(CancelOperationPayload { operation })
        })
        .await
    }

    /// Marks a stuck operation failed and frees its volume, once no agent can still be writing.
    #[graphql(visible = "visible::to_admins")]
    async fn fail_operation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why.")] input: FailOperationInput,
    ) -> Result<Option<FailOperationPayload>> {
        audited(ctx, &[&input.operation_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.operation_id, "operation")?;
            let operation = fail(app(ctx)?, requester, id, &input.reason).await?.into();
            Ok(FailOperationPayload { operation })
        })
        .await
    }
}
