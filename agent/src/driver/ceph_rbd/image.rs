//! Images that come and go: unfinished ones, those that make room, those on their way out.

use super::{
    CephRbd, ImageName, Kind, PARTIAL_PREFIX, WATCHER_PATIENCE, command::unless, defect,
    name::Found,
};
use crate::{
    driver::{Failure, Removed, Result},
    report::Level,
};

impl CephRbd {
    /// Removes an image that no living client uses: unfinished, or on its way out. A failure says whether any of it
    /// may be gone.
    pub(super) async fn discard(&self, image: ImageName<'_>) -> Result<()> {
        let is_there = self.strip(image).await.map_err(Failure::before_change)?;
        if !is_there {
            return self.remove_remains(image).await;
        }
        let mut removed = self.command.remove(image).await?;
        if matches!(&removed, Err(defect) if defect.kind == Kind::Busy) {
            // One that died before it wrote has no lock that could be broken.
            self.ensure_unused(image, WATCHER_PATIENCE)
                .await
                .map_err(Failure::before_change)?;
            removed = self.command.remove(image).await?;
        }
        match removed {
            Ok(()) => Ok(()),
            Err(defect) => match defect.kind {
                Kind::NoImage => Ok(()),
                // Both are looked for before the first object goes.
                Kind::Busy | Kind::NotEmpty => Err(Failure::from(defect).before_change()),
                _ => Err(Failure::from(defect).having_removed(Removed::Unknown)),
            },
        }
    }

    /// Takes from an image what keeps it from being removed: locks of the dead, and snapshots. False where there is no
    /// image.
    async fn strip(&self, image: ImageName<'_>) -> Result<bool> {
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
        Ok(true)
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

    /// Refuses to delete what others stand on, before anything is changed. What stands on it and is ours was never
    /// finished.
    pub(super) async fn ensure_no_clones(&self) -> Result<()> {
        let children = self.command.children(self.image()).await??;
        let clones = || {
            children.iter().map(|child| ImageName {
                pool: &child.pool,
                image: &child.image,
            })
        };
        let foreign = |clone: &ImageName<'_>| !clone.image.starts_with(PARTIAL_PREFIX);
        if let Some(clone) = clones().find(foreign) {
            return Err(defect::cloned().because(format!("{clone:?}")));
        }
        for clone in clones() {
            self.discard(clone).await?;
        }
        for snapshot in self.command.snapshots(self.image()).await?? {
            if snapshot.is_protected() {
                let unprotected = self.command.unprotect(self.image(), &snapshot.name).await?;
                if unless(unprotected, Kind::Busy)?.is_none() {
                    return Err(defect::cloned());
                }
            }
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
        let found = self.find_unused().await.map_err(Failure::before_change)?;
        self.remove_all(&found).await
    }

    async fn find_unused(&self) -> Result<Found> {
        let found = self.find().await?;
        if found.image.is_some() {
            self.ensure_unused(self.image(), WATCHER_PATIENCE).await?;
            self.ensure_no_clones().await?;
        }
        Ok(found)
    }

    /// Removes what was found. A volume does not exist any more as soon as that begins, and does again where it is
    /// refused before anything is gone.
    async fn remove_all(&self, found: &Found) -> Result<()> {
        if found.image.is_none() {
            // A volume of which the removal has begun is called this, too.
            let discarded = self.discard(self.partial()).await;
            discarded.map_err(|failure| failure.having_removed(Removed::Unknown))?;
            return self.remove_remains(self.image()).await;
        }
        let discarded = self.discard(self.partial()).await;
        discarded.map_err(Failure::before_change)?;
        self.command
            .rename(self.image(), &self.partial_name)
            .await??;
        match self.discard(self.partial()).await {
            Err(refusal) if !refusal.begun => Err(self.put_back(refusal).await),
            discarded => discarded,
        }
    }

    /// Gives a volume its name back whose removal was refused.
    async fn put_back(&self, refusal: Failure) -> Failure {
        let lost = match self.command.rename(self.partial(), &self.name).await {
            Ok(Ok(())) => return refusal,
            Ok(Err(defect)) => defect.to_string(),
            Err(failure) => failure.to_string(),
        };
        let message = format!("The volume cannot be given its name back: {lost}");
        self.journal.private(Level::Warn, message);
        refusal.having_removed(Removed::Unknown)
    }
}
