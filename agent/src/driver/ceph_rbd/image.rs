//! Images that come and go: unfinished ones, those that make room, those on their way out.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    CephRbd, ImageName, Kind, PARTIAL_PREFIX, WATCHER_PATIENCE,
    command::{Info, unless},
    defect::{self, Defect},
};
use crate::{
    driver::{Code, Failure, Removed, Result},
    report::Level,
};

/// What a client may do is settled when it connects, and for longer than this.
const RIGHTS_LAST: Duration = Duration::from_mins(1);

impl CephRbd {
    /// Removes an image that no living client uses: unfinished, or on its way out. A failure says whether any of it
    /// may be gone.
    pub(super) async fn discard(&self, image: ImageName<'_>) -> Result<()> {
        let is_there = match self.strip(image).await {
            Err(failure) if failure.code == Code::ImageDamaged => {
                let forgotten = self.forget(image).await;
                return forgotten.map_err(|failure| failure.having_removed(Removed::Unknown));
            }
            is_there => is_there.map_err(Failure::before_change)?,
        };
        if !is_there {
            return self.remove_remains(image).await;
        }
        let mut begun = Instant::now();
        let mut removed = self.command.remove(image).await?;
        if matches!(&removed, Err(defect) if defect.kind == Kind::Busy) {
            // One that died before it wrote has no lock that could be broken.
            self.ensure_unused(image, WATCHER_PATIENCE)
                .await
                .map_err(Failure::before_change)?;
            begun = Instant::now();
            removed = self.command.remove(image).await?;
        }
        match removed {
            Ok(()) => Ok(()),
            Err(defect) => match defect.kind {
                // That is said, too, of what it needs and cannot make in a full pool.
                Kind::NoImage => {
                    if self.lookup(image).await?.is_none() {
                        return Ok(());
                    }
                    let kept = defect::kept().because(defect);
                    Err(kept.having_removed(Removed::Unknown))
                }
                // All of them are looked for before the first object goes.
                Kind::Busy | Kind::NotEmpty | Kind::Grouped | Kind::Cloned => {
                    Err(Failure::from(defect).before_change())
                }
                Kind::Denied if begun.elapsed() < RIGHTS_LAST => {
                    Err(Failure::from(defect).before_change())
                }
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
            let broken = self.command.break_lock(image, lock).await?;
            match unless(broken, Kind::NoImage) {
                // A full pool lets that wait, and not what follows.
                Err(failure) if failure.removed == Some(Removed::Unknown) => {
                    let message = format!("A lock stays, as it seems: {failure}");
                    self.journal.private(Level::Info, message);
                }
                Err(failure) => return Err(failure),
                Ok(_) => {}
            }
        }
        for snapshot in self.command.snapshots(image).await?? {
            self.command
                .delete_snapshot(image, &snapshot.name)
                .await??;
        }
        Ok(true)
    }

    /// Takes the name from an image that cannot be opened. What it held cannot be told from here, and stays.
    async fn forget(&self, image: ImageName<'_>) -> Result<()> {
        let id = unless(self.command.entry(image).await?, Kind::NoImage)?;
        let what = id.as_deref().unwrap_or("of nobody knows what");
        let message = format!(
            "The image {} cannot be opened, and loses its name. What it held stays in the pool as rbd_data.{what}.*, \
             rbd_header.{what} and rbd_object_map.{what}*",
            image.image
        );
        self.journal.private(Level::Warn, message);
        unless(self.command.remove_name(image).await?, Kind::NoImage)?;
        match id {
            Some(id) => Ok(self.command.remove_entry(image, &id).await??),
            None => Ok(()),
        }
    }

    /// Removes what is left under the name of an image that cannot be opened: half of one, whose
    /// creation or removal was cut off, or one whose name was lost.
    pub(super) async fn remove_remains(&self, image: ImageName<'_>) -> Result<()> {
        match self.command.remove(image).await? {
            Err(defect) if matches!(defect.kind, Kind::NotEmpty | Kind::Damaged) => {
                self.forget(image).await
            }
            removed => unless(removed, Kind::NoImage).map(drop),
        }
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
    async fn ensure_no_clones(&self, image: ImageName<'_>) -> Result<()> {
        let children = self.command.children(image).await??;
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
        let snapshots = self.command.all_snapshots(image).await??;
        if let Some(snapshot) = snapshots.iter().find(|snapshot| snapshot.is_of_group()) {
            return Err(defect::grouped().because(&snapshot.name));
        }
        for clone in clones() {
            self.discard(clone).await?;
        }
        for snapshot in snapshots {
            if snapshot.is_protected() {
                let unprotected = self.command.unprotect(image, &snapshot.name).await?;
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
        let volume = found.image.is_some().then(|| self.image());
        self.remove_all(volume).await
    }

    /// Removes the volume, unless it is used or others stand on it. Nothing goes before that is known.
    pub(super) async fn remove_unused(&self) -> Result<()> {
        let volume = self.find_removable().await;
        match volume.map_err(Failure::before_change)? {
            Some((image, info)) if info.is_damaged => {
                let discarded = self.discard(self.partial()).await;
                discarded.map_err(Failure::before_change)?;
                self.forget(image).await
            }
            volume => self.remove_all(volume.map(|(image, _)| image)).await,
        }
    }

    /// The volume by the name that it has, once it is known that nothing keeps it from being removed.
    async fn find_removable(&self) -> Result<Option<(ImageName<'_>, Info)>> {
        let mut found = self.find().await?;
        if found.image.is_some() && found.held.is_some() {
            self.recall().await?;
            found = self.find().await?;
        }
        let (image, info) = match (found.image, found.held) {
            (Some(info), _) => (self.image(), info),
            // Whoever overwrote it was cut off. It need not be renamed for that, which could need space.
            (None, Some(info)) => (self.held(), info),
            (None, None) => return Ok(None),
        };
        self.ensure_removable(image, &info).await?;
        Ok(Some((image, info)))
    }

    /// Refuses to remove an image that is used, that others stand on, or that is in a group. One that cannot be opened
    /// is nobody's.
    async fn ensure_removable(&self, image: ImageName<'_>, info: &Info) -> Result<()> {
        if info.is_damaged {
            return Ok(());
        }
        self.ensure_unused(image, WATCHER_PATIENCE).await?;
        if let Some(group) = &info.group {
            return Err(defect::grouped().because(group));
        }
        self.ensure_no_clones(image).await
    }

    /// Makes sure that another image may take the place of the volume's, and makes room for it.
    pub(super) async fn prepare_replacement(&self) -> Result<()> {
        let found = self.find().await?;
        for (image, info) in [(self.image(), &found.image), (self.held(), &found.held)] {
            if let Some(info) = info {
                self.ensure_removable(image, info).await?;
            }
        }
        self.discard(self.partial()).await
    }

    /// Puts the unfinished image in the place of the volume's. That one goes when the new one has its name.
    pub(super) async fn replace_image(&self) -> Result<()> {
        let found = self.find().await?;
        if found.partial.is_some() {
            for (image, info) in [(self.image(), &found.image), (self.held(), &found.held)] {
                if info.as_ref().is_some_and(|info| info.is_damaged) {
                    self.forget(image).await?;
                }
            }
            match found.image {
                Some(info) if info.is_damaged => {}
                Some(_) => self.withdraw().await?,
                // The directory may know it still, and then `rbd rename` renames half, and says nothing.
                None => self.remove_remains(self.image()).await?,
            }
        }
        self.rename_partial().await?;
        if let Err(failure) = self.discard(self.held()).await {
            let message = format!("The former image is left to the next operation: {failure}");
            self.journal.private(Level::Warn, message);
        }
        Ok(())
    }

    /// Which operation has put the volume's image in the place of another.
    pub(super) async fn maker(&self) -> Result<Option<String>> {
        match self.command.maker(self.image()).await? {
            Err(defect) if defect.kind == Kind::Damaged => Ok(None),
            maker => unless(maker, Kind::NoImage),
        }
    }

    /// Removes the volume, and what is not finished. It does not exist any more as soon as that begins, and does
    /// again where it is refused before anything is gone.
    async fn remove_all(&self, volume: Option<ImageName<'_>>) -> Result<()> {
        let Some(volume) = volume else {
            // A volume of which the removal has begun is called this, too.
            let discarded = self.discard(self.partial()).await;
            discarded.map_err(|failure| failure.having_removed(Removed::Unknown))?;
            return self.remove_remains(self.image()).await;
        };
        let discarded = self.discard(self.partial()).await;
        discarded.map_err(Failure::before_change)?;
        match self.command.rename(volume, &self.partial_name).await? {
            Ok(()) => {}
            Err(defect) if matches!(defect.kind, Kind::Silent | Kind::Full) => {
                return self.remove_without_space(volume, defect).await;
            }
            Err(defect) => return Err(defect.into()),
        }
        match self.discard(self.partial()).await {
            Err(refusal) if !refusal.begun => Err(self.put_back(refusal).await),
            discarded => discarded,
        }
    }

    /// Removes a volume that cannot be renamed before. In a full pool changes wait, and removals do not.
    async fn remove_without_space(&self, volume: ImageName<'_>, waited: Defect) -> Result<()> {
        // It could be renamed yet.
        let unknown = |failure: Failure| failure.having_removed(Removed::Unknown);
        let found = self.find().await.map_err(unknown)?;
        let message = format!("Removing the image without renaming it: {waited}");
        self.journal.private(Level::Info, message);
        let image = match found.partial {
            Some(_) => self.partial(),
            None => volume,
        };
        self.discard(image).await.map_err(unknown)
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
