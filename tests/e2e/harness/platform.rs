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
    pub group: String,
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
    let create = async |noun: &str, input: Value| {
        let query = format!(
            "mutation($input: Create{noun}Input!) {{ create{noun}(input: $input) {{ {} }} }}",
            match noun {
                "Hypervisor" => "enrolmentToken",
                "HypervisorGroup" => "hypervisorGroup { id }",
                "BackupStorage" => "backupStorage { id }",
                "StoragePool" => "storagePool { id }",
                _ => "plan { id }",
            }
        );
        let mut made = machine.admin.data(&query, json!({ "input": input })).await;
        made[format!("create{noun}")].take()
    };
    let path = machine.path("backups");
    let storage = create(
        "BackupStorage",
        json!({ "name": "here", "local": { "path": path } }),
    )
    .await;
    let storage = text(&storage["backupStorage"]["id"]);
    let group = create(
        "HypervisorGroup",
        json!({ "name": "one", "backupStorageId": storage }),
    )
    .await;
    let group = text(&group["hypervisorGroup"]["id"]);
    let path = machine.path("pool");
    create(
        "StoragePool",
        json!({ "name": "files", "hypervisorGroupId": group, "qcow2File": { "path": path } }),
    )
    .await;
    let hypervisor = create(
        "Hypervisor",
        json!({ "name": "host", "hypervisorGroupId": group }),
    )
    .await;
    let agent_token = text(&hypervisor["enrolmentToken"]);
    fs::write(machine.path("agent.token"), &agent_token).unwrap();
    let mut plans = Vec::new();
    for size in [Size::PLAN, Size::LARGE_PLAN] {
        let plan = create(
            "VolumePlan",
            json!({
                "name": format!("{} MiB", size / MIB), "sizeBytes": size, "storageType": "QCOW2_FILE",
                "maxSnapshots": 50, "maxBackups": 50,
            }),
        )
        .await;
        plans.push(text(&plan["plan"]["id"]));
    }
    Platform {
        group,
        agent_token,
        large_plan: plans.pop().unwrap(),
        plan: plans.pop().unwrap(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
