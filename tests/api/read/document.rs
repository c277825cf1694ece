//! Documents are validated in full before anything is done, and carried out as the specification has it.

use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::harness::on_each_database;

#[tokio::test]
async fn what_the_specification_refuses_is_refused_before_anything_is_done() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for (document, variables) in [
            // Two things under one name, at any depth.
            ("{ volumes { nodes { id: name id } } }", json!({})),
            (
                "{ volumes { nodes { plan { id } } } volumes { nodes { plan { id: name } } } }",
                json!({}),
            ),
            ("{ a: volumes(first: 1) { totalCount } a: volumes(first: 2) { totalCount } }", json!({})),
            // Fields of inputs.
            (
                "{ volumes(filter: { nameContains: \"a\", nameContains: \"b\" }) { totalCount } }",
                json!({}),
            ),
            ("{ volumes(filter: { status: \"AVAILABLE\" }) { totalCount } }", json!({})),
            ("{ volumes(filter: { nothing: 1 }) { totalCount } }", json!({})),
            // Directives and arguments.
            ("{ __typename @nothing }", json!({})),
            ("{ __typename(a: 1) }", json!({})),
            ("{ serverTime @skip }", json!({})),
            ("{ serverTime @skip(if: true) @skip(if: true) }", json!({})),
            ("query @skip(if: true) { serverTime }", json!({})),
            // Variables.
            ("query ($id: ID) { volume(id: $id) { id } }", json!({ "id": "x" })),
            (
                "query ($id: ID = null) { volume(id: $id) { id } }",
                json!({ "id": "x" }),
            ),
            (
                "mutation ($id: ID) { createSnapshot(input: { volumeId: $id }) { snapshot { id } } }",
                json!({ "id": "x" }),
            ),
            ("query ($unused: ID) { serverTime }", json!({})),
            ("{ volume(id: $nothing) { id } }", json!({})),
            (
                "query ($s: VolumeStatus) { volumes(filter: { status: $s }) { totalCount } }",
                json!({ "s": "GONE" }),
            ),
            ("query ($f: VolumeFilter) { volumes(filter: $f) { totalCount } }", json!({ "f": { "x": 1 } })),
            ("query ($n: Int) { volumes(first: $n) { totalCount } }", json!({ "n": "1" })),
            ("query ($n: Int) { volumes(first: $n) { totalCount } }", json!({ "n": 3_000_000_000_u64 })),
            // Inputs of which exactly one field is due.
            (
                "mutation { restoreToNewVolume(input: { source: { snapshotId: \"a\", backupId: \"b\" } }) { volume { id } } }",
                json!({}),
            ),
            (
                "mutation ($s: RestoreSource!) { restoreToNewVolume(input: { source: $s }) { volume { id } } }",
                json!({ "s": { "snapshotId": "a", "backupId": "b" } }),
            ),
            // Fragments and operations.
            ("{ serverTime } fragment F on Volume { id }", json!({})),
            ("{ ...F } fragment F on Volume { id }", json!({})),
            ("{ serverTime } { serverTime }", json!({})),
            ("type A { a: Int } { serverTime }", json!({})),
            ("{ volumes }", json!({})),
            ("{ serverTime { a } }", json!({})),
        ] {
            let answer = world.answer(&alice.requester, document, variables).await;
            let error = &answer["errors"][0];
            assert_eq!(
                error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
                "{document} {answer:#}"
            );
            assert!(error["locations"][0]["line"].is_u64(), "{document} {answer:#}");
            assert!(answer["data"].is_null(), "{document}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_variable_without_a_value_stops_the_whole_document() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let document = "query ($id: ID!) { serverTime volume(id: $id) { id } }";
        for variables in [json!({}), json!({ "id": null })] {
            let answer = world.answer(&alice.requester, document, variables).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_INPUT");
            assert!(answer["data"].is_null(), "{answer:#}");
        }
        let document = "mutation ($secret: String!, $n: Int!) {
            signIn(input: { email: \"a\", password: $secret }) { token }
            again: signIn(input: { email: $n, password: $secret }) { token } }";
        let error = world
            .error_with(&alice.requester, document, json!({ "secret": 7, "n": 1 }))
            .await;
        assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        let document =
            "mutation ($p: String!) { signIn(input: { email: \"a\", password: $p }) { token } }";
        let error = world
            .error_with(
                &alice.requester,
                document,
                json!({ "p": ["secret of ann"] }),
            )
            .await;
        assert!(!error.to_string().contains("secret of ann"), "{error:#}");
    })
    .await;
}

