//! What an administrator sets up before customers come, through the API.

use std::fs;

use serde_json::{Value, json};

use super::{disk::MIB, machine::Machine};

pub const PASSWORD: &str = "correct horse battery staple";
/// Email, account, and whether it is an administrator.
pub const PEOPLE: [(&str, &str, bool); 3] = [
    ("admin@operations.example", "Operations", true),
    ("ana@harbour.example", "Harbour Books", false),
    ("ben@lighthouse.example", "Lighthouse Labs", false),
];

/// The ids of what was set up.
#[derive(Clone, Debug, Default)]
pub struct Platform {
    /// The directory of backups.
    pub storage: String,
    pub group: String,
    pub hypervisor: String,
    pub agent_token: String,
    /// For volumes of [`Size::PLAN`].
    pub plan: String,
    /// For volumes of [`Size::LARGE_PLAN`].
    pub large_plan: String,
}

/// How large volumes are.
pub struct Size;

impl Size {
    pub const PLAN: u64 = 64 * MIB;
    pub const LARGE_PLAN: u64 = 96 * MIB;
}

/// Sets up a group of one hypervisor with a pool, a backup storage and plans.
pub async fn set_up(machine: &Machine) -> Platform {
    let path = machine.path("backups");
    let local = json!({ "name": "here", "local": { "path": path } });
    let storage = create_backup_storage(machine, local).await;
    let group = json!({ "name": "one", "backupStorageId": storage });
    let group = create(machine, "HypervisorGroup", "hypervisorGroup { id }", group).await;
    let group = text(&group["hypervisorGroup"]["id"]);
    let pool = json!({ "path": machine.path("pool") });
    create_storage_pool(machine, &group, "qcow2File", pool).await;
    let host = json!({ "name": "host", "hypervisorGroupId": group });
    let fields = "enrolmentToken hypervisor { id }";
    let hypervisor = create(machine, "Hypervisor", fields, host).await;
    let agent_token = text(&hypervisor["enrolmentToken"]);
    fs::write(machine.path("agent.token"), &agent_token).unwrap();
    Platform {
        storage,
        group,
        hypervisor: text(&hypervisor["hypervisor"]["id"]),
        agent_token,
        plan: create_plan(machine, Size::PLAN, "QCOW2_FILE").await,
        large_plan: create_plan(machine, Size::LARGE_PLAN, "QCOW2_FILE").await,
    }
}

/// Makes a backup storage, and gives its id.
pub async fn create_backup_storage(machine: &Machine, input: Value) -> String {
    let made = create(machine, "BackupStorage", "backupStorage { id }", input).await;
    text(&made["backupStorage"]["id"])
}

/// Makes a pool of a kind.
pub async fn create_storage_pool(machine: &Machine, group: &str, kind: &str, pool: Value) {
    let input = json!({ "name": kind, "hypervisorGroupId": group, kind: pool });
    create(machine, "StoragePool", "storagePool { id }", input).await;
}

/// Makes a plan for volumes of a size, and gives its id.
pub async fn create_plan(machine: &Machine, size_bytes: u64, storage_type: &str) -> String {
    let input = json!({
        "name": format!("{} MiB on {storage_type}", size_bytes / MIB), "sizeBytes": size_bytes,
        "storageType": storage_type, "maxSnapshots": 50, "maxBackups": 50,
    });
    let made = create(machine, "VolumePlan", "plan { id }", input).await;
    text(&made["plan"]["id"])
}

async fn create(machine: &Machine, noun: &str, fields: &str, input: Value) -> Value {
    let query = format!(
        "mutation($input: Create{noun}Input!) {{ create{noun}(input: $input) {{ {fields} }} }}"
    );
    let mut made = machine.admin.data(&query, json!({ "input": input })).await;
    made[format!("create{noun}")].take()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
