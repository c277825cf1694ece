//! Backup storages as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use entity::PlaceId;

use super::{
    Hypervisor, PlaceMark,
    destination::{LocalStorage, NfsStorage, S3Storage},
    place_mark::only,
    wraps,
};
use crate::{
    domain::{self, place_mark::SHARED},
    graphql::{
        context::loaders,
        error::Result,
        loader::{LastTestOf, MarksOf},
        scalar::{ByteCount, DateTime},
        visible,
    },
    limits::MAX_MARKS,
};

/// What kind of destination a backup storage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(
    remote = "entity::backup_storage::BackupStorageKind",
    visible = "visible::to_admins"
)]
pub enum BackupStorageKind {
    /// An S3-compatible bucket.
    S3,
    /// An NFS export.
    Nfs,
    /// A directory of the hypervisor itself.
    Local,
}

/// Where backups are written to.
#[derive(Clone, Debug)]
pub struct BackupStorage(pub Arc<entity::backup_storage::Model>);

wraps!(BackupStorage, backup_storage);

/// Where backups are written to. Its secrets can be set but never read.
#[Object(visible = "visible::to_admins")]
impl BackupStorage {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        ID::from(self.0.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What kind of destination it is.
    async fn kind(&self) -> BackupStorageKind {
        self.0.kind.into()
    }

    /// Where it is, in a line, without secrets: `local: /srv/backups`,
    /// `s3: bucket/prefix at https://s3.example.com`, `nfs: server:/export/directory`.
    async fn summary(&self) -> String {
        domain::backup_storage::summary(&self.0)
    }

    /// Of a bucket: where it is.
    async fn s3(&self) -> Option<S3Storage> {
        S3Storage::of(&self.0)
    }

    /// Of an NFS export: where it is.
    async fn nfs(&self) -> Option<NfsStorage> {
        NfsStorage::of(&self.0)
    }

    /// Of a local directory: where it is.
    async fn local(&self) -> Option<LocalStorage> {
        LocalStorage::of(&self.0)
    }

    /// How many bytes a second each agent may write there and read from there; null for any.
    async fn bandwidth_limit(&self) -> Option<ByteCount> {
        self.0.bandwidth_limit.map(ByteCount)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Whether backups there outlive the host. False for LOCAL: it is lost with its host.
    async fn survives_host_loss(&self) -> bool {
        self.0.kind != entity::backup_storage::BackupStorageKind::Local
    }

    /// Whether it has said whose it is: once, or of a local one on each hypervisor that has looked. Of more than 16
    /// those are listed at which something is wrong.
    async fn marks(&self, ctx: &Context<'_>) -> Result<Vec<PlaceMark>> {
        let id = PlaceId::from_uuid(self.0.id.as_uuid());
        let marks = loaders(ctx)?.find(MarksOf(id)).await?;
        if self.0.kind == entity::backup_storage::BackupStorageKind::Local {
            let (wrong, right): (Vec<_>, Vec<_>) = marks
                .iter()
                .cloned()
                .partition(|mark| mark.problem_at.is_some());
            let most = usize::try_from(MAX_MARKS).unwrap_or(usize::MAX);
            let listed = wrong.into_iter().chain(right).take(most);
            return Ok(listed.map(Some).map(PlaceMark).collect());
        }
        Ok(only(&marks, SHARED))
    }

    /// The latest test that has ended; null when there was none.
    async fn last_test(&self, ctx: &Context<'_>) -> Result<Option<BackupStorageTest>> {
        let test = loaders(ctx)?.lookup(LastTestOf(self.0.id)).await?;
        Ok(test.map(BackupStorageTest))
    }
}

/// A test of a backup storage.
#[derive(Clone, Debug)]
pub struct BackupStorageTest(pub Arc<entity::backup_storage_test::Model>);

wraps!(BackupStorageTest, backup_storage_test);

/// A test of a backup storage: a small object is written there, read back and deleted.
#[Object(visible = "visible::to_admins")]
impl BackupStorageTest {
    /// When the answer came.
    async fn at(&self) -> DateTime {
        self.0.finished_at.unwrap_or(self.0.requested_at).into()
    }

    /// Whose agent did it; null where the gateway did it itself.
    async fn hypervisor(&self, ctx: &Context<'_>) -> Result<Option<Hypervisor>> {
        let Some(id) = self.0.hypervisor_id else {
            return Ok(None);
        };
        Ok(loaders(ctx)?.lookup(id).await?.map(Hypervisor::from))
    }

    /// Whether all of it worked.
    async fn ok(&self) -> bool {
        self.0.ok
    }

    /// How many milliseconds passed from the request to the answer.
    async fn took_milliseconds(&self) -> i32 {
        let end = self.0.finished_at.unwrap_or(self.0.requested_at);
        let took = (end - self.0.requested_at).num_milliseconds();
        i32::try_from(took.max(0)).unwrap_or(i32::MAX)
    }

    /// What failed, or that nothing did.
    async fn message(&self) -> &str {
        &self.0.message
    }
}