#[tokio::test]
async fn what_the_specification_allows_is_carried_out() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        world.volume(&alice, |_| {}).await;
        for (document, variables, expected) in [
            (
                "query ($a: Boolean!) { __typename @skip(if: $a) }",
                json!({ "a": false }),
                json!({ "__typename": "Query" }),
            ),
            (
                "query ($a: Boolean! = true) { __typename @skip(if: $a) b: __typename }",
                json!({}),
                json!({ "b": "Query" }),
            ),
            (
                "query ($n: Int = 1 @deprecated) { volumes(first: $n) { totalCount } }",
                json!({}),
                json!("GRAPHQL_VALIDATION_FAILED"),
            ),
            (
                "query ($n: Int) { volumes(first: $n) { totalCount } }",
                json!({ "n": null }),
                json!({ "volumes": { "totalCount": 1 } }),
            ),
            (
                "query ($s: VolumeStatus, $f: VolumeFilter) {
                   a: volumes(filter: { status: $s }) { totalCount }
                   b: volumes(filter: $f) { totalCount } }",
                json!({ "f": { "nameContains": "no such name" } }),
                json!({ "a": { "totalCount": 1 }, "b": { "totalCount": 0 } }),
            ),
            (
                "{ __type(name: \"RestoreSource\") { isOneOf } }",
                json!({}),
                json!({ "__type": { "isOneOf": true } }),
            ),
        ] {
            let answer = world.answer(&alice.requester, document, variables).await;
            if let Some(code) = expected.as_str() {
                assert_eq!(
                    answer["errors"][0]["extensions"]["code"], code,
                    "{document}"
                );
            } else {
                assert_eq!(answer["data"], expected, "{document} {answer:#}");
                assert_eq!(answer.get("errors"), None, "{document}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_object_of_which_everything_was_skipped_is_there_and_empty() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await.id;
        let of_node = format!("{{ node(id: \"{volume}\") {{ ... on Backup {{ id }} }} }}");
        for (document, expected) in [
            ("{ serverTime @skip(if: true) }", json!({})),
            (
                "{ ...F @include(if: false) } fragment F on Query { serverTime }",
                json!({}),
            ),
            (
                "{ viewer { user @skip(if: true) { id } } }",
                json!({ "viewer": {} }),
            ),
            (
                "{ viewer { ...F } } fragment F on Viewer { user @include(if: false) { id } }",
                json!({ "viewer": {} }),
            ),
            (
                "{ volumes { nodes { id @skip(if: true) } } }",
                json!({ "volumes": { "nodes": [{}] } }),
            ),
            (&of_node, json!({ "node": {} })),
        ] {
            let data = world.data(&alice.requester, document).await;
            assert_eq!(data, expected, "{document}");
        }
        // The same where something else failed.
        let document =
            "{ viewer { user @skip(if: true) { id } } volumes(first: 1000) { totalCount } }";
        let answer = world.answer(&alice.requester, document, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_INPUT");
    })
    .await;
}

#[tokio::test]
async fn a_mutation_that_is_written_twice_is_done_once() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await.id;
        let call = format!("createSnapshot(input: {{ volumeId: \"{volume}\" }})");
        let document = format!(
            "mutation {{ {call} {{ operation {{ id }} }} ...F {call} {{ snapshot {{ id }} }} }}
             fragment F on Mutation {{ {call} {{ snapshot {{ name }} }} }}"
        );
        let data = world.data(&alice.requester, &document).await;
        let made = &data["createSnapshot"];
        assert!(made["operation"]["id"].is_string(), "{data:#}");
        assert!(made["snapshot"]["id"].is_string(), "{data:#}");
        assert!(made["snapshot"]["name"].is_string(), "{data:#}");
    })
    .await;
}

