//! Restores: over the volume that the item was made from, or to a new volume.

use std::sync::Arc;

use entity::{
    AccountId, BackupId, HypervisorGroupId, HypervisorId, SnapshotId, VolumeId, VolumePlanId,
    backup,
    backup_storage::BackupStorageKind,
    operation::{self, OperationKind},
    snapshot, volume, volume_plan,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};
use serde::Serialize;

use super::{Acceptance, Begun, Draft, Request, pass};
use crate::{
    app::App,
    domain::{
        Error, Result, backup_storage,
        guard::{self, ItemFacts, VolumeFacts},
        hold, hypervisor,
        operation::effect::{Field, Item, update_item},
        plan, text,
        volume::{self as volumes, birth, facts},
    },
};

/// What a restore reads.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Source {
    /// A snapshot.
    Snapshot(SnapshotId),
    /// A backup.
    Backup(BackupId),
}

/// What [`restore_in_place`] needs to know.
#[derive(Debug, Serialize)]
pub struct RestoreInPlace {
    /// The volume that is overwritten.
    pub volume_id: VolumeId,
    /// With what.
    pub source: Source,
    /// The volume's name, typed.
    pub confirm_name: String,
    /// Whether a new image may take the place of one that is damaged or gone. Left out of what idempotency keys
    /// compare where it is not, as it was before there was the choice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replace_image: bool,
}

/// What [`restore_to_new_volume`] needs to know.
#[derive(Debug, Serialize)]
pub struct RestoreToNewVolume {
    /// What is restored.
    pub source: Source,
    /// What to call the new volume; the old one's name and the time if left out.
    pub name: Option<String>,
    /// Its plan; the old one's if left out.
    pub plan_id: Option<VolumePlanId>,
    /// Its group; the old one's if left out.
    pub group_id: Option<HypervisorGroupId>,
}

/// Overwrites a volume with one of its own snapshots or backups.
pub async fn restore_in_place(
    app: &App,
    request: Request<'_, RestoreInPlace>,
) -> Result<operation::Model> {
    let mut acceptance = match Acceptance::begin(app, "restoreInPlace", &request).await? {
        Begun::Repeated(operation) => return Ok(*operation),
        Begun::New(acceptance) => *acceptance,
    };
    let input = &request.input;
    acceptance.check_origin(&request).await?;
    if input.replace_image && matches!(input.source, Source::Snapshot(_)) {
        return Err(Error::invalid(
            "Only a backup can be restored into a new image: a snapshot lies in the image that would be replaced.",
        ));
    }
    let (volume, known) = acceptance
        .lock_volume(request.requester, input.volume_id)
        .await?;
    let read = acceptance.lock_source(&request, input.source).await?;
    text::confirm(&input.confirm_name, &volume.name)?;
    let target = facts::target_of_volume(&volume);
    let item = Some((read.facts, target));
    pass(guard::restore_in_place(&known, item, input.replace_image))?;
    acceptance.name_operation(read.item).await?;
    let worker = match acceptance.home_of(read.item).await? {
        Some(home) if volume.instance_id.is_none() => home,
        _ => volumes::find_worker(acceptance.tx.db(), &volume).await?,
    };
    let draft = Draft::new(
        OperationKind::RestoreInPlace,
        volume.account_id,
        volume.id,
        worker,
    );
    acceptance
        .accept(read.named_in(Draft {
            locks: Some(volume.id),
            replace_image: input.replace_image,
            ..draft
        }))
        .await
}

