//! The command lines: `rbd` for an image's metadata, `rados` for a name that `rbd` left over, and
//! `qemu-nbd` for content.

mod answer;
mod object;
mod server;
mod snapshot;

use std::{fmt, path::Path, time::Duration};

use serde::de::DeserializeOwned;
use uuid::Uuid;

use self::answer::Status;
pub(super) use self::answer::{Child, Info, Listed, Lock, Watcher};
use super::{
    access::{Access, Patience},
    defect::{Defect, Kind},
    room::{Figures, Usage},
};
use crate::{
    driver::{Failure, Result, Surroundings},
    process::Invocation,
};

/// A client that died holds its image for 30 seconds, which commands wait for.
const METADATA_LIMIT: Duration = Duration::from_mins(2);
/// What moves the content of an image takes as long as that takes.
const CONTENT_LIMIT: Duration = Duration::from_hours(24);
/// What the note is called that says which operation has put an image in the place of another.
const MAKER: &str = "tidemark-made-by";

/// The outcome of a command, whose failure may be no failure for whoever asked.
pub(super) type Attempt<T> = std::result::Result<std::result::Result<T, Defect>, Failure>;

/// An image by its pool and name.
#[derive(Debug, Clone, Copy)]
pub(super) struct ImageName<'a> {
    pub(super) pool: &'a str,
    pub(super) image: &'a str,
}

/// What can be done in a cluster.
pub(super) struct Command {
    access: Access,
    surroundings: Surroundings,
}

impl Command {
    pub(super) fn new(access: Access, surroundings: Surroundings) -> Self {
        Self {
            access,
            surroundings,
        }
    }

    pub(super) fn pool(&self) -> &str {
        self.access.pool()
    }

    pub(super) async fn info(&self, image: ImageName<'_>) -> Attempt<Info> {
        self.ask(&["info"], image, &[]).await
    }

    pub(super) async fn watchers(&self, image: ImageName<'_>) -> Attempt<Vec<Watcher>> {
        let status: Attempt<Status> = self.ask(&["status"], image, &[]).await;
        Ok(status?.map(|status| status.watchers))
    }

    pub(super) async fn locks(&self, image: ImageName<'_>) -> Attempt<Vec<Lock>> {
        self.ask(&["lock", "ls"], image, &[]).await
    }

    pub(super) async fn children(&self, image: ImageName<'_>) -> Attempt<Vec<Child>> {
        self.ask(&["children"], image, &["--all"]).await
    }

    /// What an image and its snapshots take.
    pub(super) async fn usage(&self, image: ImageName<'_>) -> Attempt<Usage> {
        self.ask(&["du"], image, &[]).await
    }

    /// What the cluster has, and its pools.
    pub(super) async fn figures(&self) -> Attempt<Figures> {
        let tool = &self.surroundings.tools.ceph;
        let question = self.as_user(tool, Patience::Short).await?;
        self.answer(question.verb(&["df", "detail"]), "df").await
    }

    /// Notes with an image which operation has put it in the place of another.
    pub(super) async fn note_maker(&self, image: ImageName<'_>, maker: Uuid) -> Attempt<()> {
        let maker = maker.to_string();
        self.change(&["image-meta", "set"], image, &[MAKER, &maker])
            .await
    }

    /// Which operation has put an image in the place of another. That nothing is noted is said as if there were no
    /// image.
    pub(super) async fn maker(&self, image: ImageName<'_>) -> Attempt<String> {
        let question = self.invocation(Patience::Short, &["image-meta", "get"], image, &[MAKER]);
        let question = question.await?.time_limit(METADATA_LIMIT);
        let answer = self.surroundings.processes.run(question).await;
        let maker = |stdout: &[u8]| String::from_utf8_lossy(stdout).trim().to_owned();
        Ok(answer
            .map(|output| maker(&output.stdout))
            .map_err(Defect::from))
    }

    pub(super) async fn create(&self, image: ImageName<'_>, size_bytes: u64) -> Attempt<()> {
        let size = format!("{size_bytes}B");
        self.change(&["create"], image, &["--size", &size]).await
    }

    pub(super) async fn grow(&self, image: ImageName<'_>, size_bytes: u64) -> Attempt<()> {
        let size = format!("{size_bytes}B");
        let options = ["--no-progress", "--size", &size];
        self.change(&["resize"], image, &options).await
    }

