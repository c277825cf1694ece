//! The command lines: `qemu-img` for an image's metadata, `qemu-nbd` for what content it has to touch.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    blocking, check,
    file::{Change, ChangeNote},
    finding::{self, Finding, is_lock},
    holder,
};
use crate::{
    driver::{
        Failure, Result, Server, SnapshotName, Surroundings, Touched,
        server::{Manner, StartError},
    },
    process::{self, Invocation},
    qcow2::Image,
    report::Level,
};

/// Snapshots of the largest images take a second; checking one may take minutes.
const METADATA_LIMIT: Duration = Duration::from_mins(5);
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(100);
/// More connections gain nothing.
const MANNER: Manner = Manner {
    connections: 4,
    farewell: Duration::ZERO,
};
const CHECK_LIMIT: Duration = Duration::from_mins(30);

/// What can be done to one image.
pub(super) struct Command {
    image: PathBuf,
    note: ChangeNote,
    surroundings: Surroundings,
}

impl Command {
    pub(super) fn new(image: PathBuf, note: ChangeNote, surroundings: Surroundings) -> Self {
        Self {
            image,
            note,
            surroundings,
        }
    }

    /// Creates an empty image at `path`, which is not the volume's own place yet.
    pub(super) async fn create(&self, path: &Path, size_bytes: u64) -> Result<()> {
        let invocation =
            self.img()
                .verb(&["create"])
                .args(["-q", "-f", "qcow2", "-o", "compat=1.1"]);
        let invocation = invocation.arg(path).arg(size_bytes.to_string());
        self.run(invocation.time_limit(METADATA_LIMIT)).await
    }

    pub(super) async fn create_snapshot(&self, name: SnapshotName) -> Result<()> {
        self.change("snapshot", &["-c", &name.to_string()], &[])
            .await
    }

    pub(super) async fn delete_snapshot(&self, name: SnapshotName) -> Result<()> {
        self.change("snapshot", &["-d", &name.to_string()], &[])
            .await
    }

    pub(super) async fn apply_snapshot(&self, name: SnapshotName, touched: &Touched) -> Result<()> {
        let name = name.to_string();
        let applying = async {
            touched.set();
            let applied = self.run_patiently(self.changing("snapshot", &["-a", &name], &[]));
            let applied = applied.await;
            if applied.as_ref().is_err_and(was_not_begun) {
                touched.revoke();
            }
            applied
        };
        let ((), change) = self.noting(applying).await?;
        change.end().await
    }

    pub(super) async fn grow(&self, size_bytes: u64) -> Result<()> {
        self.change("resize", &["-q"], &[size_bytes.to_string()])
            .await
    }

    /// Frees clusters that an interrupted change has leaked, unless somebody has the image open. What
    /// else a check finds is reported and left alone.
    ///
    /// A check of a large image takes minutes, so that it is not let finish like other changes. Cut
    /// off, it has freed some of what was leaked and leaves the rest to the next one.
    pub(super) async fn repair(&self) -> Result<()> {
        if !self.note.is_there().await? {
            return Ok(());
        }
        if self.would_lose_snapshots().await? {
            let message = "Space that was leaked stays: the image has dirty bitmaps, with which QEMU would lose its \
                           snapshots over it";
            self.surroundings.journal.private(Level::Info, message);
            return self.note.remove().await;
        }
        match self.run_patiently(self.check("leaks")).await {
            Ok(()) => self.note.remove().await,
            Err(StartError::Process(process::Error::Failed {
                message, status, ..
            })) if let Some(code) = status.code() => {
                let journal = &self.surroundings.journal;
                if is_lock(&message) {
                    let message = "The image is in use, and is checked for leaks later";
                    journal.private(Level::Info, message);
                    return Ok(());
                }
                if !finding::LOOKED_AT_ALL.contains(&code) {
                    let message = format!("The image could not be checked for leaks: {message}");
                    journal.private(Level::Warn, message);
                    return Ok(());
                }
                let message = format!("Checking the image found more than leaks: {message}");
                journal.private(Level::Warn, message);
                self.note.remove().await
            }
            Err(error) => Err(self.explain(error).await),
        }
    }

