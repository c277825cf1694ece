//! An image's snapshots: which there are, how they come and go, and what each of them keeps.

use std::sync::Arc;

use tokio::join;
use uuid::Uuid;

use super::{
    CephRbd, Kind,
    command::{Command, ImageName, Listed, unless},
    defect, extent,
};
use crate::{
    driver::{Code, Driver as _, Failure, Result, Retained, SnapshotName},
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
    /// The snapshot, which has to be there and no larger than the volume.
    pub(super) async fn require_snapshot(&self, name: SnapshotName) -> Result<Listed> {
        let snapshots = self.command.snapshots(self.image()).await??;
        let name = name.to_string();
        let Some(snapshot) = snapshots.into_iter().find(|found| found.name == name) else {
            let message = "The snapshot is no longer on the volume's storage.";
            return Err(Failure::new(Code::ItemNotAvailable, message).because(name));
        };
        self.check_fits(snapshot.size)?;
        Ok(snapshot)
    }

    /// Takes a snapshot, in place of any that has the name.
    pub(super) async fn create_new(&self, name: SnapshotName) -> Result<()> {
        let text = name.to_string();
        let (size, created) = join!(
            self.ensure_right_size(),
            self.command.create_snapshot(self.image(), &text)
        );
        if let Err(wrong) = size {
            self.remove_snapshot(name).await?;
            return Err(wrong);
        }
        if unless(created?, Kind::Exists)?.is_none() {
            // Of an earlier attempt: its instant is too early.
            self.remove_snapshot(name).await?;
            self.command.create_snapshot(self.image(), &text).await??;
        }
        Ok(())
    }

    pub(super) async fn remove_snapshot(&self, name: SnapshotName) -> Result<()> {
        let text = name.to_string();
        match self.command.delete_snapshot(self.image(), &text).await? {
            Ok(()) => Ok(()),
            Err(defect) => match defect.kind {
                // Of a part of it that is missing the same is said as of the whole.
                Kind::NoImage | Kind::NoSnapshot if self.has_snapshot(name).await? => {
                    Err(defect::not_whole().because(defect))
                }
                Kind::NoImage | Kind::NoSnapshot => Ok(()),
                Kind::Busy => Err(defect::protected().because(defect)),
                _ => Err(defect.into()),
            },
        }
    }

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

    /// What the customers' snapshots keep, each block charged to the newest that keeps it: what there was at a snapshot
    /// and has changed before the next one, or by now.
    pub(super) async fn measure(&self) -> Result<Vec<Retained>> {
        let snapshots = self.command.snapshots(self.image()).await??;
        let customers =
            snapshots
                .into_iter()
                .filter_map(|found| match SnapshotName::parse(&found.name) {
                    Some(SnapshotName::Kept(snapshot_id)) => Some((snapshot_id, found.name)),
                    _ => None,
                });
        let customers: Vec<_> = customers.collect();
        // From nothing to the first, from each to the next, and from the last to now: one after the other,
        // as nobody waits for them.
        let (mut retained, mut existing) = (Vec::new(), Vec::new());
        let mut last: Option<(Uuid, String)> = None;
        for next in customers.into_iter().map(Some).chain([None]) {
            if last.is_none() && next.is_none() {
                break;
            }
            let name =
                |snapshot: &Option<(Uuid, String)>| snapshot.as_ref().map(|(_, name)| name.clone());
            let step = (name(&last), name(&next));
            let changed = self.command.changes(self.image(), step).await?;
            if let Some((snapshot_id, _)) = last {
                retained.push(Retained {
                    snapshot_id,
                    retained_bytes: extent::in_common(&existing, &changed),
                });
            }
            existing = extent::after(&existing, &changed);
            last = next;
        }
        Ok(retained)
    }
}
