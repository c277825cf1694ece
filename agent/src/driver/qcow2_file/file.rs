//! The files of a volume: its image, and the one that becomes it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use nix::sys::statvfs::statvfs;
use tokio_util::task::task_tracker::TaskTrackerToken;
use uuid::Uuid;

use super::blocking;
use crate::{
    driver::{Failure, Result, SnapshotName},
    qcow2::NewImage,
};

/// Where a volume's files lie.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pool: PathBuf,
    image: PathBuf,
    partial: PathBuf,
    intent: PathBuf,
    note: ChangeNote,
}

impl Place {
    pub(super) fn new(pool: &Path, volume_id: Uuid) -> Self {
        Self {
            pool: pool.to_owned(),
            image: pool.join(format!("{volume_id}.qcow2")),
            partial: pool.join(format!(".{volume_id}.partial")),
            intent: pool.join(format!(".{volume_id}.snapshot")),
            note: ChangeNote(pool.join(format!(".{volume_id}.changing"))),
        }
    }

    /// The volume's image.
    pub(super) fn image(&self) -> &Path {
        &self.image
    }

    /// The note of changes of the image.
    pub(super) fn change_note(&self) -> &ChangeNote {
        &self.note
    }

    /// The image while it is not finished.
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Refuses to go on without the pool: a disk that is not mounted is no empty pool. Nor does an image lie in
    /// it that is a symbolic link: what it leads to may be anybody's, and may be away.
    pub(super) async fn ensure_pool(&self) -> Result<()> {
        let (pool, image) = (self.pool.clone(), self.image.clone());
        blocking(move || {
            match pool.metadata() {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => {
                    let detail = format!("{} is not a directory", pool.display());
                    return Err(no_pool().because(detail));
                }
                Err(error) if is_absence(&error) => {
                    return Err(no_pool().because(format!("{}: {error}", pool.display())));
                }
                Err(error) => return Err(failed("looking at", &pool, &error)),
            }
            if image.is_symlink() {
                let message = "The volume cannot be worked on: its image is a symbolic link.";
                let detail = format!("put the image itself in the place of {}", image.display());
                return Err(Failure::storage(message).because(detail));
            }
            Ok(())
        })
        .await?
    }

    /// Whether anything lies where the image should.
    pub(super) async fn has_image(&self) -> Result<bool> {
        self.ensure_pool().await?;
        let image = self.image.clone();
        blocking(move || {
            let exists = image.try_exists();
            exists.map_err(|error| failed("looking for", &image, &error))
        })
        .await?
    }

    /// Removes what an unfinished attempt left.
    pub(super) async fn remove_partial(&self) -> Result<()> {
        self.ensure_pool().await?;
        let partial = self.partial.clone();
        blocking(move || remove(&partial).map(drop)).await?
    }

    /// Begins the image of a disk of `size_bytes`.
    pub(super) async fn create_partial(&self, size_bytes: u64) -> Result<NewImage> {
        let partial = self.partial.clone();
        blocking(move || {
            let created = NewImage::create(&partial, size_bytes);
            created.map_err(|error| failed("creating", &partial, &error))
        })
        .await?
    }

