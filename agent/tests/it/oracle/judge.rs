//! What is right of what the agent does with an image: what QEMU reads of it, before and after.

use std::{fs, path::Path, process::Command};

use tidemark_agent::{
    driver::{Code, Driver as _, Failure, SnapshotName, qcow2_file::Qcow2File},
    export::{Target, copy},
    operation::{BackupItem, Outcome, RestoreSource, Volume, Work},
    qcow2::NewImage,
    report::Progress,
};

use super::generate::Subject;
use crate::site::{Site, digest_of, run, text, within};

/// How a refusal begins that `docs/images.md` has.
const DOCUMENTED: [&str; 6] = [
    "The volume cannot be worked on: its image ",
    "The volume cannot be opened.",
    "The volume cannot have another snapshot: ",
    "The snapshot is no longer on the volume's storage.",
    "The snapshot cannot be read: its image has become smaller since.",
    "The snapshot holds ",
];

/// Nothing if all is as it should be, or why it is refused; or what is wrong.
pub type Verdict = Result<Option<String>, String>;

/// An image, and what it is of.
pub struct Case<'a> {
    pub site: &'a Site,
    pub volume: &'a Volume,
    pub image: &'a Path,
    pub subject: &'a Subject,
}

impl Case<'_> {
    /// A snapshot is read as QEMU reads it, or refused; and reading changes nothing.
    pub async fn snapshot(&self, name: SnapshotName) -> Verdict {
        let before = digest_of(self.image);
        let expected = self.content(Some(name));
        let reading = self.read(name).await;
        if digest_of(self.image) != before {
            return Err(format!("reading {name} has changed the image"));
        }
        let (read, expected) = match (reading, expected) {
            (Err(failure), _) => {
                let reason = documented(&failure)?;
                let is_sound = self.subject.is_supported && !self.subject.is_damaged;
                if is_sound && self.subject.taken.contains(&name) && !self.subject.has_shrunk {
                    return Err(format!("{name} is sound, and refused: {failure}"));
                }
                return Ok(Some(reason));
            }
            (Ok(_), None) => return Err(format!("{name} is read, and QEMU refuses it")),
            (Ok(read), Some(expected)) => (read, expected),
        };
        // QEMU offers a snapshot at the size that the disk has today.
        let both = read.len().min(expected.len());
        if read[..both] != expected[..both] {
            return Err(format!("{name} is not read as QEMU reads it"));
        }
        let has_more = read[both..].iter().any(|byte| *byte != 0);
        if has_more && !self.subject.has_shrunk {
            return Err(format!("{name} is read beyond its end"));
        }
        Ok(None)
    }

    /// A backup of the disk as it is now is what QEMU reads of it, or refused; and it changes neither the disk nor a
    /// snapshot.
    pub async fn backup(&self) -> Verdict {
        let (before, snapshots) = (self.content(None), self.snapshots());
        let backup = self.site.backup_of(self.volume);
        let work = Work::CreateBackup {
            volume: self.volume.clone(),
            backup: backup.clone(),
        };
        let outcome = self.site.perform(work).await;
        let verdict = match outcome {
            Outcome::Completed(_) => match (&before, self.stored(&backup)) {
                (None, _) => return Err("it is backed up, and QEMU refuses it".into()),
                (Some(before), stored) if *before != stored => {
                    return Err("its backup is not what QEMU reads of it".into());
                }
                _ => None,
            },
            Outcome::Failed { failure, .. } => {
                let is_sound = self.subject.is_supported && !self.subject.is_damaged;
                let has_room = !failure.message.contains("would overflow");
                if is_sound && has_room {
                    return Err(format!("it is sound, and not backed up: {failure}"));
                }
                Some(documented(&failure)?)
            }
            Outcome::Stopped { .. } => return Err("it stopped by itself".into()),
        };
        if before.is_some() && self.content(None) != before {
            return Err("backing it up has changed the disk".into());
        }
        self.ensure_kept(snapshots, "backing it up")?;
        Ok(verdict)
    }

    /// A restore in place gives what was backed up, or is refused before anything changes; either way, no snapshot
    /// changes. What is refused because of the image is done by a new one.
    pub async fn restore(&self, backup: &BackupItem, content: &[u8]) -> Verdict {
        let (before, snapshots) = (self.content(None), self.snapshots());
        let work = |source| Work::RestoreInPlace {
            volume: self.volume.clone(),
            source,
        };
        let source = RestoreSource::Backup(Box::new(backup.clone()));
        let failure = match self.site.perform(work(source)).await {
            Outcome::Completed(_) => {
                self.ensure_holds(content)?;
                self.ensure_kept(snapshots, "restoring it")?;
                return Ok(None);
            }
            Outcome::Failed {
                volume_touched: true,
                failure,
                ..
            } => return Err(format!("a restore began, and failed: {failure}")),
            Outcome::Failed { failure, .. } => failure,
            Outcome::Stopped { .. } => return Err("it stopped by itself".into()),
        };
        if before.is_some() && self.content(None) != before {
            return Err(format!(
                "a restore that was refused has changed the disk: {failure}"
            ));
        }
        self.ensure_kept(snapshots, "a restore that was refused")?;
        let reason = documented(&failure)?;
        if failure.code != Code::ImageDamaged {
            return Err(format!("its image cannot be replaced: {failure}"));
        }
        let source = RestoreSource::BackupReplacing(Box::new(backup.clone()));
        match self.site.perform(work(source)).await {
            Outcome::Completed(completed) if completed.image_replaced => {
                self.ensure_holds(content)?;
            }
            outcome => return Err(format!("a new image does not take its place: {outcome:?}")),
        }
        Ok(Some(reason))
    }

    fn ensure_holds(&self, content: &[u8]) -> Result<(), String> {
        let now = self
            .content(None)
            .ok_or("what was restored cannot be read")?;
        let is_size = now.len() as u64 == self.volume.size_bytes;
        let rest = now.get(content.len()..).unwrap_or_default();
        if is_size && now.starts_with(content) && rest.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err("what was restored is not what was backed up".into())
    }

    fn ensure_kept(
        &self,
        snapshots: Vec<(SnapshotName, Vec<u8>)>,
        doing: &str,
    ) -> Result<(), String> {
        for (name, before) in snapshots {
            // A disk that has grown offers more of it, which is zeros.
            let now = self.content(Some(name)).unwrap_or_default();
            let both = before.len().min(now.len());
            let is_kept = both > 0 && before[..both] == now[..both];
            let rest = before[both..].iter().chain(&now[both..]);
            if !is_kept || rest.copied().any(|byte| byte != 0) {
                return Err(format!("{doing} has changed {name}"));
            }
        }
        Ok(())
    }

    /// The snapshots that QEMU can read, and what it reads.
    fn snapshots(&self) -> Vec<(SnapshotName, Vec<u8>)> {
        let names = self.subject.names.iter();
        names
            .filter_map(|name| Some((*name, self.content(Some(*name))?)))
            .collect()
    }

    /// What QEMU reads of the disk or of a snapshot; nothing if it refuses.
    fn content(&self, snapshot: Option<SnapshotName>) -> Option<Vec<u8>> {
        converted(self.image, snapshot, &self.site.path("scratch/expected"))
    }

    /// What the agent reads of a snapshot, by what a backup reads with.
    async fn read(&self, name: SnapshotName) -> Result<Vec<u8>, Failure> {
        let copied = self.site.path("scratch/copied");
        let copied_now = within(self.copy(name, &copied)).await;
        let read = copied_now.map(|()| {
            let raw = self.site.path("scratch/raw");
            converted(&copied, None, &raw).unwrap()
        });
        let _ = fs::remove_file(copied);
        read
    }

    async fn copy(&self, name: SnapshotName, copied: &Path) -> Result<(), Failure> {
        let driver = Qcow2File::new(
            &self.site.path("pool"),
            self.volume.id,
            self.subject.largest_bytes,
            self.site.surroundings(),
        )?;
        let snapshot = driver.open_snapshot(name).await?;
        let image = NewImage::create(copied, snapshot.source().size_bytes()).unwrap();
        let target = Target::from(image);
        let progress = Progress::default();
        if let Err(error) = copy(snapshot.source(), &target, &progress).await {
            return Err(snapshot.explain(error).await);
        }
        snapshot.finish().await
    }

    /// What `zstd` reads of a backup.
    fn stored(&self, backup: &BackupItem) -> Vec<u8> {
        let stored = self.site.backup_directory(backup).join("disk.raw.zst");
        let raw = self.site.path("scratch/stored");
        run("zstd", ["-q", "-d", "-f", text(&stored), "-o", text(&raw)]);
        let content = fs::read(&raw).unwrap();
        fs::remove_file(raw).unwrap();
        content
    }
}