/// Makes a volume from a snapshot or backup. The source is only read.
pub async fn restore_to_new_volume(
    app: &App,
    request: Request<'_, RestoreToNewVolume>,
) -> Result<operation::Model> {
    let mut acceptance = match Acceptance::begin(app, "restoreToNewVolume", &request).await? {
        Begun::Repeated(operation) => return Ok(*operation),
        Begun::New(acceptance) => *acceptance,
    };
    let input = &request.input;
    let (read, source, mut known) = acceptance.lock_source_and_volume(&request).await?;
    let plan = acceptance.target_plan(input.plan_id, read.plan_id).await?;
    let name = acceptance.target_name(input.name.as_deref(), &read.volume_name)?;
    let group = input.group_id.unwrap_or(read.group_id);
    hold::hypervisor_group(&acceptance.tx, group).await?;
    let near = match (acceptance.home_of(read.item).await?, read.item) {
        (Some(home), _) => home,
        (None, Item::Snapshot(_)) => volumes::find_worker(acceptance.tx.db(), &source).await?,
        // It can be read from anywhere: a host that is lost does not hold its backups back.
        (None, Item::Backup(_)) => {
            let worker = volumes::find_worker(acceptance.tx.db(), &source).await?;
            acceptance.find_reachable(worker).await?.id
        }
    };
    let target = facts::target_of_plan(&plan);
    // For a plan of another kind no place is sought: the guards have a better word for that than
    // that the group lacks such a pool.
    let place = if target.storage_type == read.facts.storage_type {
        let tx = &acceptance.tx;
        Some(birth::place(tx, group, plan.storage_type, Some(near)).await?)
    } else {
        None
    };
    // A snapshot can only be read where its volume lies; a backup wherever the new volume will.
    let (worker, locks) = match (read.item, &place) {
        (Item::Backup(_), Some(place)) => (place.hypervisor_id, None),
        (Item::Backup(_), None) => (near, None),
        (Item::Snapshot(_), _) => (near, Some(source.id)),
    };
    let worker = hypervisor::find(acceptance.tx.db(), worker).await?;
    known.agent = facts::agent(&worker, request.requester.scope()?);
    pass(guard::restore_to_new_volume(
        &known,
        Some((read.facts, target)),
    ))?;
    let place = place.ok_or_else(|| Error::Broken("a restore has no place".to_owned()))?;
    let kind = OperationKind::RestoreToNewVolume;
    let made = birth::Birth {
        account: read.account_id,
        name,
        plan: &plan,
        place: &place,
        operation: acceptance.id,
        kind,
    };
    let made = made.insert(&acceptance.tx).await?;
    acceptance.name_operation(read.item).await?;
    let draft = Draft::new(kind, read.account_id, read.volume_id, worker.id);
    let draft = Draft {
        target_volume_id: Some(made.id),
        locks,
        ..draft
    };
    acceptance.accept(read.named_in(draft)).await
}

/// What a restore knows of its snapshot or backup.
struct Read {
    item: Item,
    facts: ItemFacts,
    account_id: AccountId,
    volume_id: VolumeId,
    volume_name: String,
    plan_id: VolumePlanId,
    group_id: HypervisorGroupId,
}

impl Read {
    fn of_snapshot(snapshot: &snapshot::Model, volume: &volume::Model) -> Self {
        Self {
            item: Item::Snapshot(snapshot.id),
            facts: facts::of_snapshot(snapshot, volume),
            account_id: snapshot.account_id,
            volume_id: volume.id,
            volume_name: volume.name.clone(),
            plan_id: volume.plan_id,
            group_id: volume.group_id,
        }
    }

    fn of_backup(backup: backup::Model) -> Self {
        Self {
            item: Item::Backup(backup.id),
            facts: facts::of_backup(&backup),
            account_id: backup.account_id,
            volume_id: backup.volume_id,
            volume_name: backup.volume_name,
            plan_id: backup.plan_id,
            group_id: backup.group_id,
        }
    }

    fn named_in<'a>(&self, draft: Draft<'a>) -> Draft<'a> {
        match self.item {
            Item::Snapshot(id) => Draft {
                snapshot_id: Some(id),
                ..draft
            },
            Item::Backup(id) => Draft {
                backup_id: Some(id),
                ..draft
            },
        }
    }
}

