//! Where volumes and backups lie, as agents are told: with the secrets that they need there.

use async_graphql::{Enum, ID, Object, SimpleObject};
use storage::{Destination, NfsExport, S3Bucket, Secret};

use crate::{
    domain::{backup_storage, place_mark::Mark, storage_pool},
    graphql::{scalar::ByteCount, visible},
};

/// How much is known of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "storage::Standing", visible = "visible::to_agents")]
pub enum AgentPlaceStanding {
    /// Nobody has seen it marked.
    New,
    /// An administrator has said that what is there now is right.
    Accepted,
    /// Its marker was seen, and has to be there.
    Marked,
}

/// What has to be found in a place before anything is written, deleted or believed to be gone there:
/// `.tidemark/owner.json` with these values, a file or, in a Ceph pool, an object.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentMark {
    /// The installation that the place belongs to.
    pub installation_id: ID,
    /// The storage pool or the backup storage.
    pub place_id: ID,
    /// The hypervisor whose own it is; null where several share it.
    pub hypervisor_id: Option<ID>,
    /// Rises each time that an administrator accepts another disk in its stead.
    pub generation: i32,
    /// How much is known of it. A marked one is never marked again.
    pub standing: AgentPlaceStanding,
    /// Of a new one: the paths of some of what lies there for certain. Any of them proves that it is the one; without
    /// any it has to be empty.
    pub witnesses: Vec<String>,
    /// Whether to report by `agentReportPlace` that all is well, too.
    pub is_asked: bool,
}

impl AgentMark {
    fn of(mark: &Mark) -> Self {
        let expected = &mark.expected;
        let marker = &expected.marker;
        Self {
            installation_id: marker.installation_id.into(),
            place_id: marker.place_id.into(),
            hypervisor_id: marker.hypervisor_id.map(ID::from),
            generation: mark.generation(),
            standing: expected.standing.into(),
            witnesses: expected.witnesses.iter().map(ToString::to_string).collect(),
            is_asked: mark.is_asked,
        }
    }
}

/// Where a volume lies: exactly one of the kinds is there.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentPool {
    /// Its id.
    pub id: ID,
    /// What it is called.
    pub name: String,
    /// What has to be found there.
    pub mark: Option<AgentMark>,
    /// Of a pool of qcow2 files.
    pub qcow2_file: Option<AgentQcow2FilePool>,
    /// Of a Ceph pool.
    pub ceph_rbd: Option<AgentCephRbdPool>,
}

impl AgentPool {
    /// A pool, as agents need to know it.
    pub fn of(access: &storage_pool::Access) -> Self {
        let pool = &access.pool;
        let path = pool.path.clone();
        let ceph = pool.rbd_pool.clone().zip(pool.rbd_user.clone());
        Self {
            id: pool.id.into(),
            name: pool.name.clone(),
            mark: Some(AgentMark::of(&access.mark)),
            qcow2_file: path.map(|path| AgentQcow2FilePool { path }),
            ceph_rbd: ceph.map(|(name, user)| AgentCephRbdPool {
                pool: name,
                user,
                config_path: pool.rbd_config_path.clone(),
                keyring: access.keyring.clone(),
            }),
        }
    }
}

/// A directory of qcow2 files.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentQcow2FilePool {
    /// The directory.
    pub path: String,
}

/// A pool of RBD images.
#[derive(Clone, Debug)]
pub struct AgentCephRbdPool {
    pool: String,
    user: String,
    config_path: Option<String>,
    keyring: Option<Secret>,
}

/// A pool of RBD images, and who the agent is there.
#[Object(visible = "visible::to_agents")]
impl AgentCephRbdPool {
    /// Its name in the cluster.
    async fn pool(&self) -> &str {
        &self.pool
    }

    /// The user, without "client." before it.
    async fn user(&self) -> &str {
        &self.user
    }

    /// The cluster's configuration file; Ceph's own default if null.
    async fn config_path(&self) -> Option<&str> {
        self.config_path.as_deref()
    }

    /// The user's key, bare or as a keyring file has it; the hypervisor has it if null.
    async fn keyring(&self) -> Option<&str> {
        self.keyring.as_ref().map(Secret::expose)
    }
}

/// Where backups are written to: exactly one of the kinds is there.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentDestination {
    /// Its id.
    pub id: ID,
    /// What it is called.
    pub name: String,
    /// What has to be found there; null where there is nothing to be found.
    pub mark: Option<AgentMark>,
    /// Of a bucket.
    pub s3: Option<AgentS3Destination>,
    /// Of an NFS export.
    pub nfs: Option<AgentNfsDestination>,
    /// Of a local directory.
    pub local: Option<AgentLocalDestination>,
    /// How many bytes a second this agent may write there and read from there; null for any.
    pub bandwidth_limit: Option<ByteCount>,
}

impl AgentDestination {
    /// A backup storage, as agents need to know it.
    pub fn of(access: &backup_storage::Access) -> Self {
        let storage = &access.storage;
        let mut told = Self {
            id: storage.id.into(),
            name: storage.name.clone(),
            mark: access.mark.as_ref().map(AgentMark::of),
            s3: None,
            nfs: None,
            local: None,
            bandwidth_limit: storage.bandwidth_limit.map(ByteCount),
        };
        match &access.destination {
            Destination::S3(bucket) => told.s3 = Some(AgentS3Destination(bucket.clone())),
            Destination::Nfs(export) => told.nfs = Some(AgentNfsDestination(export.clone())),
            Destination::Local { path } => {
                told.local = Some(AgentLocalDestination {
                    path: path.display().to_string(),
                });
            }
        }
        told
    }
}

/// A bucket of an S3-compatible store.
#[derive(Clone, Debug)]
pub struct AgentS3Destination(S3Bucket);

/// A bucket of an S3-compatible store, and the key to it.
#[Object(visible = "visible::to_agents")]
impl AgentS3Destination {
    /// The store's URL; that of AWS in the region if null.
    async fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// The region.
    async fn region(&self) -> &str {
        &self.0.region
    }

    /// The bucket.
    async fn bucket(&self) -> &str {
        &self.0.bucket
    }

    /// What the keys begin with.
    async fn prefix(&self) -> Option<&str> {
        self.0.prefix.as_deref()
    }

    /// The access key's id.
    async fn access_key_id(&self) -> &str {
        &self.0.access_key_id
    }

    /// The access key's secret.
    async fn secret_access_key(&self) -> &str {
        self.0.secret_access_key.expose()
    }

    /// Whether the bucket stands in the path; what the endpoint is likely to want if null.
    async fn force_path_style(&self) -> Option<bool> {
        self.0.force_path_style
    }
}

/// A directory of an NFS export.
#[derive(Clone, Debug)]
pub struct AgentNfsDestination(NfsExport);

/// A directory of an NFS export.
#[Object(visible = "visible::to_agents")]
impl AgentNfsDestination {
    /// The server's name or address, with its port where that is not 2049.
    async fn server(&self) -> &str {
        &self.0.server
    }

    /// The export.
    async fn export(&self) -> &str {
        &self.0.export
    }

    /// The directory in it.
    async fn directory(&self) -> Option<&str> {
        self.0.directory.as_deref()
    }
}

/// A local directory.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(visible = "visible::to_agents")]
pub struct AgentLocalDestination {
    /// The directory.
    pub path: String,
}
