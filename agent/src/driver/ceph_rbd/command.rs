//! The command lines: `rbd` for an image's metadata, `rados` for a name that `rbd` left over, and
//! `qemu-nbd` for content.

use std::{fmt, path::Path, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use tokio::{join, sync::mpsc};
use uuid::Uuid;

use super::{
    access::{Access, Patience},
    defect::{Defect, Kind},
    extent::{self, Extent},
    room::{Figures, Usage},
};
use crate::{
    driver::{
        CloneOrigin, Failure, Result, Server, Surroundings, blocking,
        server::{Manner, StartError},
    },
    process::Invocation,
};

/// A client that died holds its image for 30 seconds, which commands wait for.
const METADATA_LIMIT: Duration = Duration::from_mins(2);
/// What moves the content of an image takes as long as that takes.
const CONTENT_LIMIT: Duration = Duration::from_hours(24);
/// How many of an image's objects are copied at once. Ten, as it is by default, take 250 to 290 MiB of
/// memory; four take 110 MiB and as long.
const AT_ONCE: &str = "--rbd-concurrent-management-ops=4";
/// How many pieces of an answer wait to be understood.
const PIECES: usize = 8;
/// More connections are slower, and take a third more memory. A cluster remembers who has not let go of an
/// image.
const MANNER: Manner = Manner {
    connections: 1,
    farewell: Duration::from_secs(2),
};

/// The object that has the names of a pool's images.
const DIRECTORY: &str = "rbd_directory";
/// The object that has the names of images that are to be removed.
const TRASH: &str = "rbd_trash";
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

/// What an image is like.
#[derive(Debug, Deserialize)]
pub(super) struct Info {
    /// What it is called inside the cluster, whatever its name.
    pub(super) id: Option<String>,
    pub(super) size: u64,
    /// The group of images that it is in.
    pub(super) group: Option<String>,
    /// Nothing of this is known, because it cannot be opened.
    #[serde(skip)]
    pub(super) is_damaged: bool,
}

impl Info {
    /// Of an image that is there and cannot be opened.
    pub(super) fn damaged() -> Self {
        Self {
            id: None,
            size: 0,
            group: None,
            is_damaged: true,
        }
    }
}

/// A snapshot in an image's list.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) size: u64,
    /// A word.
    protected: String,
    /// Whose it is, where all are listed.
    namespace: Option<Namespace>,
}

#[derive(Debug, Deserialize)]
struct Namespace {
    #[serde(rename = "type")]
    kind: String,
}

impl Listed {
    pub(super) fn is_protected(&self) -> bool {
        self.protected == "true"
    }

    /// Whether it was taken of a group of images.
    pub(super) fn is_of_group(&self) -> bool {
        let namespace = self.namespace.as_ref();
        namespace.is_some_and(|namespace| namespace.kind == "group")
    }
}

#[derive(Debug, Deserialize)]
struct Status {
    watchers: Vec<Watcher>,
}

/// A client that has an image open to write.
#[derive(Debug, Deserialize)]
pub(super) struct Watcher {
    pub(super) address: String,
}

/// A lock, and who holds it.
#[derive(Debug, Deserialize)]
pub(super) struct Lock {
    id: String,
    locker: String,
}

/// An image that stands on a snapshot of another.
#[derive(Debug, Deserialize)]
pub(super) struct Child {
    pub(super) pool: String,
    pub(super) image: String,
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

    /// What an image was like at a snapshot.
    pub(super) async fn info_of_snapshot(&self, origin: &CloneOrigin) -> Attempt<Info> {
        let image = ImageName {
            pool: &origin.pool,
            image: &origin.image,
        };
        let snapshot = origin.snapshot.to_string();
        self.ask(&["info"], image, &["--snap", &snapshot]).await
    }

    /// An image's snapshots, the oldest first.
    pub(super) async fn snapshots(&self, image: ImageName<'_>) -> Attempt<Vec<Listed>> {
        let listed: Attempt<Vec<Listed>> = self.ask(&["snap", "ls"], image, &[]).await;
        Ok(listed?.map(|mut snapshots| {
            snapshots.sort_by_key(|snapshot| snapshot.id);
            snapshots
        }))
    }