#[tokio::test]
async fn a_variable_without_a_value_leaves_what_it_stands_for_as_it_is() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        world
            .run(
                &admin,
                "createBackupStorage",
                json!({ "name": "limited", "bandwidthLimit": 1_048_576, "nfs": { "server": "nas", "export": "/backups" } }),
            )
            .await;
        let storages = "{ backupStorages { id name bandwidthLimit } }";
        let limited = async || {
            let data = world.data(&admin, storages).await;
            let mut all = data["backupStorages"].as_array().unwrap().clone().into_iter();
            all.find(|storage| storage["name"] == "limited").unwrap()
        };
        let id = limited().await["id"].clone();
        let document = "mutation ($id: ID!, $limit: ByteCount) {
            updateBackupStorage(input: { backupStorageId: $id, bandwidthLimit: $limit }) {
              backupStorage { id } } }";
        world.data_with(&admin, document, json!({ "id": id })).await;
        assert_eq!(limited().await["bandwidthLimit"], 1_048_576);
        let variables = json!({ "id": id, "limit": null });
        world.data_with(&admin, document, variables).await;
        assert_eq!(limited().await["bandwidthLimit"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn an_operation_that_the_document_does_not_have_is_named() {
    on_each_database(async |world| {
        let request = async_graphql::Request::new("query A { serverTime } query B { serverTime }")
            .operation_name("C")
            .data(Requester::Anonymous);
        let answer = serde_json::to_value(world.schema().execute(request).await).unwrap();
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        assert!(error["message"].as_str().unwrap().contains("\"C\""));
    })
    .await;
}

#[tokio::test]
async fn lists_are_the_same_whether_they_are_written_at_once_or_not() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for _ in 0..3 {
            let volume = world.volume(&alice, |_| {}).await;
            world.snapshot(&volume, |_| {}).await;
        }
        let row = "id name status __typename sizeBytes createdAt lastBackupAt";
        let under = "snapshots(first: 2) { nodes { id name retainedBytes failure { code message } } }";
        for document in [
            format!("{{ volumes {{ nodes {{ {row} }} }} }}"),
            format!("{{ volumes {{ nodes {{ x: name y: name name {under} }} }} }}"),
            // Answers that are put together.
            "{ volumes { nodes { id } nodes { name } } }".to_owned(),
            "{ volumes { nodes { id } } ... on Query { volumes { nodes { name } } } }".to_owned(),
            format!("{{ volumes {{ nodes {{ id {under} }} nodes {{ ...F }} }} }} fragment F on Volume {{ {under} }}"),
            // Nothing, and nothing that is certain.
            "{ volumes(first: 0) { nodes { id } } }".to_owned(),
            "{ volumes { nodes { id @skip(if: true) } } }".to_owned(),
            "{ volumes { nodes { ... on Volume @include(if: false) { id } } } }".to_owned(),
            // Beside what fails.
            format!("{{ volumes {{ nodes {{ {row} }} }} volume(id: \"x\") {{ id }} }}"),
            format!("{{ volumes {{ nodes {{ {row} hypervisor {{ id }} {under} }} }} }}"),
        ] {
            let asked = async |in_text| {
                let json = world.json(&alice.requester, &document, json!({}), in_text).await;
                String::from_utf8(json).unwrap()
            };
            assert_eq!(asked(true).await, asked(false).await, "{document}");
        }
    })
    .await;
}