    /// Gives an image another name in its pool.
    pub(super) async fn rename(&self, image: ImageName<'_>, name: &str) -> Attempt<()> {
        let options = ["--dest-pool", image.pool, "--dest", name];
        self.change(&["rename"], image, &options).await
    }

    /// The names of a pool's images, as its directory has them.
    pub(super) async fn directory(&self) -> Attempt<Vec<String>> {
        let tool = &self.surroundings.tools.rbd;
        let question = self.as_user(tool, Patience::Short).await?;
        self.answer(question.verb(&["ls"]).args(["--pool", self.pool()]), "ls")
            .await
    }

    /// Removes an image. May be cut off, and goes on where it was when it is repeated.
    pub(super) async fn remove(&self, image: ImageName<'_>) -> Attempt<()> {
        self.work(&["rm"], image, &["--no-progress"]).await
    }

    /// Takes a lock from a client that is dead, and shuts that client out.
    pub(super) async fn break_lock(&self, image: ImageName<'_>, lock: &Lock) -> Attempt<()> {
        self.change(&["lock", "rm"], image, &[&lock.id, &lock.locker])
            .await
    }

    /// Asks a question, and understands the answer.
    async fn ask<T: DeserializeOwned>(
        &self,
        verb: &[&str],
        image: ImageName<'_>,
        options: &[&str],
    ) -> Attempt<T> {
        let question = self.invocation(Patience::Short, verb, image, options);
        self.answer(question.await?, &verb.join(" ")).await
    }

    async fn answer<T: DeserializeOwned>(&self, question: Invocation, verb: &str) -> Attempt<T> {
        let question = question.args(["--format", "json"]);
        let question = question.time_limit(METADATA_LIMIT);
        let output = match self.surroundings.processes.run(question).await {
            Ok(output) => output,
            Err(error) => return Ok(Err(error.into())),
        };
        let answer = serde_json::from_slice(&output.stdout);
        Ok(Ok(answer.map_err(|error| puzzling(verb, error))?))
    }

    /// Runs a short command that changes metadata, and lets it finish in any case.
    async fn change(&self, verb: &[&str], image: ImageName<'_>, options: &[&str]) -> Attempt<()> {
        let change = self.invocation(Patience::Short, verb, image, options);
        let change = change.await?.time_limit(METADATA_LIMIT).uninterrupted();
        self.run(change).await
    }

    /// Runs a command that goes through an image's content, and may be cut off anywhere.
    async fn work(&self, verb: &[&str], image: ImageName<'_>, options: &[&str]) -> Attempt<()> {
        let work = self.invocation(Patience::Long, verb, image, options);
        self.run(work.await?.time_limit(CONTENT_LIMIT)).await
    }

    async fn run(&self, invocation: Invocation) -> Attempt<()> {
        let outcome = self.surroundings.processes.run(invocation).await;
        Ok(outcome.map(drop).map_err(Defect::from))
    }

    async fn invocation(
        &self,
        patience: Patience,
        verb: &[&str],
        image: ImageName<'_>,
        options: &[&str],
    ) -> Result<Invocation> {
        let tool = &self.surroundings.tools.rbd;
        let invocation = self.as_user(tool, patience).await?.verb(verb);
        let invocation = invocation.args(["--pool", image.pool, "--image", image.image]);
        Ok(invocation.args(options))
    }

    async fn as_user(&self, tool: &Path, patience: Patience) -> Result<Invocation> {
        let configuration = self.access.configuration(patience).await?;
        let invocation = Invocation::new(tool).arg("--conf").arg(configuration);
        Ok(invocation.args(["--id", self.access.user()]))
    }
}

/// An answer that is none.
fn puzzling(verb: &str, why: impl fmt::Display) -> Failure {
    let detail = format!("{verb} says what is not understood: {why}");
    Failure::storage("The volume's storage failed.").because(detail)
}

/// Takes one kind of failure for nothing to find.
pub(super) fn unless<T>(attempt: std::result::Result<T, Defect>, kind: Kind) -> Result<Option<T>> {
    match attempt {
        Ok(value) => Ok(Some(value)),
        Err(defect) if defect.kind == kind => Ok(None),
        Err(defect) => Err(defect.into()),
    }
}
