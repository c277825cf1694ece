//! Images that come and go: unfinished ones, those that make room, those on their way out.

use super::{
    CephRbd, ImageName, Kind, PARTIAL_PREFIX, WATCHER_PATIENCE, command::unless, defect,
    name::Found,
};
use crate::{driver::Result, report::Level};

impl CephRbd {
    /// Removes an image that no living client uses: unfinished, or on its way out.
    pub(super) async fn discard(&self, image: ImageName<'_>) -> Result<()> {
        let Some(locks) = unless(self.command.locks(image).await?, Kind::NoImage)? else {
            return self.remove_remains(image).await;
        };
        self.journal
            .private(Level::Info, format!("Removing the image {}", image.image));
        for lock in &locks {
            // Of a client that died: it would take half a minute to be forgotten.
            unless(self.command.break_lock(image, lock).await?, Kind::NoImage)?;
        }
        for snapshot in self.command.snapshots(image).await?? {
            self.command
                .delete_snapshot(image, &snapshot.name)
                .await??;
        }
        match self.command.remove(image).await? {
            Err(defect) if defect.kind == Kind::Busy => {
                // One that died before it wrote has no lock that could be broken.
                self.ensure_unused(image, WATCHER_PATIENCE).await?;
                unless(self.command.remove(image).await?, Kind::NoImage)?;
            }
            removed => drop(unless(removed, Kind::NoImage)?),
        }
        Ok(())
    }

    /// Removes what is left under the name of an image that cannot be opened: half of one, whose
    /// creation or removal was cut off.
    pub(super) async fn remove_remains(&self, image: ImageName<'_>) -> Result<()> {
        unless(self.command.remove(image).await?, Kind::NoImage).map(drop)
    }

    /// Creates an empty image under the name of what is not finished.
    pub(super) async fn create_partial(&self) -> Result<()> {
        Ok(self
            .command
            .create(self.partial(), self.size_bytes)
            .await??)
    }

    /// Refuses to delete what others stand on. What stands on it and is ours was never finished.
    pub(super) async fn ensure_no_clones(&self) -> Result<()> {
        for snapshot in self.command.snapshots(self.image()).await?? {
            if snapshot.is_protected() {
                let unprotected = self.command.unprotect(self.image(), &snapshot.name).await?;
                if unless(unprotected, Kind::Busy)?.is_none() {
                    return Err(defect::cloned());
                }
            }
        }
        for child in self.command.children(self.image()).await?? {
            let clone = ImageName {
                pool: &child.pool,
                image: &child.image,
            };
            if !child.image.starts_with(PARTIAL_PREFIX) {
                return Err(defect::cloned().because(format!("{clone:?}")));
            }
            self.discard(clone).await?;
        }
        Ok(())
    }

    /// Makes room for a new volume. One that is there was finished by an attempt that could not say
    /// so any more: nobody uses it yet.
    pub(super) async fn clear(&self) -> Result<()> {
        let found = self.find().await?;
        if found.image.is_some() {
            if !self.command.snapshots(self.image()).await??.is_empty() {
                return Err(defect::exists().because("it has snapshots"));
            }
            self.ensure_unused(self.image(), WATCHER_PATIENCE).await?;
        }
        self.remove_all(&found).await
    }

    /// Removes the volume, unless it is used or others stand on it. Nothing goes before that is known.
    pub(super) async fn remove_unused(&self) -> Result<()> {
        let found = self.find().await?;
        if found.image.is_some() {
            self.ensure_unused(self.image(), WATCHER_PATIENCE).await?;
            self.ensure_no_clones().await?;
        }
        self.remove_all(&found).await
    }

    /// Removes what was found. A volume does not exist any more as soon as that begins.
    async fn remove_all(&self, found: &Found) -> Result<()> {
        self.discard(self.partial()).await?;
        if found.image.is_none() {
            return self.remove_remains(self.image()).await;
        }
        self.command
            .rename(self.image(), &self.partial_name)
            .await??;
        self.discard(self.partial()).await
    }
}
