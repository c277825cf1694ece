//! What is asked of an image's snapshots, and done with them.

use tokio::{join, sync::mpsc};

use super::{Attempt, Command, ImageName, Info, Listed, METADATA_LIMIT, puzzling};
use crate::driver::{
    CloneOrigin, Failure, Result,
    ceph_rbd::{
        access::Patience,
        extent::{self, Extent},
    },
};

/// How many of an image's objects are copied at once. Ten, as it is by default, take 250 to 290 MiB of
/// memory; four take 110 MiB and as long.
const AT_ONCE: &str = "--rbd-concurrent-management-ops=4";
/// How many pieces of an answer wait to be understood.
const PIECES: usize = 8;

impl Command {
    /// What an image was like at a snapshot.
    pub(in super::super) async fn info_of_snapshot(&self, origin: &CloneOrigin) -> Attempt<Info> {
        let image = ImageName {
            pool: &origin.pool,
            image: &origin.image,
        };
        let snapshot = origin.snapshot.to_string();
        self.ask(&["info"], image, &["--snap", &snapshot]).await
    }

    /// An image's snapshots, the oldest first.
    pub(in super::super) async fn snapshots(&self, image: ImageName<'_>) -> Attempt<Vec<Listed>> {
        let listed: Attempt<Vec<Listed>> = self.ask(&["snap", "ls"], image, &[]).await;
        Ok(listed?.map(|mut snapshots| {
            snapshots.sort_by_key(|snapshot| snapshot.id);
            snapshots
        }))
    }

    /// An image's snapshots, those too that belong to a group of images or to clones.
    pub(in super::super) async fn all_snapshots(
        &self,
        image: ImageName<'_>,
    ) -> Attempt<Vec<Listed>> {
        self.ask(&["snap", "ls"], image, &["--all"]).await
    }

    /// What changed from one snapshot, or from nothing, to another, or to now.
    pub(in super::super) async fn changes(
        &self,
        image: ImageName<'_>,
        (from, to): (Option<String>, Option<String>),
    ) -> Result<Vec<Extent>> {
        let mut options = Vec::new();
        options.extend(from.iter().flat_map(|name| ["--from-snap", name]));
        options.extend(to.iter().flat_map(|name| ["--snap", name]));
        let (sink, mut pieces) = mpsc::channel(PIECES);
        let question = self.invocation(Patience::Short, &["diff"], image, &options);
        let question = question.await?.args(["--format", "json"]);
        let question = question.time_limit(METADATA_LIMIT).stdout_to(sink);
        // An answer may be longer than what is kept of one.
        let understood = async move {
            let mut reader = extent::Reader::default();
            while let Some(piece) = pieces.recv().await {
                reader
                    .feed(&piece)
                    .map_err(|error| puzzling("diff", error))?;
            }
            Ok::<_, Failure>(reader.finish())
        };
        let (done, extents) = join!(self.run(question), understood);
        done??;
        extents?.ok_or_else(|| puzzling("diff", "it breaks off"))
    }

    pub(in super::super) async fn create_snapshot(
        &self,
        image: ImageName<'_>,
        name: &str,
    ) -> Attempt<()> {
        let options = ["--no-progress", "--snap", name];
        self.change(&["snap", "create"], image, &options).await
    }

    pub(in super::super) async fn delete_snapshot(
        &self,
        image: ImageName<'_>,
        name: &str,
    ) -> Attempt<()> {
        let options = ["--no-progress", "--snap", name];
        self.change(&["snap", "rm"], image, &options).await
    }

    pub(in super::super) async fn unprotect(
        &self,
        image: ImageName<'_>,
        name: &str,
    ) -> Attempt<()> {
        self.change(&["snap", "unprotect"], image, &["--snap", name])
            .await
    }

    pub(in super::super) async fn roll_back(
        &self,
        image: ImageName<'_>,
        name: &str,
    ) -> Attempt<()> {
        let options = ["--no-progress", AT_ONCE, "--snap", name];
        self.work(&["snap", "rollback"], image, &options).await
    }

    /// Makes an image that stands on a snapshot.
    pub(in super::super) async fn clone_snapshot(
        &self,
        origin: &CloneOrigin,
        image: ImageName<'_>,
    ) -> Attempt<()> {
        let source = ImageName {
            pool: &origin.pool,
            image: &origin.image,
        };
        let snapshot = origin.snapshot.to_string();
        let to = ["--dest-pool", image.pool, "--dest", image.image];
        // Clones of this format need no protected snapshot, and are no obstacle to deleting it.
        let options = ["--rbd-default-clone-format=2", "--snap", &snapshot];
        self.change(&["clone"], source, &[&options[..], &to].concat())
            .await
    }

    /// Makes an image that stands on a snapshot stand alone.
    pub(in super::super) async fn flatten(&self, image: ImageName<'_>) -> Attempt<()> {
        self.work(&["flatten"], image, &["--no-progress", AT_ONCE])
            .await
    }
}
