//! Volumes as images in a Ceph pool, `{pool}/{volume_id}`.
//!
//! Metadata is changed by `rbd`, content moves through `qemu-nbd`. An image that is not finished, or
//! that is being deleted, has another name, so that a volume exists as a whole or not at all, and
//! there are never two images of one volume.
//!
//! A start of `rbd` takes longer than what it does. So as little as possible is asked, and what can
//! be asked at once is.
//!
//! Ceph has no lock that keeps others from opening an image: two clients hand the right to write to
//! each other. Who has an image open is known by its watchers, and these are asked before anything
//! is overwritten. A client that died stays one for 30 seconds, so they are waited for a little
//! longer than that. And an image that is overwritten has another name meanwhile: who opens it by its own
//! finds nothing, instead of a disk that changes under it.

mod access;
mod command;
mod defect;
mod extent;
mod image;
mod name;
mod place;
mod room;
mod size;
mod snapshot;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use storage::Secret;
use tokio::{
    time::{Instant, sleep},
    try_join,
};
use uuid::Uuid;

pub use self::place::CephPlace;
use self::{
    access::Access,
    command::{Command, ImageName, unless},
    defect::Kind,
};
use super::{
    CloneOrigin, Code, Driver, Failure, Measuring, OpenSnapshot, OpenTarget, Result, Retained,
    SnapshotName, Surroundings, Touched, blocking,
};
use crate::{
    export::Fill,
    report::{Journal, Level},
};

/// Longer than Ceph takes a dead client for a living one.
const WATCHER_PATIENCE: Duration = Duration::from_secs(35);
const WATCHER_POLL: Duration = Duration::from_millis(500);
const PARTIAL_PREFIX: &str = "tidemark-tmp-";
/// Of a volume that is being overwritten.
const HELD_PREFIX: &str = "tidemark-held-";

/// A pool in a Ceph cluster, and who we are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CephPool {
    /// Its name in the cluster.
    pub pool: String,
    /// The user, without `client.` before it.
    pub user: String,
    /// The cluster's configuration; Ceph's own default if there is none.
    pub config_path: Option<PathBuf>,
    /// The user's key, where the host has no keyring with it.
    pub keyring: Option<Secret>,
}

/// One volume's image.
pub struct CephRbd {
    name: String,
    partial_name: String,
    held_name: String,
    size_bytes: u64,
    command: Arc<Command>,
    journal: Arc<Journal>,
}

impl CephRbd {
    /// The volume of this id and size in a pool.
    pub fn new(
        pool: &CephPool,
        volume_id: Uuid,
        size_bytes: u64,
        surroundings: Surroundings,
    ) -> Result<Self> {
        if size_bytes == 0 || !size_bytes.is_multiple_of(512) {
            let message = format!("A volume of {size_bytes} bytes is no whole number of sectors.");
            return Err(Failure::storage(message));
        }
        let access = Access::new(pool.clone(), surroundings.run_directory.clone())?;
        Ok(Self {
            name: volume_id.to_string(),
            partial_name: format!("{PARTIAL_PREFIX}{volume_id}"),
            held_name: format!("{HELD_PREFIX}{volume_id}"),
            size_bytes,
            journal: Arc::clone(&surroundings.journal),
            command: Arc::new(Command::new(access, surroundings)),
        })
    }

    /// The volume's image.
    fn image(&self) -> ImageName<'_> {
        ImageName {
            pool: self.command.pool(),
            image: &self.name,
        }
    }

    /// The image while it is not finished, or no longer whole.
    fn partial(&self) -> ImageName<'_> {
        ImageName {
            pool: self.command.pool(),
            image: &self.partial_name,
        }
    }

    /// The volume's image while it is overwritten.
    fn held(&self) -> ImageName<'_> {
        ImageName {
            pool: self.command.pool(),
            image: &self.held_name,
        }
    }

    /// Refuses to go on while anybody has the image open, once those that died have been forgotten.
    async fn ensure_unused(&self, image: ImageName<'_>, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        let mut told = false;
        loop {
            let watchers = self.command.watchers(image).await??;
            if watchers.is_empty() {
                return Ok(());
            }
            let addresses: Vec<_> = watchers.iter().map(|w| w.address.as_str()).collect();
            let holders = format!("The image is open at {}", addresses.join(", "));
            if Instant::now() >= deadline {
                return Err(defect::in_use().because(holders));
            }
            if !told {
                self.journal.private(Level::Info, holders);
                told = true;
            }
            sleep(WATCHER_POLL).await;
        }
    }
}

