//! A pool as a place: its marker is an object in it, and what lies there are images.
//!
//! Other images than ours may lie there, too: a pool is unused if none looks like a volume.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use storage::{Error, ObjectPath, Place, Result};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{
    CephPool, HELD_PREFIX, PARTIAL_PREFIX,
    access::Access,
    command::{Attempt, Command},
    defect::{Defect, Kind},
};
use crate::driver::{self, Failure, Surroundings};

/// A pool in a Ceph cluster, which is to prove that it is the one that is meant.
pub struct CephPlace {
    command: Command,
    /// The volumes in it, by the images that there are of them.
    volumes: OnceCell<Vec<String>>,
    failure: Mutex<Option<Failure>>,
}

impl CephPlace {
    /// The pool, as whoever we are there sees it.
    pub fn new(pool: &CephPool, surroundings: Surroundings) -> driver::Result<Self> {
        let access = Access::new(pool.clone(), surroundings.run_directory.clone())?;
        Ok(Self {
            command: Command::new(access, surroundings),
            volumes: OnceCell::new(),
            failure: Mutex::default(),
        })
    }

    /// Why nothing could be found out, as operations say it.
    pub fn into_failure(self) -> Option<Failure> {
        let failure = self.failure.into_inner();
        failure.unwrap_or_else(PoisonError::into_inner)
    }

    fn understood<T>(&self, doing: &str, attempt: Attempt<T>) -> Result<T> {
        let defect = match attempt {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(defect)) => defect,
            Err(failure) => return Err(self.failed(Kind::Other, doing, failure)),
        };
        Err(self.failed(defect.kind, doing, defect.into()))
    }

    /// Keeps the words for operations, and says what a place says.
    fn failed(&self, kind: Kind, doing: &str, failure: Failure) -> Error {
        let doing = doing.to_owned();
        let reason = failure.to_string();
        let mut kept = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(failure);
        match kind {
            Kind::Silent => Error::Transient { reason },
            Kind::Full => Error::Full { doing },
            Kind::Denied => Error::Permission { doing },
            _ => Error::Unreachable { reason },
        }
    }

    async fn volumes(&self) -> Result<&[String]> {
        let volumes = self.volumes.get_or_try_init(|| async {
            let names = self.understood("listing images", self.command.directory().await)?;
            let volumes = names.into_iter().filter_map(|name| {
                let id = name.strip_prefix(PARTIAL_PREFIX).unwrap_or(&name);
                let id = id.strip_prefix(HELD_PREFIX).unwrap_or(id);
                Uuid::try_parse(id).is_ok().then(|| id.to_owned())
            });
            Ok(volumes.collect())
        });
        volumes.await.map(Vec::as_slice)
    }
}

#[async_trait]
impl Place for CephPlace {
    async fn read_marker(&self, limit: u64) -> Result<Bytes> {
        let path = ObjectPath::marker();
        let content = match self.command.read_object(&path.to_string()).await {
            Ok(Err(Defect {
                kind: Kind::NoImage,
                ..
            })) => return Err(Error::NotFound { path }),
            attempt => self.understood("reading the marker", attempt)?,
        };
        let size = content.len() as u64;
        if size > limit {
            let end = limit;
            return Err(Error::OutOfRange { path, size, end });
        }
        Ok(content.into())
    }

    async fn write_marker(&self, content: Bytes) -> Result<()> {
        let path = ObjectPath::marker().to_string();
        let doing = "writing the marker";
        let written = match self.command.make_trash().await {
            Ok(Ok(())) => self.command.write_object(&path, content.to_vec()).await,
            refused => refused,
        };
        match self.understood(doing, written) {
            // It was read a moment ago: in a full pool changes wait.
            Err(Error::Transient { .. }) => Err(Error::Full {
                doing: doing.into(),
            }),
            written => written,
        }
    }

    async fn is_unused(&self) -> Result<bool> {
        Ok(self.volumes().await?.is_empty())
    }

    async fn holds(&self, witness: &ObjectPath) -> Result<bool> {
        let witness = witness.to_string();
        Ok(self.volumes().await?.contains(&witness))
    }

    fn suspicion(&self) -> &'static str {
        "the configuration may lead to another cluster, or the pool was made anew under its name. Have it lead to \
         the right one"
    }
}
