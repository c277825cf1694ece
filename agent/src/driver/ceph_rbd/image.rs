//! Images that come and go: unfinished ones, those that make room, those on their way out.

use super::{CephRbd, ImageName, Kind, PARTIAL_PREFIX, WATCHER_PATIENCE, command::unless, defect};
use crate::{
    driver::{Failure, Result},
    report::Level,
};

impl CephRbd {
    /// Removes an image that no living client uses: unfinished, or on its way out. Says whether
    /// there was one.
    pub(super) async fn discard(&self, image: ImageName<'_>) -> Result<bool> {
        let Some(locks) = unless(self.command.locks(image).await?, Kind::NoImage)? else {
            return Ok(false);
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
        Ok(true)
    }

    /// Creates an empty image under the name of what is not finished.
    pub(super) async fn create_partial(&self) -> Result<()> {
        let partial = self.partial();
        let created = self.command.create(partial, self.size_bytes).await?;
        if unless(created, Kind::Exists)?.is_none() {
            // A half of one, of an attempt that was killed while it created it.
            unless(self.command.remove(partial).await?, Kind::NoImage)?;
            self.command.create(partial, self.size_bytes).await??;
        }
        Ok(())
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
        self.discard(self.partial()).await?;
        let snapshots = self.command.snapshots(self.image()).await?;
        let Some(snapshots) = unless(snapshots, Kind::NoImage)? else {
            return Ok(());
        };
        if !snapshots.is_empty() {
            return Err(Failure::storage(
                "The volume exists already, with snapshots.",
            ));
        }
        self.ensure_unused(self.image(), WATCHER_PATIENCE).await?;
        self.withdraw().await
    }

    /// Removes the volume, which from its beginning does not exist any more.
    pub(super) async fn withdraw(&self) -> Result<()> {
        self.command
            .rename(self.image(), &self.partial_name)
            .await??;
        self.discard(self.partial()).await.map(drop)
    }
}