/// What QEMU reads of an image or of a snapshot in it; nothing if it refuses.
pub fn converted(image: &Path, snapshot: Option<SnapshotName>, raw: &Path) -> Option<Vec<u8>> {
    let name = snapshot.map(|name| format!("snapshot.name={name}"));
    let mut command = Command::new("qemu-img");
    command.args(["convert", "-U", "-f", "qcow2", "-O", "raw"]);
    command.args(name.iter().flat_map(|name| ["-l", name]));
    let done = command.arg(image).arg(raw).output().unwrap();
    let content = done.status.success().then(|| fs::read(raw).unwrap());
    let _ = fs::remove_file(raw);
    content
}

/// The reason, without what differs from image to image; or that nobody could look it up.
fn documented(failure: &Failure) -> Result<String, String> {
    let message = &failure.message;
    let is_documented = DOCUMENTED.iter().any(|words| message.starts_with(words));
    // What a tool or a server finds in the middle has no words of its own.
    let is_tool =
        failure.code == Code::StorageFailed && message.starts_with("The volume's storage failed");
    if !is_documented && !is_tool {
        return Err(format!(
            "it is refused without a documented reason: {failure}"
        ));
    }
    let reason = message.replace(|letter: char| letter.is_ascii_digit(), "#");
    Ok(reason.replace("##", "#").replace("##", "#"))
}
