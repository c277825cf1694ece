//! Other places than the platform's, and inputs that name it.

use entity::{HypervisorGroupId, StoragePoolId, hypervisor_group, storage_pool};
use sea_orm::{ActiveModelTrait, Set};
use serde_json::{Value, json};

use super::World;

impl World {
    /// The input of a volume on the platform.
    pub fn new_volume(&self, name: &str) -> Value {
        json!({
            "name": name,
            "planId": self.platform.plan.id.to_string(),
            "hypervisorGroupId": self.platform.group.id.to_string(),
        })
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
