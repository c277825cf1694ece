//! Taking and removing snapshots in the right order, whoever changes the image.

use async_trait::async_trait;

use super::{Qcow2File, blocking, check, command::Command};
use crate::{
    driver::{Failure, Result, SnapshotName},
    report::Level,
};

/// Who may change the image: a tool of ours while nobody else has it, or the QEMU that does.
#[async_trait]
pub(in crate::driver) trait Editor: Send {
    /// Takes a snapshot by a name that no other has.
    async fn create(&mut self, name: SnapshotName) -> Result<()>;

    /// Removes a snapshot that is there.
    async fn delete(&mut self, name: SnapshotName) -> Result<()>;

    /// Whether nobody else writes the image meanwhile.
    fn is_alone(&self) -> bool;
}

#[async_trait]
impl Editor for &Command {
    async fn create(&mut self, name: SnapshotName) -> Result<()> {
        self.create_snapshot(name).await
    }

    async fn delete(&mut self, name: SnapshotName) -> Result<()> {
        self.delete_snapshot(name).await
    }

    fn is_alone(&self) -> bool {
        true
    }
}

impl Qcow2File {
    /// Takes a snapshot of an image of which the disk was looked at already.
    ///
    /// It is noted beforehand: whoever takes it may die or, where that is a QEMU that hangs, may get
    /// round to it long after we have given up.
    pub(in crate::driver) async fn take(
        &self,
        editor: &mut dyn Editor,
        name: SnapshotName,
    ) -> Result<()> {
        let (path, nobody_writes) = (self.image().to_owned(), editor.is_alone());
        let counted = blocking(move || check::counted(&path, nobody_writes)).await?;
        counted.map_err(|defect| Failure::from(defect).before_change())?;
        if let SnapshotName::Kept(_) = name {
            self.place.intend(name).await?;
        }
        // Of an earlier attempt: its instant is too early.
        self.remove(editor, name).await?;
        editor.create(name).await?;
        if !self.lists(name).await? {
            // A QEMU may hold a file that lay here once.
            let message = "The snapshot was taken, and is not on the volume's storage.";
            editor.delete(name).await?;
            return Err(Failure::storage(message).because(name));
        }
        self.place.settle().await
    }

    /// Removes a snapshot, if it is there.
    pub(in crate::driver) async fn remove(
        &self,
        editor: &mut dyn Editor,
        name: SnapshotName,
    ) -> Result<()> {
        let is_listed = self.lists(name).await.map_err(Failure::before_change)?;
        if is_listed {
            let image = self.open().await?;
            // QEMU would write it no more.
            image.check_mark()?;
            let (path, nobody_writes) = (self.image().to_owned(), editor.is_alone());
            let checked = blocking(move || check::freeing(&path, name, nobody_writes)).await?;
            checked.map_err(|defect| Failure::from(defect).before_change())?;
            self.free(editor, name).await?;
        }
        Ok(())
    }

    /// Removes a snapshot, by the pool's reserve where it takes that.
    async fn free(&self, editor: &mut dyn Editor, name: SnapshotName) -> Result<()> {
        let mut given = self.reserve.give().await;
        let mut freed = editor.delete(name).await;
        if given.helps(&freed).await {
            freed = match self.lists(name).await {
                Ok(false) => Ok(()),
                _ => editor.delete(name).await,
            };
        }
        given.take_back().await;
        freed
    }

    /// Removes what dead attempts left.
    pub(in crate::driver) async fn remove_leftovers(&self, editor: &mut dyn Editor) -> Result<()> {
        self.place.remove_partial().await?;
        // Whoever needs the image will say what is wrong with it.
        let Ok(image) = self.open().await else {
            return Ok(());
        };
        let intended = self.place.intended().await?;
        let is_marked = image.check_mark().is_err();
        let Ok(names) = blocking(move || check::leftovers(&image, intended)).await? else {
            return Ok(());
        };
        if is_marked {
            return Ok(());
        }
        for name in names {
            let (path, nobody_writes) = (self.image().to_owned(), editor.is_alone());
            if let Err(defect) =
                blocking(move || check::freeing(&path, name, nobody_writes)).await?
            {
                let message = format!("Leaving the left-over snapshot {name}: {defect}");
                self.journal.private(Level::Info, message);
                return Ok(());
            }
            let message = format!("Removing the left-over snapshot {name}");
            self.journal.private(Level::Info, message);
            self.free(editor, name).await?;
        }
        self.place.settle().await
    }

    /// Whether the image's table has a snapshot.
    pub(in crate::driver) async fn lists(&self, name: SnapshotName) -> Result<bool> {
        let Some(image) = self.lookup().await? else {
            return Ok(false);
        };
        blocking(move || check::has_snapshot(&image, name)).await?
    }
}