    /// Does what QEMU does by itself when it opens an image whose reference counts were deferred and
    /// never written. That takes as long as the image is large, and no server is waited for so long.
    pub(super) async fn recount(&self) -> Result<()> {
        if self.would_lose_snapshots().await? {
            let size = self.virtual_bytes().await?;
            // Whatever opens it to write counts anew.
            return self.grow(size).await;
        }
        let ((), change) = self.noting(self.run_patiently(self.check("all"))).await?;
        change.end().await
    }

    /// Whether a check that repairs would cost the image its snapshots: to have dirty bitmaps in use, QEMU (10.0) writes
    /// the header before such a check has read the table of snapshots, and says that there are none.
    async fn would_lose_snapshots(&self) -> Result<bool> {
        let path = self.image.clone();
        blocking(move || {
            let image = Image::open(&path);
            image.is_ok_and(|image| image.header().has_bitmaps() && image.header().has_snapshots())
        })
        .await
    }

    async fn virtual_bytes(&self) -> Result<u64> {
        let path = self.image.clone();
        let image = blocking(move || Image::open(&path)).await??;
        Ok(image.header().virtual_bytes)
    }

    /// Has QEMU hold the image's tables against each other, and changes nothing. Space that was leaked is no
    /// obstacle; anything else is: what is written could end in a snapshot.
    pub(super) async fn examine(&self) -> Result<()> {
        let check = self.img().verb(&["check"]).args(["-q", "--image-opts"]);
        let check = check.arg(options("qcow2", &self.image));
        match self.run_patiently(check.time_limit(CHECK_LIMIT)).await {
            Ok(()) => Ok(()),
            Err(StartError::Process(error)) => match finding::of(&error) {
                Finding::Leaks => Ok(()),
                Finding::Damage => {
                    let message = "The volume cannot be worked on: its image is damaged: its tables contradict \
                                   each other.";
                    Err(Failure::damaged(message).because(error))
                }
                Finding::Unreadable => Err(check::unreadable().because(error)),
                Finding::Locked | Finding::Nothing => {
                    Err(self.explain(StartError::Process(error)).await)
                }
            },
            Err(error) => Err(self.explain(error).await),
        }
    }

    fn check(&self, repair: &str) -> Invocation {
        let check = self.img().verb(&["check"]).args(["-q", "-r", repair]);
        let check = check.arg("--image-opts");
        let check = check.arg(options("qcow2", &self.image));
        check.time_limit(CHECK_LIMIT)
    }

    /// Takes the file's write lock and gives it back, whatever is in the file: as plain bytes, none
    /// of which are read or written, even a damaged image or one that needs a key can be opened.
    pub(super) async fn ensure_unused(&self) -> Result<()> {
        self.hold().await?.finish().await
    }

    /// The same, and keeps the lock as long as the server runs.
    pub(super) async fn hold(&self) -> Result<Server> {
        let arguments = ["--image-opts".into(), options("raw", &self.image)];
        match self.start(&arguments).await {
            Ok(server) => Ok(server),
            Err(error) => Err(self.explain(error).await),
        }
    }

    /// Has the end of an operation wait for whoever keeps this.
    pub(super) fn token(&self) -> TaskTrackerToken {
        self.surroundings.processes.token()
    }

    /// Serves the image to be written, which is a change until the server has ended.
    pub(super) async fn serve(&self) -> Result<(Server, Change)> {
        let arguments = ["--image-opts".into(), options("qcow2", &self.image)];
        self.noting(self.start(&arguments)).await
    }

    /// Serves a snapshot to be read, beside whoever writes the image. It takes no lock, because that
    /// would keep an instance from being started until the last byte is read.
    pub(super) async fn serve_snapshot(&self, name: SnapshotName) -> Result<Server> {
        let arguments = [
            "--read-only".into(),
            format!("--load-snapshot=snapshot.name={name}"),
            "--image-opts".into(),
            format!("{},force-share=on", options("qcow2", &self.image)),
        ];
        match self.start(&arguments).await {
            Ok(server) => Ok(server),
            Err(error) => Err(self.explain(error).await),
        }
    }

