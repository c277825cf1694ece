//! Who we are in the cluster: a configuration for the tools, and a keyring where we were given one.
//!
//! Both lie in a directory of the operation's own that only we can read, so that no key is ever an
//! argument. It goes with the driver, or, after a crash, with all else in the agent's directory when
//! that is taken again.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use storage::Secret;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{CephPool, blocking};
use crate::driver::{Failure, Result};

const DEFAULT_CONFIGURATION: &str = "/etc/ceph/ceph.conf";

/// How long a cluster is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// For questions and short changes: a dead cluster is to be noticed soon.
    Short,
    /// For what must not be lost for nothing once it runs: long enough for a cluster to notice that
    /// a part of it is dead, 20 seconds by default, and to go on without it.
    Long,
}

impl Patience {
    /// Settings that Ceph's clients do without by default, so that they wait for ever or nearly so.
    fn settings(self) -> String {
        let (connect, operation) = match self {
            Self::Short => (5, 10),
            Self::Long => (30, 30),
        };
        format!(
            "[global]\n\
             client_mount_timeout = {connect}\n\
             rados_mon_op_timeout = {connect}\n\
             rados_osd_op_timeout = {operation}\n"
        )
    }
}

/// The way into a cluster.
pub(super) struct Access {
    pool: CephPool,
    run_directory: PathBuf,
    files: OnceCell<Files>,
}

impl Access {
    pub(super) fn new(pool: CephPool, run_directory: PathBuf) -> Result<Self> {
        check_name("pool", &pool.pool)?;
        check_name("user", &pool.user)?;
        Ok(Self {
            pool,
            run_directory,
            files: OnceCell::new(),
        })
    }

    pub(super) fn pool(&self) -> &str {
        &self.pool.pool
    }

    pub(super) fn user(&self) -> &str {
        &self.pool.user
    }

    /// The configuration to give to a tool.
    pub(super) async fn configuration(&self, patience: Patience) -> Result<&Path> {
        let files = self.files.get_or_try_init(|| async {
            let (pool, run_directory) = (self.pool.clone(), self.run_directory.clone());
            blocking(move || Files::write(&pool, &run_directory)).await?
        });
        let files = files.await?;
        Ok(match patience {
            Patience::Short => &files.short,
            Patience::Long => &files.long,
        })
    }
}

/// Names come from an administrator; what the tools would take for something else is refused.
fn check_name(what: &str, name: &str) -> Result<()> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !name.is_empty() && !name.starts_with('-') && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(not_set_up().because(format!("{name:?} is no name of a Ceph {what}")))
}

fn not_set_up() -> Failure {
    Failure::storage("The storage pool is not set up correctly.")
}

/// The files, which go with their owner.
struct Files {
    directory: PathBuf,
    short: PathBuf,
    long: PathBuf,
}

impl Files {
    fn write(pool: &CephPool, run_directory: &Path) -> Result<Self> {
        let source = pool.config_path.as_deref();
        let source = source.unwrap_or(Path::new(DEFAULT_CONFIGURATION));
        let operator = fs::read_to_string(source)
            .map_err(|error| not_set_up().because(format!("{}: {error}", source.display())))?;
        // Ceph makes the cluster's name of the file's, and names of keyrings of that.
        let name = source.file_name().unwrap_or("ceph.conf".as_ref());
        #[expect(
            clippy::disallowed_methods,
            reason = "a name that nobody else has, seen by nobody"
        )]
        let directory = run_directory.join(Uuid::now_v7().simple().to_string());
        let files = Self {
            short: directory.join("short").join(name),
            long: directory.join("long").join(name),
            directory,
        };
        files.fill(pool, &operator).map_err(|error| {
            let directory = files.directory.display();
            Failure::storage("The agent failed.").because(format!("{directory}: {error}"))
        })?;
        Ok(files)
    }

    fn fill(&self, pool: &CephPool, operator: &str) -> io::Result<()> {
        let keyring = self.directory.join("keyring");
        let ours = pool.keyring.as_ref().map(|_| keyring.as_path());
        for (path, patience) in [(&self.short, Patience::Short), (&self.long, Patience::Long)] {
            if let Some(parent) = path.parent() {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(parent)?;
            }
            let text = configuration(patience, operator, &pool.user, ours);
            write_private(path, text.as_bytes())?;
        }
        match &pool.keyring {
            Some(secret) => write_private(&keyring, keyring_text(&pool.user, secret).as_bytes()),
            None => Ok(()),
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.directory)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.directory.display(), %error, "a directory stays");
        }
    }
}

/// The operator's configuration between what it may change, and what it may not. In a section, the
/// last setting of a kind counts.
fn configuration(patience: Patience, operator: &str, user: &str, keyring: Option<&Path>) -> String {
    let mut text = patience.settings();
    text.push_str(operator);
    if let Some(keyring) = keyring {
        let keyring = keyring.display().to_string();
        text.extend(["\n[client.", user, "]\nkeyring = ", &keyring, "\n"]);
    }
    text
}

/// A keyring as Ceph writes it; of a key alone one is made.
fn keyring_text(user: &str, secret: &Secret) -> String {
    let text = secret.expose().trim();
    if text.contains('[') {
        format!("{text}\n")
    } else {
        format!("[client.{user}]\n\tkey = {text}\n")
    }
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn pool(config_path: PathBuf, keyring: Option<&str>) -> CephPool {
        CephPool {
            pool: "volumes".into(),
            user: "tidemark".into(),
            config_path: Some(config_path),
            keyring: keyring.map(Secret::new),
        }
    }

    #[test]
    fn a_keyring_is_ours_alone_and_goes_with_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("west.conf");
        fs::write(&source, "[global]\nmon_host = ::1").unwrap();
        let files = Files::write(&pool(source, Some("AQkey==")), directory.path()).unwrap();
        assert_eq!(files.short.file_name().unwrap(), "west.conf");
        let keyring = files.directory.join("keyring");
        assert_eq!(
            fs::read_to_string(&keyring).unwrap(),
            "[client.tidemark]\n\tkey = AQkey==\n"
        );
        for path in [&keyring, &files.short, &files.long] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let mode = files.directory.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let left = files.directory.clone();
        drop(files);
        assert!(!left.exists());
    }

    #[test]
    fn the_operators_settings_win_over_our_time_outs_and_not_over_the_key() {
        let operator = "[global]\nrados_osd_op_timeout = 120";
        let keyring = Some(Path::new("/run/keyring"));
        let text = configuration(Patience::Short, operator, "tidemark", keyring);
        let (ours, theirs) = (text.find("= 10"), text.find("= 120"));
        assert!(ours.unwrap() < theirs.unwrap());
        assert!(text.ends_with("= 120\n[client.tidemark]\nkeyring = /run/keyring\n"));
        let text = configuration(Patience::Long, operator, "tidemark", None);
        assert!(text.ends_with(operator), "the host's own keyring counts");
    }

    #[test]
    fn a_whole_keyring_is_taken_as_it_is() {
        let text = "[client.tidemark]\n\tkey = AQkey==\n";
        assert_eq!(keyring_text("tidemark", &Secret::new(text)), text);
    }

    #[test]
    fn names_that_the_tools_would_misread_are_refused() {
        for name in ["", "-p", "a/b", "a@b", "a b", "a\n[global]", "a,b"] {
            assert!(check_name("pool", name).is_err(), "{name:?}");
        }
        check_name("pool", "ssd-volumes.1").unwrap();
    }
}
