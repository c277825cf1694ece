//! A volume's names, and what a renaming that was cut off leaves of them: its own, that of what is not finished or no
//! longer whole, and that which it has while it is overwritten.
//!
//! ```text
//! rbd rename OLD NEW        objects                  the pool's directory
//!   begins                  rbd_id.OLD               OLD
//!   names it anew           rbd_id.OLD  rbd_id.NEW   OLD
//!   changes the directory   rbd_id.OLD  rbd_id.NEW   NEW
//!   ends                    rbd_id.NEW               NEW
//! ```
//!
//! In between, the one image is opened by either name, so that removing what has the one name would
//! destroy what has the other. The directory changes at one instant and has the last word. The name
//! that it does not know is taken away; `rbd` has no command for that.

use std::{sync::Arc, time::Duration};

use tokio::try_join;

use super::{
    CephRbd, WATCHER_PATIENCE,
    command::{ImageName, Info, unless},
    defect::{self, Kind},
};
use crate::{driver::Result, report::Level};

/// What there is of a volume.
pub(super) struct Found {
    /// The volume.
    pub(super) image: Option<Info>,
    /// What is not finished, or no longer whole.
    pub(super) partial: Option<Info>,
    /// The volume, as long as it is overwritten.
    pub(super) held: Option<Info>,
}

/// Whether two names are of one image.
fn is_one(image: Option<&Info>, other: Option<&Info>) -> bool {
    let id = |info: Option<&Info>| info.and_then(|info| info.id.clone());
    id(image).is_some() && id(image) == id(other)
}

impl CephRbd {
    /// What an image is like; nothing where there is none.
    pub(super) async fn lookup(&self, image: ImageName<'_>) -> Result<Option<Info>> {
        match self.command.info(image).await? {
            Err(defect) if defect.kind == Kind::Damaged => {
                self.journal.private(Level::Warn, defect.to_string());
                Ok(Some(Info::damaged()))
            }
            found => unless(found, Kind::NoImage),
        }
    }

    /// Looks for the volume, and gives an image that has both names the one that counts.
    pub(super) async fn find(&self) -> Result<Found> {
        let (image, partial, held) = try_join!(
            self.lookup(self.image()),
            self.lookup(self.partial()),
            self.lookup(self.held())
        )?;
        let mut found = Found {
            image,
            partial,
            held,
        };
        let is_other = |other: &Option<Info>| is_one(found.image.as_ref(), other.as_ref());
        let (is_partial, is_held) = (is_other(&found.partial), is_other(&found.held));
        let (other, other_name) = match (is_partial, is_held) {
            (true, _) => (&mut found.partial, self.partial()),
            (_, true) => (&mut found.held, self.held()),
            _ => return Ok(found),
        };
        let directory = self.command.directory().await??;
        let is_known = |known: &String| known == other_name.image;
        let (void, name) = if directory.iter().any(is_known) {
            (&mut found.image, self.image())
        } else {
            (other, other_name)
        };
        *void = None;
        let message = format!(
            "Removing the name {} of a renaming that was cut off",
            name.image
        );
        self.journal.private(Level::Info, message);
        unless(self.command.remove_name(name).await?, Kind::NoImage)?;
        Ok(found)
    }

    /// Takes the volume out of everybody's reach: who opens it by its name finds nothing. Nobody may have it open.
    pub(super) async fn withdraw(&self) -> Result<()> {
        self.ensure_unused(self.image(), Duration::ZERO).await?;
        self.command.rename(self.image(), &self.held_name).await??;
        // Who has opened it meanwhile is seen now, and nobody comes any more.
        if let Err(used) = self.ensure_unused(self.held(), Duration::ZERO).await {
            self.recall().await?;
            return Err(used);
        }
        Ok(())
    }

    /// Gives the volume its name back, once it has been overwritten.
    pub(super) fn give_back(&self) -> impl Future<Output = Result<()>> + Send + 'static + use<> {
        let command = Arc::clone(&self.command);
        let (held, name) = (self.held_name.clone(), self.name.clone());
        async move {
            let held = ImageName {
                pool: command.pool(),
                image: &held,
            };
            Ok(command.rename(held, &name).await??)
        }
    }

    /// Gives the volume its name back where whoever overwrote it was cut off, and says whether it had lost it. One in
    /// whose place another was put is removed.
    pub(super) async fn recall(&self) -> Result<bool> {
        if self.lookup(self.held()).await?.is_none() {
            return Ok(false);
        }
        let found = self.find().await?;
        match (found.image, found.held) {
            (Some(image), Some(_)) => {
                if self.maker().await?.is_none() {
                    return Err(defect::exists().because(format!("{image:?}")));
                }
                self.discard(self.held()).await?;
            }
            (Some(_), None) => {}
            (None, _) => {
                let message = format!("Giving the image {} its name back", self.held_name);
                self.journal.private(Level::Info, message);
                self.command.rename(self.held(), &self.name).await??;
            }
        }
        Ok(true)
    }

    /// The volume has its name, unless somebody overwrites it.
    pub(super) async fn ensure_in_place(&self) -> Result<()> {
        if self.lookup(self.held()).await?.is_some() {
            self.ensure_unused(self.held(), WATCHER_PATIENCE).await?;
            self.recall().await?;
        }
        Ok(())
    }

    /// Gives the unfinished image the volume's name.
    pub(super) async fn rename_partial(&self) -> Result<()> {
        let rename = || self.command.rename(self.partial(), &self.name);
        let mut renamed = rename().await?;
        if matches!(&renamed, Err(defect) if defect.kind == Kind::Exists) {
            self.free_name().await?;
            renamed = rename().await?;
        }
        // If there is none, an earlier attempt came this far.
        match unless(renamed, Kind::NoImage)? {
            Some(()) => Ok(()),
            None => self.ensure_right_size().await,
        }
    }

    /// Makes the volume's name free, unless there is a volume beside the unfinished image.
    async fn free_name(&self) -> Result<()> {
        let found = self.find().await?;
        match (found.image, found.partial) {
            (Some(image), Some(_)) => Err(defect::exists().because(format!("{image:?}"))),
            (Some(_), None) => Ok(()),
            (None, _) => self.remove_remains(self.image()).await,
        }
    }
}
