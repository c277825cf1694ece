//! A volume's two names, and what a renaming that was cut off leaves of them.
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

use tokio::try_join;

use super::{
    CephRbd,
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
}

impl CephRbd {
    /// What an image is like; nothing where there is none.
    pub(super) async fn lookup(&self, image: ImageName<'_>) -> Result<Option<Info>> {
        unless(self.command.info(image).await?, Kind::NoImage)
    }

    /// Looks for the volume, and gives an image that has both names the one that counts.
    pub(super) async fn find(&self) -> Result<Found> {
        let (image, partial) = try_join!(self.lookup(self.image()), self.lookup(self.partial()))?;
        let mut found = Found { image, partial };
        let ids = [&found.image, &found.partial].map(|info| info.as_ref()?.id.as_ref());
        if ids[0].is_none() || ids[0] != ids[1] {
            return Ok(found);
        }
        let directory = self.command.directory().await??;
        let (void, name) = if directory.contains(&self.partial_name) {
            (&mut found.image, self.image())
        } else {
            (&mut found.partial, self.partial())
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
