//! Lists read of their rows what is asked for: a field answers the same alone as beside all others.

use entity::{operation::OperationKind, snapshot::ItemStatus, volume::DataState};
use sea_orm::Set;
use serde_json::{Value, json};

use crate::harness::{Tenant, World, on_each_database};

/// The fields of a type that need no arguments, each as it is selected.
async fn fields(world: &World, by: &Tenant, noun: &str) -> Vec<(String, String)> {
    let document = "query($noun: String!) { __type(name: $noun) { fields {
        name args { name } type { kind ofType { kind } } } } }";
    let told = world.data_with(&by.requester, document, json!({ "noun": noun }));
    let told = told.await["__type"]["fields"].take();
    let fields = told.as_array().unwrap().iter();
    fields
        .map(|field| {
            let name = field["name"].as_str().unwrap();
            let kinds = [&field["type"]["kind"], &field["type"]["ofType"]["kind"]];
            let is_leaf = !kinds.iter().any(|kind| **kind == "OBJECT");
            let below = if is_leaf { "" } else { " { __typename }" };
            (name.to_owned(), format!("{name}{below}"))
        })
        .collect()
}

/// The rows in a list of `nodes` somewhere in `data`.
fn rows<'a>(data: &'a Value, list: &str) -> &'a [Value] {
    let list = data
        .pointer(list)
        .unwrap_or_else(|| panic!("{list}: {data}"));
    list.as_array().unwrap()
}

/// A customer of whose rows no column has the value that stands where nothing was read.
async fn furnish(world: &World) -> Tenant {
    let alice = world.tenant("alice").await;
    let instance = world.instance(&alice, |_| {}).await;
    let volume = world
        .volume(&alice, |row| {
            row.name = Set("database".to_owned());
            row.instance_id = Set(Some(instance.id));
            row.data_state = Set(DataState::Consistent);
            row.last_backup_at = Set(world.now());
        })
        .await;
    let restored = OperationKind::RestoreInPlace;
    let operation = world.operation(&volume, restored, |_| {}).await;
    let volume = world
        .change(volume, |row| {
            row.active_operation = Set(Some(restored));
            row.active_operation_id = Set(Some(operation.id));
        })
        .await;
    world.volume(&alice, |_| {}).await;
    world
        .snapshot(&volume, |row| {
            row.retained_bytes = Set(7);
            row.failure = Set(Some("it broke".to_owned()));
            row.status = Set(ItemStatus::Failed);
        })
        .await;
    world
        .backup(&volume, |row| {
            row.verified_at = Set(Some(world.now()));
            row.verified_ok = Set(Some(false));
            row.verification_message = Set(Some("frame 3".to_owned()));
            row.failure = Set(Some("it broke".to_owned()));
            row.status = Set(ItemStatus::Deleting);
        })
        .await;
    alice
}

/// Asks for each field of the rows of `list` alone, and for all of them, in each way that rows can be asked for.
async fn compare(world: &World, by: &Tenant, (noun, list): (&str, &str), place: &str) {
    let fields = fields(world, by, noun).await;
    let wrapped = |below: &str| match list.split_once('/') {
        None => format!("{{ {list} {{ {below} }} }}"),
        Some((above, list)) => format!("{{ {above} {{ nodes {{ {list} {{ {below} }} }} }} }}"),
    };
    let all: Vec<_> = fields.iter().map(|(_, field)| field.as_str()).collect();
    let document = wrapped(&format!("nodes {{ {} }}", all.join(" ")));
    let data = world.data(&by.requester, &document).await;
    let together = rows(&data, &format!("{place}/nodes"));
    assert!(!together.is_empty(), "{noun}");
    for (name, field) in &fields {
        let edges = format!("pageInfo {{ endCursor }} edges {{ cursor node {{ {field} }} }}");
        let documents = [
            (wrapped(&format!("nodes {{ {field} }}")), "nodes", ""),
            (wrapped(&edges), "edges", "/node"),
            (
                wrapped("nodes { ...asked }") + &format!(" fragment asked on {noun} {{ {field} }}"),
                "nodes",
                "",
            ),
        ];
        for (document, rows_at, below) in documents {
            let data = world.data(&by.requester, &document).await;
            let alone = rows(&data, &format!("{place}/{rows_at}"));
            assert_eq!(alone.len(), together.len(), "{document}");
            for (alone, together) in alone.iter().zip(together) {
                let alone = alone.pointer(below).unwrap();
                assert_eq!(alone[name], together[name], "{document}");
            }
        }
    }
}

#[tokio::test]
async fn a_field_of_a_listed_row_answers_the_same_alone_as_beside_all_others() {
    on_each_database(async |world| {
        let alice = furnish(&world).await;
        for (of, place) in [
            (("Volume", "volumes"), "/volumes"),
            (("Snapshot", "snapshots"), "/snapshots"),
            (("Backup", "backups"), "/backups"),
            (
                ("Snapshot", "volumes/snapshots"),
                "/volumes/nodes/1/snapshots",
            ),
            (("Backup", "volumes/backups"), "/volumes/nodes/1/backups"),
        ] {
            compare(&world, &alice, of, place).await;
        }
    })
    .await;
}
