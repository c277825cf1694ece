//! The destinations of backups: a bucket, an NFS export and a directory.

use std::fs;

use serde_json::{Value, json};
use testbed::{Ceph, Ganesha, Rgw};

use super::{MIB, machine::Machine, platform::create_backup_storage, request::Accepted};

/// Bytes a second at which a volume takes long to be backed up.
pub const SLOW: u64 = 4 * MIB;

/// Where backups go, all in real services.
pub struct Destinations {
    pub ceph: Ceph,
    pub rgw: Rgw,
    pub ganesha: Ganesha,
}

impl Destinations {
    /// Starts the services, if they are installed.
    pub async fn start() -> Option<Self> {
        let ganesha = Ganesha::start().await?;
        let ceph = Ceph::start().await?;
        let rgw = Rgw::start(&ceph).await;
        Some(Self { ceph, rgw, ganesha })
    }

    /// Makes a backup storage of each on a machine, which has that of the directory.
    pub async fn set_up(&self, machine: &Machine) -> [String; 3] {
        let export = json!({ "name": "export", "nfs": {
            "server": self.ganesha.server, "export": self.ganesha.export,
        } });
        [
            create_backup_storage(machine, bucket(&self.rgw, None)).await,
            create_backup_storage(machine, export).await,
            machine.platform.storage.clone(),
        ]
    }

    /// The objects in the bucket and the files in the export, by their names below `volumes`.
    pub fn objects(&self) -> [Vec<String>; 2] {
        let volumes = self.ganesha.directory.join("volumes");
        let _ = fs::create_dir(&volumes);
        let bucket = format!(":s3:{}/volumes", self.rgw.bucket);
        [bucket.as_str(), volumes.to_str().unwrap()].map(|place| {
            let listed = self
                .rgw
                .rclone(&["lsf", "--recursive", "--files-only", place]);
            let mut names = listed.lines().map(str::to_owned).collect::<Vec<_>>();
            names.sort();
            names
        })
    }
}

/// The backup storage that a store's bucket is, or a prefix in it.
pub fn bucket(rgw: &Rgw, prefix: Option<&str>) -> Value {
    json!({ "name": "bucket", "s3": {
        "endpoint": rgw.endpoint, "region": "us-east-1", "bucket": rgw.bucket, "prefix": prefix,
        "accessKeyId": rgw.access_key_id, "secretAccessKey": rgw.secret_access_key,
    } })
}

impl Machine {
    /// Makes a backup storage the one that the group's new backups go to.
    /// Has the backup storage take so many bytes a second from operations that begin from now on, so
    /// that they can be met in the middle of their work; none for as many as it can.
    pub async fn pace_backups(&self, bytes_per_second: Option<u64>) {
        self.pace(&self.platform.storage, bytes_per_second).await;
    }

    /// [`pace_backups`](Self::pace_backups), for any backup storage.
    pub async fn pace(&self, storage: &str, bytes_per_second: Option<u64>) {
        let update = "mutation($input: UpdateBackupStorageInput!) {
            updateBackupStorage(input: $input) { backupStorage { id } } }";
        let input = json!({ "backupStorageId": storage, "bandwidthLimit": bytes_per_second });
        self.admin.data(update, json!({ "input": input })).await;
    }

    /// Backs a volume up, so slowly that the backup is not done for long after it has been met in the
    /// middle of its work, which it is now. Whatever begins later is quick again.
    pub async fn back_up_slowly(&self, volume: &str) -> Accepted {
        self.pace_backups(Some(SLOW)).await;
        let backup = self.request().create_backup(volume).await;
        self.request().moved(&backup, SLOW).await;
        self.pace_backups(None).await;
        backup
    }

    pub async fn back_up_to(&self, storage: &str) {
        let update = "mutation($input: UpdateHypervisorGroupInput!) {
            updateHypervisorGroup(input: $input) { hypervisorGroup { id } } }";
        let input = json!({ "hypervisorGroupId": self.platform.group, "backupStorageId": storage });
        self.admin.data(update, json!({ "input": input })).await;
    }
}
