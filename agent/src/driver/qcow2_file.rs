//! Volumes as qcow2 files in a directory, `{pool}/{volume_id}.qcow2`, not in use by an instance.
//!
//! Snapshots are internal to the image. Its tables are changed by `qemu-img` and `qemu-nbd`, which are
//! always told the format, because what a guest writes must never be taken for an image. QEMU's own
//! lock on the file has the last word on whether anybody else uses it.
//!
//! Content goes to and from the file itself, as far as that needs no change of the tables: what a disk
//! shares with nobody is overwritten while a `qemu-nbd` holds the lock, and does the rest. That the tables
//! are right is checked first, by QEMU and by ourselves: a snapshot must not change because one was wrong.
//! `qemu-nbd` does all of it where clusters are divided, and where dirty bitmaps have to be kept. A snapshot is
//! read, its compressed and divided clusters aside, without any lock, so that an instance can be started during a
//! backup. Its data never changes, whoever writes the image; what could harm is only that the snapshot
//! itself goes. Tidemark does that under the volume's lock alone, and if somebody else does, the
//! image's own table says so when the reading ends.

mod check;
mod command;
mod edit;
mod file;
mod finding;
mod holder;
mod reserve;

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::sleep;
use uuid::Uuid;

pub(super) use self::edit::Editor;
pub use self::reserve::keep_reserve;
use self::{check::Found, command::Command, file::Place, reserve::Reserve};
use super::{
    Driver, Failure, OpenSnapshot, OpenTarget, Result, Retained, SnapshotName, Surroundings,
    Touched, blocking,
};
use crate::{
    export::Fill,
    qcow2::{Content, Defect, Image, OwnClusters},
    report::{Journal, Level},
};

/// After how long what could not be read is read again.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// One volume's image.
pub struct Qcow2File {
    place: Place,
    size_bytes: u64,
    command: Command,
    reserve: Reserve,
    journal: Arc<Journal>,
}

impl Qcow2File {
    /// The volume of this id and size in a pool's directory.
    pub fn new(
        pool: &Path,
        volume_id: Uuid,
        size_bytes: u64,
        surroundings: Surroundings,
    ) -> Result<Self> {
        if !pool.is_absolute() {
            return Err(
                Failure::storage("The storage pool is not set up correctly.")
                    .because(format!("{} is not an absolute path", pool.display())),
            );
        }
        if size_bytes == 0 || !size_bytes.is_multiple_of(512) {
            let message = format!("A volume of {size_bytes} bytes is no whole number of sectors.");
            return Err(Failure::storage(message));
        }
        let journal = Arc::clone(&surroundings.journal);
        let place = Place::new(pool, volume_id);
        let note = place.change_note().clone();
        let command = Command::new(place.image().to_owned(), note, surroundings);
        Ok(Self {
            place,
            size_bytes,
            command,
            reserve: Reserve::of(pool, Arc::clone(&journal)),
            journal,
        })
    }

    /// The image, which has to be sound and of the size that the volume has.
    async fn inspect(&self) -> Result<Image> {
        let image = self.inspect_any_size().await?;
        check::size(&image, self.size_bytes)?;
        Ok(image)
    }

    /// Checks what can be said of an image that is being written: its kind and its size.
    pub(super) async fn check_beside_writer(&self) -> Result<()> {
        self.place.ensure_pool().await?;
        let image = self.open().await?;
        image.check_mark()?;
        check::size(&image, self.size_bytes)
    }

    /// The size that the gateway believes the volume to have.
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The image's place.
    pub(super) fn image(&self) -> &Path {
        self.place.image()
    }

    async fn inspect_any_size(&self) -> Result<Image> {
        self.place.ensure_pool().await?;
        let image = self.open().await?;
        let checked = blocking(move || image.check_active().map(|()| image));
        Ok(checked.await??)
    }

    async fn open(&self) -> std::result::Result<Image, Defect> {
        let path = self.place.image().to_owned();
        blocking(move || Image::open(&path))
            .await
            .unwrap_or_else(|failure| Err(Defect::Io(std::io::Error::other(failure.to_string()))))
    }

    /// The image, or nothing where it is gone.
    async fn lookup(&self) -> Result<Option<Image>> {
        self.place.ensure_pool().await?;
        match self.open().await {
            Ok(image) => Ok(Some(image)),
            Err(Defect::Missing) => Ok(None),
            Err(defect) => Err(defect.into()),
        }
    }