impl Acceptance<'_> {
    /// That the item was made from the volume. It is looked at before anything is locked, as nobody locks two
    /// accounts: two that did so in different orders would wait for each other.
    async fn check_origin(&self, request: &Request<'_, RestoreInPlace>) -> Result<()> {
        let (db, scope) = (self.tx.db(), request.requester.scope()?);
        let volume = volume::Entity::visible_to(scope);
        let volume = volumes::find(db, volume, request.input.volume_id).await?;
        let origin: VolumeId = match request.input.source {
            Source::Snapshot(id) => snapshot::Entity::visible_to(scope)
                .filter(snapshot::Column::Id.eq(id))
                .select_only()
                .column(snapshot::Column::VolumeId)
                .into_tuple()
                .one(db)
                .await?
                .ok_or(Error::NotFound("snapshot"))?,
            Source::Backup(id) => backup::Entity::visible_to(scope)
                .filter(backup::Column::Id.eq(id))
                .select_only()
                .column(backup::Column::VolumeId)
                .into_tuple()
                .one(db)
                .await?
                .ok_or(Error::NotFound("backup"))?,
        };
        if origin == volume.id {
            return Ok(());
        }
        Err(Error::invalid(
            "The item was made from another volume. Restore it to a new volume instead.",
        ))
    }

    async fn lock_source<I>(&mut self, request: &Request<'_, I>, source: Source) -> Result<Read> {
        match source {
            Source::Snapshot(id) => {
                let (snapshot, volume, _) = self.lock_snapshot(request, id).await?;
                Ok(Read::of_snapshot(&snapshot, &volume))
            }
            Source::Backup(id) => Ok(Read::of_backup(self.lock_backup(request, id).await?)),
        }
    }

    /// The item, the volume that it was made of, which may be deleted, and what the guards need.
    async fn lock_source_and_volume(
        &mut self,
        request: &Request<'_, RestoreToNewVolume>,
    ) -> Result<(Read, Arc<volume::Model>, VolumeFacts)> {
        match request.input.source {
            Source::Snapshot(id) => {
                let (snapshot, volume, facts) = self.lock_snapshot(request, id).await?;
                Ok((Read::of_snapshot(&snapshot, &volume), volume, facts))
            }
            Source::Backup(id) => {
                let read = Read::of_backup(self.lock_backup(request, id).await?);
                let volume = volume::Entity::find_by_id(read.volume_id)
                    .one(self.tx.db())
                    .await?;
                let volume = volume
                    .ok_or_else(|| Error::Broken("a backup has no volume's row".to_owned()))?;
                let volume = Arc::new(volume);
                let facts = self.facts(&volume, request.requester.scope()?).await?;
                Ok((read, volume, facts))
            }
        }
    }

    /// The hypervisor on whose own disk a backup lies, if it does: others may not see it there.
    pub(super) async fn home_of(&self, item: Item) -> Result<Option<HypervisorId>> {
        let Item::Backup(id) = item else {
            return Ok(None);
        };
        let backup = backup::Entity::find_by_id(id)
            .one(self.tx.db())
            .await?
            .ok_or(Error::NotFound("backup"))?;
        let storage = backup_storage::find(self.tx.db(), backup.backup_storage_id).await?;
        let is_local = storage.kind == BackupStorageKind::Local;
        Ok(is_local.then_some(backup.hypervisor_id))
    }

    /// The plan asked for, which must be enabled; or the source's own, whatever has become of it.
    async fn target_plan(
        &self,
        asked: Option<VolumePlanId>,
        inherited: VolumePlanId,
    ) -> Result<volume_plan::Model> {
        match asked {
            Some(id) if id != inherited => plan::find_enabled(&self.tx, id).await,
            _ => plan::find(self.tx.db(), inherited).await,
        }
    }

    fn target_name(&self, asked: Option<&str>, source: &str) -> Result<String> {
        match asked {
            Some(name) => text::name(name),
            None => Ok(text::restored_name(source, self.tx.now())),
        }
    }

    /// It is the latest operation on the item, which is RESTORING when an agent takes it.
    async fn name_operation(&self, item: Item) -> Result<()> {
        let latest = [(Field::Operation, Expr::value(self.id))];
        update_item(&self.tx, item, &latest).await
    }
}
