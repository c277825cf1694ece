//! The agent's directory: a lock that only one agent of a host can hold, and a place for sockets.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use uuid::Uuid;

/// A socket's path has to fit into 107 bytes, of which its own name takes up to 38.
const MAX_RUN_DIRECTORY: usize = 107 - 38;

/// Why an agent cannot use its directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another agent uses it.
    #[error("another agent works on this host already: {holder} holds {path}")]
    Locked {
        /// Who, as far as it can be told.
        holder: String,
        /// The lock's file.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("the agent's state in {path} cannot be used: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// Sockets cannot have paths of any length.
    #[error("the agent's state directory {path} has too long a path for sockets in it")]
    TooLong {
        /// The directory.
        path: PathBuf,
    },
}

/// The directory of a running agent. The lock ends with it, however the agent ends.
#[derive(Debug)]
pub struct StateDirectory {
    id: Uuid,
    run: PathBuf,
    _lock: File,
}

impl StateDirectory {
    /// Takes the directory for this process; creates it where it is missing.
    pub fn lock(path: &Path) -> Result<Self, Error> {
        create(path)?;
        let lock = take_lock(&path.join("lock"))?;
        let id = ensure_id(&path.join("id"))?;
        let run = path.join("run");
        if run.as_os_str().len() > MAX_RUN_DIRECTORY {
            return Err(Error::TooLong {
                path: path.to_owned(),
            });
        }
        // Nobody uses what a dead agent left there.
        match fs::remove_dir_all(&run) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&run, error)),
            _ => create(&run),
        }?;
        Ok(Self {
            id,
            run,
            _lock: lock,
        })
    }

    /// Tells this directory from others, also after a restart.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Where sockets lie.
    pub fn run(&self) -> &Path {
        &self.run
    }
}

/// The id in `path`; a new one, written there, where there is none that can be read.
fn ensure_id(path: &Path) -> Result<Uuid, Error> {
    let known = fs::read_to_string(path).ok();
    if let Some(id) = known.and_then(|text| text.trim().parse().ok()) {
        return Ok(id);
    }
    #[expect(clippy::disallowed_methods, reason = "the directory has no id yet")]
    let id = Uuid::now_v7();
    let written = path.with_extension("new");
    fs::write(&written, format!("{id}\n"))
        .and_then(|()| fs::rename(&written, path))
        .map_err(|error| failed(path, error))?;
    Ok(id)
}

fn take_lock(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    let mut file = file.map_err(|error| failed(path, error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            if file.read_to_string(&mut holder).is_err() || holder.trim().is_empty() {
                holder = "an unknown process".into();
            }
            return Err(Error::Locked {
                holder: holder.trim().into(),
                path: path.to_owned(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(failed(path, error)),
    }
    let holder = format!(
        "process {} (version {})\n",
        std::process::id(),
        env!("CARGO_PKG_VERSION")
    );
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(holder.as_bytes()));
    written.map_err(|error| failed(path, error))?;
    Ok(file)
}

fn create(directory: &Path) -> Result<(), Error> {
    let created = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    created.map_err(|error| failed(directory, error))
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_agents_cannot_share_a_host_and_the_second_learns_who_is_first() {
        let directory = tempfile::tempdir().unwrap();
        let first = StateDirectory::lock(directory.path()).unwrap();
        let error = StateDirectory::lock(directory.path()).unwrap_err();
        let pid = std::process::id().to_string();
        assert!(
            error.to_string().contains(&format!("process {pid} ")),
            "{error}"
        );
        drop(first);
        StateDirectory::lock(directory.path()).unwrap();
    }

    #[test]
    fn what_a_dead_agent_left_is_cleared() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDirectory::lock(directory.path()).unwrap();
        fs::write(state.run().join("old.sock"), b"").unwrap();
        drop(state);
        let state = StateDirectory::lock(directory.path()).unwrap();
        assert_eq!(fs::read_dir(state.run()).unwrap().count(), 0);
    }
}
