//! The services that a site needs: started for it, and gone with it.

use std::path::Path;

use storage::{Destination, NfsExport, S3Bucket, Secret};
use testbed::{Ceph, Ganesha, Rgw};
use tidemark_agent::operation::{CephPool, Pool};

use crate::choice::{Source, Target};

/// The user that we are in the cluster; the others are its administrator.
const USER: &str = "tidemark";

/// Where volumes and backups lie. Nothing but a directory has a service.
pub struct Services {
    // In this order: the cluster outlives its gateway.
    rgw: Option<Rgw>,
    ceph: Option<Ceph>,
    ganesha: Option<Ganesha>,
}

impl Services {
    /// Starts what is needed, if it is installed. An NFS export is the directory `export`.
    pub async fn start(source: Source, target: Target, export: &Path) -> Option<Self> {
        let mut services = Self {
            rgw: None,
            ceph: None,
            ganesha: None,
        };
        if source == Source::Ceph || target == Target::S3 {
            let ceph = Ceph::start().await?;
            if target == Target::S3 {
                services.rgw = Some(Rgw::start(&ceph).await);
            }
            services.ceph = Some(ceph);
        }
        if target == Target::Nfs {
            services.ganesha = Some(Ganesha::exporting(export).await?);
        }
        Some(services)
    }

    /// The cluster's pool, as an agent uses it.
    pub fn pool(&self) -> Option<Pool> {
        let ceph = self.ceph.as_ref()?;
        Some(Pool::CephRbd(CephPool {
            pool: ceph.pool().into(),
            user: USER.into(),
            config_path: Some(ceph.conf().into()),
            keyring: Some(Secret::new(ceph.user(USER, ceph.pool()))),
        }))
    }

    /// The bucket or the export, if there is one.
    pub fn destination(&self) -> Option<Destination> {
        if let Some(rgw) = &self.rgw {
            return Some(Destination::S3(S3Bucket {
                endpoint: Some(rgw.endpoint.clone()),
                region: "us-east-1".into(),
                bucket: rgw.bucket.clone(),
                prefix: None,
                access_key_id: rgw.access_key_id.clone(),
                secret_access_key: Secret::new(rgw.secret_access_key.clone()),
                force_path_style: None,
            }));
        }
        let ganesha = self.ganesha.as_ref()?;
        Some(Destination::Nfs(NfsExport {
            server: ganesha.server.clone(),
            export: ganesha.export.clone(),
            directory: None,
        }))
    }

    /// Frees the memory of objects that were deleted, which the store would do in some hours.
    pub fn forget_deleted(&self) {
        if let (Some(rgw), Some(ceph)) = (&self.rgw, &self.ceph) {
            rgw.forget_deleted(ceph);
        }
    }

    /// What other tools find the services by.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("RCLONE_CONFIG", String::new())];
        if let Some(ceph) = &self.ceph {
            variables.push(("CEPH_CONF", ceph.conf().display().to_string()));
            variables.push(("POOL", ceph.pool().into()));
        }
        if let Some(rgw) = &self.rgw {
            variables.extend([
                ("BUCKET", format!(":s3:{}", rgw.bucket)),
                ("RCLONE_S3_PROVIDER", "Ceph".into()),
                ("RCLONE_S3_ENDPOINT", rgw.endpoint.clone()),
                ("RCLONE_S3_ACCESS_KEY_ID", rgw.access_key_id.clone()),
                ("RCLONE_S3_SECRET_ACCESS_KEY", rgw.secret_access_key.clone()),
                (
                    "RESTIC_BUCKET",
                    format!("s3:{}/{}", rgw.endpoint, rgw.bucket),
                ),
                ("AWS_ACCESS_KEY_ID", rgw.access_key_id.clone()),
                ("AWS_SECRET_ACCESS_KEY", rgw.secret_access_key.clone()),
            ]);
        }
        variables
    }
}