    /// Gives back the size to an image that a roll-back has made smaller.
    async fn ensure_size(&self) -> Result<Image> {
        let image = self.inspect_any_size().await?;
        let found = image.header().virtual_bytes;
        if found < self.size_bytes {
            let message = format!(
                "Growing the image from {found} to {} bytes",
                self.size_bytes
            );
            self.journal.private(Level::Info, message);
            self.command.grow(self.size_bytes).await?;
        }
        self.inspect().await
    }

    /// What cannot be worked on, and even what is no image any more, is deleted all the same, unless somebody has
    /// it open.
    async fn ensure_deletable(&self) -> Result<()> {
        self.place.ensure_file_or_nothing().await?;
        self.place.remove_partial().await?;
        if self.place.has_image().await? {
            self.command.ensure_unused().await?;
        }
        Ok(())
    }

    /// Whether whoever changed the image may have been killed over it.
    pub(super) async fn is_to_be_repaired(&self) -> Result<bool> {
        self.place.change_note().is_there().await
    }

    /// Notes that whoever changed the image was killed.
    pub(super) async fn suspect(&self) -> Result<()> {
        self.place.change_note().begin().await.map(drop)
    }

    /// Checks that the image can be overwritten.
    async fn look_over(&self) -> Result<()> {
        self.place.ensure_pool().await?;
        let image = self.open().await.map_err(check::damage)?;
        let checked = blocking(move || {
            image.check_active()?;
            image.check_words().map(|()| image)
        });
        let image = checked.await?.map_err(check::damage)?;
        check::not_larger(&image, self.size_bytes)?;
        self.command.ensure_unused().await?;
        self.ensure_sound(image.header().is_dirty()).await
    }

    /// Checks that the image's tables do not contradict each other. Deferred counts are made anew before anything is
    /// written, and say nothing until then.
    async fn ensure_sound(&self, is_dirty: bool) -> Result<()> {
        if is_dirty {
            return Ok(());
        }
        self.command.examine().await
    }

    /// Makes deferred counts anew.
    async fn ensure_counted(&self, image: &Image) -> Result<()> {
        if image.header().is_dirty()
            && let Err(failure) = self.command.recount().await
        {
            self.command.examine().await?;
            return Err(failure);
        }
        Ok(())
    }

    async fn require_snapshot(&self, name: SnapshotName) -> Result<Found> {
        self.place.ensure_pool().await?;
        let image = self.open().await?;
        let size_bytes = self.size_bytes;
        blocking(move || check::snapshot(image, name, size_bytes)).await?
    }
}

#[async_trait]
impl Driver for Qcow2File {
    async fn clean_up(&self) -> Result<()> {
        self.remove_leftovers(&mut &self.command).await
    }

    async fn repair(&self) -> Result<()> {
        if !self.is_to_be_repaired().await? {
            return Ok(());
        }
        let mut given = self.reserve.give().await;
        let mut repaired = self.command.repair().await;
        if given.helps(&repaired).await {
            repaired = self.command.repair().await;
        }
        given.take_back().await;
        repaired
    }

    async fn create(&self) -> Result<()> {
        if let Some(image) = self.lookup().await? {
            // An earlier attempt came this far.
            return check::size(&image, self.size_bytes);
        }
        self.place.remove_partial().await?;
        self.command
            .create(self.place.partial(), self.size_bytes)
            .await?;
        self.place.publish().await
    }

    async fn delete(&self) -> Result<()> {
        self.ensure_deletable()
            .await
            .map_err(Failure::before_change)?;
        let mut given = self.reserve.give().await;
        let mut removed = self.place.remove().await;
        if given.helps(&removed).await {
            removed = self.place.remove().await;
        }
        given.take_back().await;
        removed
    }

    async fn is_there(&self) -> Result<bool> {
        self.place.has_image().await
    }

    async fn create_snapshot(&self, name: SnapshotName) -> Result<()> {
        let image = self.inspect().await.map_err(Failure::before_change)?;
        let taken = self.take(&mut &self.command, name).await;
        taken.map_err(|failure| check::explain(&image, failure))
    }

    async fn delete_snapshot(&self, name: SnapshotName) -> Result<()> {
        self.remove(&mut &self.command, name).await
    }

    async fn has_snapshot(&self, name: SnapshotName) -> Result<bool> {
        self.lists(name).await
    }

    async fn check_roll_back(&self, name: SnapshotName) -> Result<()> {
        let Found {
            image, snapshot, ..
        } = self.require_snapshot(name).await?;
        let is_dirty = image.header().is_dirty();
        blocking(move || check::roll_back(&image, &snapshot)).await??;
        self.command.ensure_unused().await?;
        self.ensure_sound(is_dirty).await
    }