    /// Refuses to take what lies where the image should for one of ours: a name that leads elsewhere, or a directory.
    pub(super) async fn ensure_file_or_nothing(&self) -> Result<()> {
        self.ensure_pool().await?;
        let image = self.image.clone();
        blocking(move || match image.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => Ok(()),
            Ok(_) => {
                let message = "The volume cannot be worked on: where its image should lie is something else than \
                               a file.";
                Err(Failure::storage(message).because(image.display()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed("looking for", &image, &error)),
        })
        .await?
    }

    /// Refuses what the pool has no room for.
    pub(super) async fn ensure_room(&self, bytes: u64) -> Result<()> {
        let pool = self.pool.clone();
        blocking(move || {
            let system = statvfs(&pool);
            let system = system.map_err(|errno| failed("looking at", &pool, &errno.into()))?;
            let free = system
                .blocks_available()
                .saturating_mul(system.fragment_size());
            if bytes <= free {
                return Ok(());
            }
            let detail = format!("{bytes} bytes are needed, {free} are free");
            Err(Failure::pool_full().because(detail))
        })
        .await?
    }

    /// Puts the finished image in the place of the one that was there, durably. What was noted of that one goes with
    /// it. Goes on when nobody waits for it any more; `token` is given back at its end.
    pub(super) async fn replace(&self, token: TaskTrackerToken) -> Result<()> {
        let place = self.clone();
        blocking(move || {
            let _token = token;
            place.publish_now()?;
            remove(&place.intent)?;
            remove(&place.note.0).map(drop)
        })
        .await?
    }

    /// Removes the image, durably.
    pub(super) async fn remove(&self) -> Result<()> {
        self.ensure_pool().await?;
        let Self {
            pool,
            image,
            intent,
            note,
            ..
        } = self.clone();
        blocking(move || {
            let noted = remove(&intent)? | remove(&note.0)?;
            if remove(&image)? || noted {
                sync(&pool)?;
            }
            Ok(())
        })
        .await?
    }

    /// Notes that a snapshot is about to be taken. Whatever becomes of who takes it, and however late
    /// it comes about: as long as the note is there, the snapshot is one that nobody knows of. Both
    /// the note and its end are durable: one that was lost would leave a snapshot that nobody knows
    /// of, one that came back would take a snapshot that somebody does.
    pub(super) async fn intend(&self, name: SnapshotName) -> Result<()> {
        let Self { pool, intent, .. } = self.clone();
        blocking(move || {
            let note = name.to_string();
            let written = File::create(&intent).and_then(|mut file| {
                file.write_all(note.as_bytes())?;
                file.sync_all()
            });
            written.map_err(|error| failed("writing", &intent, &error))?;
            sync(&pool)
        })
        .await?
    }

    /// The snapshot that was about to be taken, if it was not said since what became of it.
    pub(super) async fn intended(&self) -> Result<Option<SnapshotName>> {
        let intent = self.intent.clone();
        blocking(move || match fs::read_to_string(&intent) {
            Ok(name) => Ok(SnapshotName::parse(&name)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("reading", &intent, &error)),
        })
        .await?
    }

    /// Takes the note away: the snapshot is kept, or gone.
    pub(super) async fn settle(&self) -> Result<()> {
        let Self { pool, intent, .. } = self.clone();
        blocking(move || {
            if remove(&intent)? {
                sync(&pool)?;
            }
            Ok(())
        })
        .await?
    }

    /// Gives the finished image its name, durably, for nobody else to read. It may have it already.
    pub(super) async fn publish(&self) -> Result<()> {
        self.ensure_pool().await?;
        let place = self.clone();
        blocking(move || place.publish_now()).await?
    }

    fn publish_now(&self) -> Result<()> {
        let Self {
            pool,
            image,
            partial,
            ..
        } = self;
        if !partial.exists() && image.exists() {
            return sync(pool);
        }
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(partial, private)
            .map_err(|error| failed("keeping others from", partial, &error))?;
        sync(partial)?;
        fs::rename(partial, image).map_err(|error| failed("renaming", partial, &error))?;
        sync(pool)
    }
}

/// A file beside the image, which is there while the image is changed. It stays when whoever changes the
/// image is killed, so that what was leaked then is looked for.
#[derive(Debug, Clone)]
pub(super) struct ChangeNote(PathBuf);

impl ChangeNote {
    /// Notes, durably, that the image is about to be changed.
    pub(super) async fn begin(&self) -> Result<Change> {
        let path = self.0.clone();
        let is_first = blocking(move || match File::create_new(&path) {
            Ok(_) => match path.parent() {
                Some(pool) => sync(pool).map(|()| true),
                None => Ok(true),
            },
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed("writing", &path, &error)),
        });
        Ok(Change {
            note: self.clone(),
            is_first: is_first.await??,
        })
    }

    /// Whether a change was begun, and nobody has seen its end.
    pub(super) async fn is_there(&self) -> Result<bool> {
        let path = self.0.clone();
        blocking(move || {
            let exists = path.try_exists();
            exists.map_err(|error| failed("looking for", &path, &error))
        })
        .await?
    }

    /// Takes the note away. Should it come back, the image is checked for nothing.
    pub(super) async fn remove(&self) -> Result<()> {
        let path = self.0.clone();
        blocking(move || remove(&path).map(drop)).await?
    }
}

/// A change of the image that was begun.
pub(super) struct Change {
    note: ChangeNote,
    /// Whether no other was before it. What an earlier one has leaked is still to be looked for.
    is_first: bool,
}

impl Change {
    /// It has come to its end, whatever came of it.
    pub(super) async fn end(self) -> Result<()> {
        if self.is_first {
            self.note.remove().await?;
        }
        Ok(())
    }
}

/// Removes a file, and says whether there was one.
fn remove(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("removing", path, &error)),
    }
}

/// Makes a file's content, or a directory's entries, durable.
fn sync(path: &Path) -> Result<()> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| failed("flushing", path, &error))
}

/// Whether nothing is there.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn no_pool() -> Failure {
    Failure::storage("The storage pool of the volume is not there.")
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::file(&format!("{doing} {}", path.display()), error)
}
