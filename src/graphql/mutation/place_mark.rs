//! Accepting what is in a place, where a disk was replaced.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::{
        Error,
        place_mark::{self, Accepted, Target},
    },
    graphql::{
        context::{admin, app},
        error::Result,
        id,
        types::{BackupStorage, StoragePool},
        visible,
    },
};

/// What to accept: exactly one of the two kinds.
#[derive(Debug, InputObject)]
#[graphql(visible = "visible::to_admins")]
#[expect(
    clippy::struct_field_names,
    reason = "they are named as the API names ids"
)]
pub struct AcceptPlaceInput {
    /// A storage pool.
    pub storage_pool_id: Option<ID>,
    /// A backup storage.
    pub backup_storage_id: Option<ID>,
    /// Of a local backup storage: the hypervisor on which it is accepted. Of a local pool it may be named.
    pub hypervisor_id: Option<ID>,
}

/// What was accepted.
#[derive(Debug, Default, SimpleObject)]
#[graphql(visible = "visible::to_admins")]
pub struct AcceptPlacePayload {
    /// The storage pool.
    pub storage_pool: Option<StoragePool>,
    /// The backup storage.
    pub backup_storage: Option<BackupStorage>,
}

/// Accepting places.
#[derive(Debug, Default)]
pub struct PlaceMarkMutation;

#[Object]
impl PlaceMarkMutation {
    /// Accepts what is in a place now, because its disk was replaced or emptied, or because it was in use before
    /// places were marked: its generation rises, and whoever works there next marks it anew. What carries the marker
    /// of another place or installation is refused all the same, unless it is empty. What lay on the former disk is
    /// lost to those who look for it.
    #[graphql(visible = "visible::to_admins")]
    async fn accept_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What.")] input: AcceptPlaceInput,
    ) -> Result<Option<AcceptPlacePayload>> {
        let named = [
            &input.storage_pool_id,
            &input.backup_storage_id,
            &input.hypervisor_id,
        ];
        let named: Vec<_> = named.into_iter().flatten().collect();
        audited(ctx, &named, async {
            let requester = admin(ctx)?;
            let target = match (&input.storage_pool_id, &input.backup_storage_id) {
                (Some(pool), None) => Target::Pool(id::find(pool, "storage pool")?),
                (None, Some(storage)) => Target::Storage(id::find(storage, "backup storage")?),
                _ => {
                    let message = "Give exactly one of storagePoolId and backupStorageId.";
                    return Err(Error::invalid(message).into());
                }
            };
            let hypervisor = input.hypervisor_id.as_ref();
            let hypervisor = hypervisor
                .map(|id| id::find(id, "hypervisor"))
                .transpose()?;
            let accepted = place_mark::accept(app(ctx)?, requester, target, hypervisor).await?;
            Ok(match accepted {
                Accepted::Pool(pool) => AcceptPlacePayload {
                    storage_pool: Some(pool.into()),
                    ..AcceptPlacePayload::default()
                },
                Accepted::Storage(storage) => AcceptPlacePayload {
                    backup_storage: Some(storage.into()),
                    ..AcceptPlacePayload::default()
                },
            })
        })
        .await
    }
}
