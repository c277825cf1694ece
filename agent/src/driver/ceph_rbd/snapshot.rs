//! An image's snapshots: which there are, and what each of them keeps.

use std::sync::Arc;

use super::{
    CephRbd, Kind,
    command::{Command, ImageName, Listed, unless},
    extent,
};
use crate::{
    driver::{Failure, Result, Retained, SnapshotName},
    report::Level,
};

/// Fails if a snapshot that has been read is gone: who reads it is not told, and gets what the volume
/// holds now.
pub(super) async fn still_there(
    command: Arc<Command>,
    image: String,
    snapshot: Listed,
) -> Result<()> {
    let image = ImageName {
        pool: command.pool(),
        image: &image,
    };
    let listed = command.snapshots(image).await??;
    if listed.iter().any(|listed| listed.id == snapshot.id) {
        return Ok(());
    }
    Err(Failure::snapshot_lost().because(snapshot.name))
}

impl CephRbd {
    /// Snapshots that nobody needs any more; none where there is no image.
    pub(super) async fn left_over(&self) -> Result<Option<Vec<SnapshotName>>> {
        let snapshots = match self.command.snapshots(self.image()).await? {
            // There is one, of which nothing is known.
            Err(defect) if defect.kind == Kind::Damaged => return Ok(Some(Vec::new())),
            snapshots => unless(snapshots, Kind::NoImage)?,
        };
        Ok(snapshots.map(|snapshots| {
            let names = snapshots.iter();
            let names = names.filter_map(|found| SnapshotName::parse(&found.name));
            let left_over = |name: &SnapshotName| matches!(name, SnapshotName::Temporary(_));
            names.filter(left_over).collect()
        }))
    }

    /// Removes what was found to be left over.
    pub(super) async fn remove_left_over(&self, names: &[SnapshotName]) -> Result<()> {
        for name in names {
            let message = format!("Removing the left-over snapshot {name}");
            self.journal.private(Level::Info, message);
            self.remove_snapshot(*name).await?;
        }
        Ok(())
    }

    /// What each of the customers' snapshots keeps.
    pub(super) async fn measure(&self) -> Result<Vec<Retained>> {
        let snapshots = self.command.snapshots(self.image()).await??;
        let names: Vec<_> = snapshots.into_iter().map(|found| found.name).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        // From nothing to the first, from each to the next, and from the last to now: one after the other,
        // as nobody waits for them.
        let (mut retained, mut from, mut written) = (Vec::new(), None, Vec::new());
        for to in names.into_iter().map(Some).chain([None]) {
            let step = (from.clone(), to.clone());
            let changed = self.command.changes(self.image(), step).await?;
            let name = from.as_deref().and_then(SnapshotName::parse);
            if let Some(SnapshotName::Kept(snapshot_id)) = name {
                retained.push(Retained {
                    snapshot_id,
                    retained_bytes: extent::retained_bytes(&written, &changed),
                });
            }
            (from, written) = (to, changed);
        }
        Ok(retained)
    }
}