#[async_trait]
impl Driver for CephRbd {
    async fn clean_up(&self) -> Result<()> {
        let (partial, mut left_over, held) = try_join!(
            self.lookup(self.partial()),
            self.left_over(),
            self.lookup(self.held())
        )?;
        if held.is_some() {
            self.recall().await?;
            left_over = self.left_over().await?;
        }
        let partial = match partial {
            // It may be the volume itself, half renamed.
            Some(_) => self.find().await?.partial,
            None => None,
        };
        if partial.is_some() || left_over.is_none() {
            self.discard(self.partial()).await?;
        }
        self.remove_left_over(&left_over.unwrap_or_default()).await
    }

    async fn create(&self) -> Result<()> {
        if let Some(info) = self.find().await?.image {
            // An earlier attempt came this far.
            return self.check_size(&info);
        }
        self.discard(self.partial()).await?;
        self.create_partial().await?;
        self.publish().await
    }

    async fn delete(&self) -> Result<()> {
        self.remove_unused().await
    }

    async fn is_there(&self) -> Result<bool> {
        let found = self.find().await?;
        Ok(found.image.is_some() || found.held.is_some())
    }

    async fn create_snapshot(&self, name: SnapshotName) -> Result<()> {
        self.create_new(name).await
    }

    async fn begin_with_snapshot(&self, name: SnapshotName) -> Result<()> {
        // Taking one is mostly waiting: meanwhile we look around.
        let look = || async {
            let (left_over, held) = try_join!(self.left_over(), self.lookup(self.held()))?;
            Ok::<_, Failure>((left_over, held.is_some()))
        };
        let mut taken = try_join!(self.create_new(name), look());
        let is_missing = matches!(&taken, Err(failure) if failure.code == Code::ImageDamaged);
        let is_held = matches!(&taken, Ok(((), (_, true))));
        if is_missing || is_held {
            let recalled = self.recall().await?;
            if recalled && is_missing {
                taken = try_join!(self.create_new(name), look());
            }
        }
        let ((), (left_over, _)) = taken?;
        let mut left_over = left_over.unwrap_or_default();
        left_over.retain(|left_over| *left_over != name);
        self.remove_left_over(&left_over).await
    }

    async fn delete_snapshot(&self, name: SnapshotName) -> Result<()> {
        self.remove_snapshot(name).await
    }

    async fn has_snapshot(&self, name: SnapshotName) -> Result<bool> {
        let name = name.to_string();
        for image in [self.image(), self.held()] {
            let listed = unless(self.command.snapshots(image).await?, Kind::NoImage)?;
            if let Some(listed) = listed {
                return Ok(listed.iter().any(|snapshot| snapshot.name == name));
            }
        }
        Ok(false)
    }

    async fn check_roll_back(&self, name: SnapshotName) -> Result<()> {
        self.ensure_in_place().await?;
        self.require_snapshot(name).await?;
        self.ensure_unused(self.image(), WATCHER_PATIENCE).await
    }

    async fn roll_back(&self, name: SnapshotName, touched: &Touched) -> Result<()> {
        self.require_snapshot(name).await?;
        self.withdraw().await?;
        touched.set();
        self.command
            .roll_back(self.held(), &name.to_string())
            .await??;
        self.recall().await?;
        self.ensure_grown().await
    }

    /// Each is compared with its neighbours, by a command of its own.
    fn measuring(&self) -> Measuring {
        Measuring::Later
    }

    async fn retained(&self) -> Result<Vec<Retained>> {
        match self.measure().await {
            // One of them was deleted meanwhile.
            Err(failure) if failure.code == Code::ItemNotAvailable => self.measure().await,
            measured => measured,
        }
    }

