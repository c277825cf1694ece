//! Other places than the platform's, and inputs that name it.

use entity::{
    BackupStorageId, HypervisorGroupId, StoragePoolId, hypervisor_group, storage_pool,
    volume_plan::{self, StorageType},
};
use sea_orm::{ActiveModelTrait, Set};
use serde_json::{Value, json};
use tidemark::domain::Requester;

use super::{World, document, id};

/// A bucket as an administrator types it, but for its secret.
pub fn s3() -> Value {
    json!({
        "endpoint": "https://s3.example.test/", "region": "eu-1", "bucket": "backups",
        "prefix": "site/a", "accessKeyId": "AKIDEXAMPLE", "forcePathStyle": true,
    })
}

impl World {
    /// The input of a volume on the platform.
    pub fn new_volume(&self, name: &str) -> Value {
        json!({
            "name": name,
            "planId": self.platform.plan.id.to_string(),
            "hypervisorGroupId": self.platform.group.id.to_string(),
        })
    }

    /// A bucket that an administrator makes through the API, with this secret.
    pub async fn bucket(&self, admin: &Requester, name: &str, secret: &str) -> BackupStorageId {
        let mut s3 = s3();
        s3["secretAccessKey"] = secret.into();
        self.backup_storage(admin, json!({ "name": name, "s3": s3 }))
            .await
    }

    /// A backup storage that an administrator makes through the API.
    pub async fn backup_storage(&self, admin: &Requester, input: Value) -> BackupStorageId {
        let document = document("createBackupStorage", "backupStorage { id }");
        let data = self
            .data_with(admin, &document, json!({ "input": input }))
            .await;
        id(&data["createBackupStorage"]["backupStorage"])
    }

    /// Backups go there from now on.
    pub async fn back_up_to(&self, admin: &Requester, storage: BackupStorageId) {
        let group = json!({
            "hypervisorGroupId": self.platform.group.id.to_string(),
            "backupStorageId": storage.to_string(),
        });
        self.run(admin, "updateHypervisorGroup", group).await;
    }

    /// A Ceph pool that an administrator adds to the platform through the API, and a plan for it.
    pub async fn ceph(
        &self,
        admin: &Requester,
        keyring: Option<&str>,
    ) -> (StoragePoolId, volume_plan::Model) {
        let ceph = json!({
            "pool": "rbd", "user": "client.tidemark", "configPath": "/etc/ceph/site.conf",
            "keyring": keyring,
        });
        let input = json!({
            "hypervisorGroupId": self.platform.group.id.to_string(), "name": "rbd", "cephRbd": ceph,
        });
        let document = document("createStoragePool", "storagePool { id }");
        let data = self
            .data_with(admin, &document, json!({ "input": input }))
            .await;
        let plan = self
            .plan(|row| row.storage_type = Set(StorageType::CephRbd))
            .await;
        (id(&data["createStoragePool"]["storagePool"]), plan)
    }

    /// Another group, with a hypervisor and a pool of its own.
    pub async fn elsewhere(&self, name: &str) -> hypervisor_group::Model {
        let db = self.app.database.writes();
        let mut group = hypervisor_group::ActiveModel::from(self.platform.group.clone());
        group.id = Set(self.app.ids.next(HypervisorGroupId::from_uuid));
        group.name = Set(name.to_owned());
        let group = group.reset_all().insert(db).await.unwrap();
        let mut pool = storage_pool::ActiveModel::from(self.platform.pool.clone());
        pool.id = Set(self.app.ids.next(StoragePoolId::from_uuid));
        pool.group_id = Set(group.id);
        pool.reset_all().insert(db).await.unwrap();
        self.hypervisor(|row| {
            row.group_id = Set(group.id);
            row.name = Set(format!("{name}-host"));
        })
        .await;
        group
    }
}
