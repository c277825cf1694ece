//! Taking and deleting snapshots.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::operation::{
        find_snapshot,
        submit::{self, Request},
    },
    graphql::{
        context::{app, user},
        error::Result,
        id,
        types::{Operation, Snapshot},
        visible,
    },
};

/// What to take a snapshot of.
#[derive(Debug, InputObject)]
pub struct CreateSnapshotInput {
    /// The volume.
    pub volume_id: ID,
    /// 1 to 128 characters; a name with the time if left out.
    pub name: Option<String>,
    /// The same key, account and input again returns the first answer and starts nothing.
    pub idempotency_key: Option<String>,
}

/// A snapshot that was asked for.
#[derive(Debug, SimpleObject)]
pub struct CreateSnapshotPayload {
    /// The snapshot, which is PENDING.
    pub snapshot: Snapshot,
    /// The operation that takes it.
    pub operation: Operation,
}

/// Which snapshot to delete.
#[derive(Debug, InputObject)]
pub struct DeleteSnapshotInput {
    /// The snapshot.
    pub snapshot_id: ID,
    /// Its exact name.
    pub confirm_name: String,
    /// The same key, account and input again returns the first answer and starts nothing.
    pub idempotency_key: Option<String>,
}

/// A snapshot that is being deleted.
#[derive(Debug, SimpleObject)]
pub struct DeleteSnapshotPayload {
    /// The snapshot, which is DELETING.
    pub snapshot: Snapshot,
    /// The operation that deletes it.
    pub operation: Operation,
}

/// Changes to snapshots.
#[derive(Debug, Default)]
pub struct SnapshotMutation;

#[Object]
impl SnapshotMutation {
    /// Takes a snapshot: an instant rollback mark on the volume's own storage.
    #[graphql(visible = "visible::to_users")]
    async fn create_snapshot(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of what.")] input: CreateSnapshotInput,
    ) -> Result<Option<CreateSnapshotPayload>> {
        audited(ctx, &[&input.volume_id], async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let wanted = submit::CreateSnapshot {
                volume_id: id::find(&input.volume_id, "volume")?,
                name: input.name.clone(),
            };
            let key = input.idempotency_key.as_deref();
            let request = Request {
                requester,
                input: wanted,
                key,
            };
            let operation = submit::create_snapshot(app, request).await?;
            let snapshot = find_snapshot(app, &operation).await?.into();
            Ok(CreateSnapshotPayload {
                snapshot,
                operation: operation.into(),
            })
        })
        .await
    }

    /// Deletes a snapshot from storage. Its space is free once the operation is COMPLETED.
    #[graphql(visible = "visible::to_users")]
    async fn delete_snapshot(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: DeleteSnapshotInput,
    ) -> Result<Option<DeleteSnapshotPayload>> {
        audited(ctx, &[&input.snapshot_id], async {
            let (app, requester) = (app(ctx)?, user(ctx)?);
            let wanted = submit::DeleteSnapshot {
                snapshot_id: id::find(&input.snapshot_id, "snapshot")?,
                confirm_name: input.confirm_name.clone(),
            };
            let key = input.idempotency_key.as_deref();
            let request = Request {
                requester,
                input: wanted,
                key,
            };
            let operation = submit::delete_snapshot(app, request).await?;
            let snapshot = find_snapshot(app, &operation).await?.into();
            Ok(DeleteSnapshotPayload {
                snapshot,
                operation: operation.into(),
            })
        })
        .await
    }
}
