//! What a viewer may do with a volume now: the guards, told instead of enforced.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, OneofObject, SimpleObject};
use chrono::{DateTime as Instant, Utc};
use entity::{BackupId, SnapshotId};

use super::ErrorCode;
use crate::{
    domain::{
        Error,
        guard::{self, ItemFacts, Refusal, TargetFacts, VolumeFacts},
        volume::facts,
    },
    graphql::{context::loaders, error::Result, id, loader::FactsOf, scalar::DateTime},
};

/// What a restore reads: exactly one of the two.
#[derive(Clone, Debug, OneofObject)]
pub enum RestoreSource {
    /// A snapshot.
    SnapshotId(ID),
    /// A backup.
    BackupId(ID),
}

impl RestoreSource {
    /// The id of either.
    pub fn id(&self) -> &ID {
        match self {
            Self::SnapshotId(id) | Self::BackupId(id) => id,
        }
    }
}

/// What the viewer may do with a volume now.
#[derive(Debug)]
pub struct VolumeActions {
    /// The volume.
    pub volume: Arc<entity::volume::Model>,
    /// When it was asked.
    pub now: Instant<Utc>,
}

/// What the viewer may do with a volume now, judged by the same guards that the mutations enforce.
#[Object]
impl VolumeActions {
    /// Whether a snapshot may be taken.
    async fn create_snapshot(&self, ctx: &Context<'_>) -> Result<ActionAvailability> {
        Ok(guard::create_snapshot(&*self.facts(ctx).await?).into())
    }

    /// Whether a backup may be made.
    async fn create_backup(&self, ctx: &Context<'_>) -> Result<ActionAvailability> {
        Ok(guard::create_backup(&*self.facts(ctx).await?).into())
    }

    /// Whether the volume may be overwritten by one of its snapshots or backups.
    async fn restore_in_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "What would be restored. Without it the answer is what holds for any snapshot."
        )]
        source: Option<RestoreSource>,
        #[graphql(
            desc = "Whether a new image may take the place of one that is damaged or gone.",
            default = false
        )]
        replace_image: bool,
    ) -> Result<ActionAvailability> {
        let item = self.item(ctx, source).await?;
        let target = facts::target_of_volume(&self.volume);
        let item = item.map(|item| (item, target));
        let facts = self.facts(ctx).await?;
        Ok(guard::restore_in_place(&facts, item, replace_image).into())
    }

    /// Whether one of its snapshots or backups may be restored to a new volume of the same plan.
    async fn restore_to_new_volume(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "What would be restored. Without it the answer is what holds for any snapshot."
        )]
        source: Option<RestoreSource>,
    ) -> Result<ActionAvailability> {
        let item = match self.item(ctx, source).await? {
            Some(item) => Some((item, self.plan(ctx).await?)),
            None => None,
        };
        Ok(guard::restore_to_new_volume(&*self.facts(ctx).await?, item).into())
    }
}

impl VolumeActions {
    async fn facts(&self, ctx: &Context<'_>) -> Result<Arc<VolumeFacts>> {
        let key = FactsOf {
            volume: self.volume.clone(),
            now: self.now,
        };
        loaders(ctx)?.find(key).await
    }

    async fn plan(&self, ctx: &Context<'_>) -> Result<TargetFacts> {
        let plan = loaders(ctx)?.find(self.volume.plan_id).await?;
        Ok(facts::target_of_plan(&plan))
    }

    async fn item(
        &self,
        ctx: &Context<'_>,
        source: Option<RestoreSource>,
    ) -> Result<Option<ItemFacts>> {
        let (item, volume) = match source {
            None => return Ok(None),
            Some(RestoreSource::SnapshotId(id)) => {
                let id: SnapshotId = id::find(&id, "snapshot")?;
                let snapshot = loaders(ctx)?.lookup(id).await?;
                let snapshot = snapshot.ok_or(Error::NotFound("snapshot"))?;
                (
                    facts::of_snapshot(&snapshot, &self.volume),
                    snapshot.volume_id,
                )
            }
            Some(RestoreSource::BackupId(id)) => {
                let id: BackupId = id::find(&id, "backup")?;
                let backup = loaders(ctx)?.lookup(id).await?;
                let backup = backup.ok_or(Error::NotFound("backup"))?;
                (facts::of_backup(&backup), backup.volume_id)
            }
        };
        if volume != self.volume.id {
            return Err(Error::invalid("The snapshot or backup is of another volume.").into());
        }
        Ok(Some(item))
    }
}

/// Whether something may be done now.
#[derive(Clone, Debug, SimpleObject)]
pub struct ActionAvailability {
    /// Whether no guard says no.
    pub allowed: bool,
    /// Every guard that says no. The first is the error that the mutation would give.
    pub blockers: Vec<Blocker>,
}

/// A guard that says no.
#[derive(Clone, Debug, SimpleObject)]
pub struct Blocker {
    /// The code of the error that the mutation would give.
    pub code: ErrorCode,
    /// The message of that error.
    pub message: String,
    /// When time will have healed it, where that is known.
    pub available_at: Option<DateTime>,
}

impl From<Vec<Refusal>> for ActionAvailability {
    fn from(refusals: Vec<Refusal>) -> Self {
        Self {
            allowed: refusals.is_empty(),
            blockers: refusals.iter().map(Blocker::from).collect(),
        }
    }
}

impl From<&Refusal> for Blocker {
    fn from(refusal: &Refusal) -> Self {
        Self {
            code: refusal.code().into(),
            message: refusal.to_string(),
            available_at: refusal.available_at().map(DateTime),
        }
    }
}