    /// An image's snapshots, those too that belong to a group of images or to clones.
    pub(super) async fn all_snapshots(&self, image: ImageName<'_>) -> Attempt<Vec<Listed>> {
        self.ask(&["snap", "ls"], image, &["--all"]).await
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

    /// What changed from one snapshot, or from nothing, to another, or to now.
    pub(super) async fn changes(
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

    /// Removes a name by which an image can be opened, and nothing else.
    pub(super) async fn remove_name(&self, image: ImageName<'_>) -> Attempt<()> {
        let object = format!("rbd_id.{}", image.image);
        let tool = &self.surroundings.tools.rados;
        let change = self.as_user(tool, Patience::Short).await?;
        // Nor does it need space.
        let change = change.args(["--pool", image.pool, "rm", &object, "--force-full"]);
        self.run(change.time_limit(METADATA_LIMIT).uninterrupted())
            .await
    }

    /// What an object of the pool holds. That there is none is said as of an image.
    pub(super) async fn read_object(&self, object: &str) -> Attempt<Vec<u8>> {
        let tool = &self.surroundings.tools.rados;
        let question = self.as_user(tool, Patience::Short).await?;
        let question = question.args(["--pool", self.pool(), "get", object, "-"]);
        let answer = question.time_limit(METADATA_LIMIT);
        let answer = self.surroundings.processes.run(answer).await;
        Ok(answer.map(|output| output.stdout).map_err(Defect::from))
    }

    /// Writes an object of the pool, whole.
    pub(super) async fn write_object(&self, object: &str, content: Vec<u8>) -> Attempt<()> {
        // Beside the configuration, where only we can read, and with which it goes.
        let configuration = self.access.configuration(Patience::Short).await?;
        let file = configuration.with_file_name("object");
        let from = file.clone();
        let written = blocking(move || std::fs::write(&file, content)).await?;
        written.map_err(|error| Failure::storage("The agent failed.").because(error))?;
        let tool = &self.surroundings.tools.rados;
        let change = self.as_user(tool, Patience::Short).await?;
        let change = change
            .args(["--pool", self.pool(), "put", object])
            .arg(from);
        self.run(change.time_limit(METADATA_LIMIT).uninterrupted())
            .await
    }

    /// What the pool's directory has an image's name stand for: what the image is called inside the cluster.
    pub(super) async fn entry(&self, image: ImageName<'_>) -> Attempt<String> {
        let configuration = self.access.configuration(Patience::Short).await?;
        let file = configuration.with_file_name("entry");
        let key = format!("name_{}", image.image);
        let tool = &self.surroundings.tools.rados;
        let question = self.as_user(tool, Patience::Short).await?;
        let question = question.args(["--pool", image.pool, "getomapval", DIRECTORY, &key]);
        let question = question.arg(&file).time_limit(METADATA_LIMIT);
        if let Err(defect) = self.run(question).await? {
            return Ok(Err(defect));
        }
        let content = blocking(move || std::fs::read(&file)).await?;
        let content = content.map_err(|error| Failure::storage("The agent failed.").because(error));
        // Its length comes first.
        let content = content?;
        let id = content.get(4..).unwrap_or_default();
        Ok(Ok(String::from_utf8_lossy(id).into_owned()))
    }

    /// Takes an image's name, and what it stands for, out of the pool's directory.
    pub(super) async fn remove_entry(&self, image: ImageName<'_>, id: &str) -> Attempt<()> {
        for key in [format!("name_{}", image.image), format!("id_{id}")] {
            let tool = &self.surroundings.tools.rados;
            let change = self.as_user(tool, Patience::Short).await?;
            let change = change.args(["--pool", image.pool, "rmomapkey", DIRECTORY, &key]);
            let change = change.time_limit(METADATA_LIMIT).uninterrupted();
            if let Err(defect) = self.run(change).await? {
                return Ok(Err(defect));
            }
        }
        Ok(Ok(()))
    }

    /// Makes what `rbd rm` moves images to before it removes them, and cannot make once the pool is full.
    pub(super) async fn make_trash(&self) -> Attempt<()> {
        let tool = &self.surroundings.tools.rados;
        let change = self.as_user(tool, Patience::Short).await?;
        let change = change.args(["--pool", self.pool(), "create", TRASH]);
        let change = change.time_limit(METADATA_LIMIT).uninterrupted();
        let made = self.run(change).await?;
        Ok(match made {
            // It is there already.
            Err(defect) if defect.kind == Kind::Exists => Ok(()),
            made => made,
        })
    }

    /// Removes an image. May be cut off, and goes on where it was when it is repeated.
    pub(super) async fn remove(&self, image: ImageName<'_>) -> Attempt<()> {
        self.work(&["rm"], image, &["--no-progress"]).await
    }

    pub(super) async fn create_snapshot(&self, image: ImageName<'_>, name: &str) -> Attempt<()> {
        let options = ["--no-progress", "--snap", name];
        self.change(&["snap", "create"], image, &options).await
    }

    pub(super) async fn delete_snapshot(&self, image: ImageName<'_>, name: &str) -> Attempt<()> {
        let options = ["--no-progress", "--snap", name];
        self.change(&["snap", "rm"], image, &options).await
    }

    pub(super) async fn unprotect(&self, image: ImageName<'_>, name: &str) -> Attempt<()> {
        self.change(&["snap", "unprotect"], image, &["--snap", name])
            .await
    }

    /// Takes a lock from a client that is dead, and shuts that client out.
    pub(super) async fn break_lock(&self, image: ImageName<'_>, lock: &Lock) -> Attempt<()> {
        self.change(&["lock", "rm"], image, &[&lock.id, &lock.locker])
            .await
    }

    pub(super) async fn roll_back(&self, image: ImageName<'_>, name: &str) -> Attempt<()> {
        let options = ["--no-progress", AT_ONCE, "--snap", name];
        self.work(&["snap", "rollback"], image, &options).await
    }

    /// Makes an image that stands on a snapshot.
    pub(super) async fn clone_snapshot(
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
    pub(super) async fn flatten(&self, image: ImageName<'_>) -> Attempt<()> {
        self.work(&["flatten"], image, &["--no-progress", AT_ONCE])
            .await
    }

    /// Serves an image to be written.
    pub(super) async fn serve(&self, image: ImageName<'_>) -> Result<Server> {
        self.start(&[], image, "").await
    }

    /// Serves a snapshot to be read.
    pub(super) async fn serve_snapshot(&self, image: ImageName<'_>, name: &str) -> Result<Server> {
        let snapshot = format!(",file.snapshot={}", escaped(name));
        self.start(&["--read-only"], image, &snapshot).await
    }

    async fn start(
        &self,
        arguments: &[&str],
        image: ImageName<'_>,
        snapshot: &str,
    ) -> Result<Server> {
        let configuration = self.access.configuration(Patience::Long).await?;
        let configuration = escaped(&configuration.display().to_string());
        let [pool, name, user] = [image.pool, image.image, self.access.user()].map(escaped);
        let options = format!(
            "driver=raw,file.driver=rbd,file.pool={pool},file.image={name}{snapshot},\
             file.conf={configuration},file.user={user}"
        );
        let arguments = arguments.iter().copied().map(str::to_owned);
        let arguments: Vec<_> = arguments.chain(["--image-opts".into(), options]).collect();
        let Surroundings {
            tools,
            processes,
            run_directory,
            ..
        } = &self.surroundings;
        let started = Server::start(
            processes,
            &tools.qemu_nbd,
            &arguments,
            run_directory,
            MANNER,
        );
        started.await.map_err(|error| match error {
            StartError::Process(error) => Defect::from(error).into(),
            StartError::Silent(_) => {
                Failure::storage("The volume cannot be opened.").because(error)
            }
        })
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

/// A value among QEMU's options, where commas separate.
fn escaped(value: &str) -> String {
    value.replace(',', ",,")
}