    async fn start(&self, arguments: &[String]) -> std::result::Result<Server, StartError> {
        let Surroundings {
            tools,
            processes,
            run_directory,
            ..
        } = &self.surroundings;
        patiently(|| Server::start(processes, &tools.qemu_nbd, arguments, run_directory, MANNER))
            .await
    }

    /// Runs a short command that changes the image, and lets it finish in any case: cut off in the
    /// middle, it would leak space.
    async fn change(&self, verb: &str, before: &[&str], after: &[String]) -> Result<()> {
        let changing = self.run_patiently(self.changing(verb, before, after));
        let ((), change) = self.noting(changing).await?;
        change.end().await
    }

    fn changing(&self, verb: &str, before: &[&str], after: &[String]) -> Invocation {
        let invocation = self.img().verb(&[verb]).args(before).arg("--image-opts");
        let invocation = invocation.arg(options("qcow2", &self.image)).args(after);
        invocation.time_limit(METADATA_LIMIT).uninterrupted()
    }

    /// Notes that the image is changed, which ends here if nothing comes of it.
    async fn noting<T>(
        &self,
        changing: impl Future<Output = std::result::Result<T, StartError>>,
    ) -> Result<(T, Change)> {
        let change = self.note.begin().await?;
        match changing.await {
            Ok(changed) => Ok((changed, change)),
            Err(error) => {
                if was_not_begun(&error) {
                    change.end().await?;
                }
                Err(self.explain(error).await)
            }
        }
    }

    async fn run(&self, invocation: Invocation) -> Result<()> {
        match self.run_patiently(invocation).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain(error).await),
        }
    }

    async fn run_patiently(&self, invocation: Invocation) -> std::result::Result<(), StartError> {
        let processes = &self.surroundings.processes;
        let run = || async { Ok(processes.run(invocation.clone()).await.map(drop)?) };
        patiently(run).await
    }

    fn img(&self) -> Invocation {
        Invocation::new(&self.surroundings.tools.qemu_img)
    }

    /// Says more about a failure where more can be found out.
    async fn explain(&self, error: StartError) -> Failure {
        match error {
            StartError::Process(process::Error::Failed { ref message, .. }) if is_lock(message) => {
                let image = self.image.clone();
                let holders = blocking(move || holder::find(&image))
                    .await
                    .unwrap_or_default();
                let message = format!("The image is held by {}", holder::describe(&holders));
                self.surroundings.journal.private(Level::Warn, message);
                Failure::storage(
                    "The volume is in use on its hypervisor, such as by a running instance or \
                     another tool.",
                )
                .because(error)
            }
            StartError::Process(error) => error.into(),
            StartError::Silent(_) => {
                Failure::storage("The volume cannot be opened.").because(error)
            }
        }
    }
}

/// Tries again for a moment while the image is locked: a process that has been killed gives its
/// locks up only after it is gone from sight.
async fn patiently<T, F>(attempt: impl Fn() -> F) -> std::result::Result<T, StartError>
where
    F: Future<Output = std::result::Result<T, StartError>>,
{
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match attempt().await {
            Err(StartError::Process(process::Error::Failed { message, .. }))
                if is_lock(&message) && Instant::now() < deadline =>
            {
                sleep(LOCK_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

/// Whether a change was refused before the image was opened. Any other that failed may have leaked space.
fn was_not_begun(error: &StartError) -> bool {
    match error {
        StartError::Process(process::Error::Failed { message, .. }) => is_lock(message),
        StartError::Process(process::Error::Missing { .. } | process::Error::Start { .. }) => true,
        StartError::Process(process::Error::TimedOut { .. }) | StartError::Silent(_) => false,
    }
}

/// Names an image so that QEMU neither probes its format nor takes its name for anything else.
fn options(format: &str, image: &Path) -> String {
    let name = image.display().to_string().replace(',', ",,");
    format!("driver={format},file.driver=file,file.filename={name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_a_pool_cannot_add_an_option() {
        let options = options("qcow2", Path::new("/pool,backing=x/a.qcow2"));
        assert_eq!(
            options,
            "driver=qcow2,file.driver=file,file.filename=/pool,,backing=x/a.qcow2"
        );
    }
}