    async fn open_snapshot(&self, name: SnapshotName) -> Result<OpenSnapshot> {
        let snapshot = self.require_snapshot(name).await?;
        let server = self.command.serve_snapshot(self.image(), &snapshot.name);
        let server = match server.await {
            Ok(server) => server,
            Err(failure) if failure.code == Code::StorageFailed => return Err(failure),
            // The same is said of a part of it that is missing.
            Err(failure) => {
                let is_listed = self.has_snapshot(name).await?;
                return Err(if is_listed {
                    defect::without_map().because(failure)
                } else {
                    failure
                });
            }
        };
        let (command, image) = (Arc::clone(&self.command), self.name.clone());
        let bytes = snapshot.size;
        let still_there = snapshot::still_there(command, image, snapshot);
        OpenSnapshot::served(server, bytes, still_there)
    }

    async fn check_overwrite(&self) -> Result<()> {
        self.ensure_in_place().await?;
        self.ensure_unused(self.image(), WATCHER_PATIENCE).await?;
        let info = self.command.info(self.image()).await??;
        self.check_not_larger(&info)
    }

    async fn ensure_room(&self, data_bytes: u64) -> Result<()> {
        self.ensure_room_for(data_bytes, true).await
    }

    async fn overwrite(&self) -> Result<OpenTarget> {
        self.ensure_in_place().await?;
        self.ensure_unused(self.image(), Duration::ZERO).await?;
        self.ensure_grown().await?;
        self.withdraw().await?;
        let server = match self.command.serve(self.held()).await {
            Ok(server) => server,
            Err(failure) => {
                self.recall().await?;
                return Err(failure);
            }
        };
        Ok(OpenTarget::served(server, Fill::Used).then(self.give_back()))
    }

    async fn stage_replacement(&self, by: Uuid, stored_bytes: u64) -> Result<OpenTarget> {
        self.prepare_replacement().await?;
        self.ensure_room_for(stored_bytes, false).await?;
        self.create_partial().await?;
        self.command.note_maker(self.partial(), by).await??;
        let server = self.command.serve(self.partial()).await?;
        Ok(OpenTarget::served(server, Fill::Fresh))
    }

    async fn replace(&self) -> Result<()> {
        self.replace_image().await
    }

    async fn is_replacement(&self, by: Uuid) -> Result<bool> {
        let maker = self.maker().await?;
        Ok(maker.is_some_and(|maker| maker == by.to_string()))
    }

    async fn stage(&self) -> Result<OpenTarget> {
        self.clear().await?;
        self.create_partial().await?;
        let server = self.command.serve(self.partial()).await?;
        Ok(OpenTarget::served(server, Fill::Fresh))
    }

    fn clone_origin(&self, name: SnapshotName) -> Option<CloneOrigin> {
        Some(CloneOrigin {
            pool: self.command.pool().to_owned(),
            image: self.name.clone(),
            snapshot: name,
        })
    }

    async fn stage_clone(&self, origin: &CloneOrigin) -> Result<bool> {
        self.clear().await?;
        // In another cluster, or where this pool's user may not look, there is nothing to find.
        let found = match self.command.info_of_snapshot(origin).await? {
            Err(defect) if defect.kind == Kind::Silent => return Err(defect.into()),
            Err(defect) => Err(defect),
            Ok(info) => {
                self.check_fits(info.size)?;
                self.command.clone_snapshot(origin, self.partial()).await?
            }
        };
        if let Err(defect) = found {
            let message = format!("The snapshot cannot be cloned, and is copied: {defect}");
            self.journal.private(Level::Info, message);
            return Ok(false);
        }
        self.command.flatten(self.partial()).await??;
        let found = self.command.info(self.partial()).await??.size;
        if found < self.size_bytes {
            self.command.grow(self.partial(), self.size_bytes).await??;
        }
        Ok(true)
    }

    async fn publish(&self) -> Result<()> {
        self.rename_partial().await
    }
}
