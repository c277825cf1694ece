//! An image's snapshots: which there are, and what each of them keeps.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future, stream};
use tokio::{time::timeout, try_join};

use super::{
    CephRbd, Kind,
    command::{Command, ImageName, Listed, unless},
    extent,
};
use crate::{
    driver::{Failure, Result, Retained, SnapshotName},
    report::Level,
};

/// How many comparisons of snapshots run at once.
const COMPARISONS: usize = 4;
/// How long a snapshot that has been taken waits for the one before it to be measured.
const MEASURE_GRACE: Duration = Duration::from_millis(30);

/// The snapshots of an image, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey {
    pub(super) kept: Vec<String>,
    /// Those that nobody needs any more.
    pub(super) left_over: Vec<SnapshotName>,
}

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
    /// Looks for snapshots; none where there is no image.
    pub(super) async fn survey(&self) -> Result<Option<Survey>> {
        let snapshots = self.command.snapshots(self.image()).await?;
        let Some(snapshots) = unless(snapshots, Kind::NoImage)? else {
            return Ok(None);
        };
        let mut survey = Survey::default();
        for snapshot in snapshots {
            match SnapshotName::parse(&snapshot.name) {
                Some(name @ SnapshotName::Temporary(_)) => survey.left_over.push(name),
                _ => survey.kept.push(snapshot.name),
            }
        }
        Ok(Some(survey))
    }

    /// Removes what a survey has found to be left over.
    pub(super) async fn remove_left_over(&self, names: &[SnapshotName]) -> Result<()> {
        for name in names {
            let message = format!("Removing the left-over snapshot {name}");
            self.journal.private(Level::Info, message);
            self.remove_snapshot(*name).await?;
        }
        Ok(())
    }

    /// Takes a snapshot, and looks around while it is being taken: creating one is mostly waiting.
    ///
    /// Of the older ones, only what the last keeps has changed since all were measured: it alone was
    /// compared with the volume, and not with another snapshot. It is measured here if that is done
    /// in time. If it is not, or for what a guest writes meanwhile, all are measured again when one is
    /// deleted or the volume is restored.
    pub(super) async fn snapshot_and_survey(
        &self,
        name: SnapshotName,
    ) -> Result<(Survey, Option<Retained>)> {
        let text = name.to_string();
        let survey = async {
            let mut survey = self.survey().await?.unwrap_or_default();
            // It may be there already: of this attempt or of an earlier one.
            survey.kept.retain(|kept| *kept != text);
            survey.left_over.retain(|left_over| *left_over != name);
            Ok::<_, Failure>(survey)
        };
        let survey = survey.shared();
        let measuring = pin!(async { self.measure_last(&survey.clone().await?.kept).await });
        let creating = pin!(async { try_join!(self.create_new(name), survey.clone()) });
        let (((), survey), measured) = match future::select(creating, measuring).await {
            future::Either::Left((created, measuring)) => {
                (created?, timeout(MEASURE_GRACE, measuring).await.ok())
            }
            future::Either::Right((measured, creating)) => (creating.await?, Some(measured)),
        };
        let unknown = match measured {
            Some(Ok(measured)) => return Ok((survey, measured)),
            Some(Err(failure)) => failure.to_string(),
            None => "measuring it takes too long".into(),
        };
        let message = format!("What the snapshot before keeps is not known: {unknown}");
        self.journal.private(Level::Info, message);
        Ok((survey, None))
    }

    /// What the last of these snapshots keeps, if it is one of ours.
    async fn measure_last(&self, names: &[String]) -> Result<Option<Retained>> {
        let Some((last, before)) = names.split_last() else {
            return Ok(None);
        };
        let Some(SnapshotName::Kept(snapshot_id)) = SnapshotName::parse(last) else {
            return Ok(None);
        };
        let (image, last) = (self.image(), Some(last.clone()));
        let (written, changed) = try_join!(
            self.command
                .changes(image, (before.last().cloned(), last.clone())),
            self.command.changes(image, (last, None)),
        )?;
        Ok(Some(Retained {
            snapshot_id,
            retained_bytes: extent::retained_bytes(&written, &changed),
        }))
    }

    /// What each of the snapshots of these names keeps.
    pub(super) async fn compare(&self, names: &[String]) -> Result<Vec<Retained>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        // From nothing to the first, from each to the next, and from the last to now.
        let ends = || names.iter().cloned().map(Some);
        let steps = [None].into_iter().chain(ends()).zip(ends().chain([None]));
        let compared = steps.map(|step| self.command.changes(self.image(), step));
        let compared = stream::iter(compared.collect::<Vec<_>>());
        let mut compared = pin!(compared.buffered(COMPARISONS));
        let mut written = compared.try_next().await?.unwrap_or_default();
        let mut retained = Vec::new();
        for name in names {
            let changed = compared.try_next().await?.unwrap_or_default();
            if let Some(SnapshotName::Kept(snapshot_id)) = SnapshotName::parse(name) {
                retained.push(Retained {
                    snapshot_id,
                    retained_bytes: extent::retained_bytes(&written, &changed),
                });
            }
            written = changed;
        }
        Ok(retained)
    }
}