    async fn roll_back(&self, name: SnapshotName, touched: &Touched) -> Result<()> {
        let Found { image, .. } = self.require_snapshot(name).await?;
        self.ensure_counted(&image).await?;
        let mut given = self.reserve.give().await;
        let mut applied = self.command.apply_snapshot(name, touched).await;
        if given.helps(&applied).await {
            applied = self.command.apply_snapshot(name, touched).await;
        }
        given.take_back().await;
        applied?;
        self.ensure_size().await.map(drop)
    }

    async fn retained(&self) -> Result<Vec<Retained>> {
        self.place.ensure_pool().await?;
        let image = self.place.image().to_owned();
        Ok(blocking(move || check::retained(&image)).await??)
    }

    async fn open_snapshot(&self, name: SnapshotName) -> Result<OpenSnapshot> {
        let Found {
            image,
            snapshot,
            extent,
        } = self.require_snapshot(name).await?;
        let path = self.place.image().to_owned();
        let seen = snapshot.clone();
        let still_there = async { blocking(move || check::still_there(&path, &seen)).await? };
        if extent.has_compressed || image.header().has_subclusters() {
            let server = self.command.serve_snapshot(name).await?;
            return OpenSnapshot::served(server, snapshot.virtual_bytes, still_there);
        }
        let content = blocking(move || Content::open(image, &snapshot)).await??;
        Ok(OpenSnapshot::direct(content, still_there))
    }

    async fn check_overwrite(&self) -> Result<()> {
        match self.look_over().await {
            Err(failure) if check::is_lost(&failure) => {
                // A path to a disk may be away for a moment, and nothing has to be replaced for that.
                let message = format!("Looking at the image once more: {failure}");
                self.journal.private(Level::Info, message);
                sleep(SECOND_LOOK).await;
                self.look_over().await
            }
            checked => checked,
        }
    }

    async fn overwrite(&self) -> Result<OpenTarget> {
        let image = self.ensure_size().await?;
        self.ensure_counted(&image).await?;
        if image.header().has_subclusters() || image.header().has_bitmaps() {
            let (server, change) = self.command.serve().await?;
            return Ok(OpenTarget::served(server, Fill::Used).then(change.end()));
        }
        let (server, change) = self.command.serve().await?;
        // From here on nobody else changes the image's tables.
        let image = self.place.image().to_owned();
        let token = self.command.token();
        match blocking(move || OwnClusters::open(&image, token)).await? {
            Ok(own) => Ok(OpenTarget::overwritten(server, own).then(change.end())),
            Err(defect) => {
                server.finish().await?;
                change.end().await?;
                Err(defect.into())
            }
        }
    }

    async fn ensure_room(&self, data_bytes: u64) -> Result<()> {
        let image = self.open().await?;
        // Where that is not known, the disk has the last word.
        let own = blocking(move || image.own_bytes()).await?;
        let needed = own.map_or(0, |own| data_bytes.saturating_sub(own));
        self.place.ensure_room(needed).await
    }

    async fn stage_replacement(&self, by: Uuid, stored_bytes: u64) -> Result<OpenTarget> {
        self.place.ensure_file_or_nothing().await?;
        if self.place.has_image().await? {
            self.command.ensure_unused().await?;
        }
        self.place.remove_partial().await?;
        // What compresses takes more.
        self.place.ensure_room(stored_bytes).await?;
        let image = self.place.create_partial(self.size_bytes).await?;
        Ok(OpenTarget::direct(image.made_by(by)))
    }

    async fn replace(&self) -> Result<()> {
        self.place.ensure_file_or_nothing().await?;
        // Nobody begins to use the old image while it goes.
        let held = if self.place.has_image().await? {
            Some(self.command.hold().await?)
        } else {
            None
        };
        self.place.replace(self.command.token()).await?;
        match held {
            Some(server) => server.finish().await,
            None => Ok(()),
        }
    }

    async fn is_replacement(&self, by: Uuid) -> Result<bool> {
        self.place.ensure_pool().await?;
        Ok(self
            .open()
            .await
            .is_ok_and(|image| image.header().maker() == Some(by)))
    }

    async fn stage(&self) -> Result<OpenTarget> {
        self.place.remove_partial().await?;
        let image = self.place.create_partial(self.size_bytes).await?;
        Ok(OpenTarget::direct(image))
    }

    async fn publish(&self) -> Result<()> {
        self.place.publish().await
    }
}
