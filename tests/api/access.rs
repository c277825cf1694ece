//! Who may use what: every root field of the schema for every kind of caller. The fields come from
//! the schema, so that a new one without a row here fails.

mod edge;
mod root;

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, TypeKind, TypeSystemDefinition},
};
use entity::token::TokenScope;
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::domain::Requester;

use self::root::{FIELDS, NOT_AUDITED, Outcomes};
use crate::harness::{World, on_each_database};

/// The root fields of the schema: whether each has fields below, by the kind of operation.
fn roots(sdl: &str) -> BTreeMap<String, (&'static str, bool)> {
    let document = parse_schema(sdl).unwrap();
    let mut composite = BTreeSet::new();
    let mut fields = Vec::new();
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let definition = &definition.node;
        let name = definition.name.node.as_str();
        let kind = match name {
            "Query" => Some("query"),
            "Mutation" => Some("mutation"),
            "Subscription" => Some("subscription"),
            _ => None,
        };
        if let TypeKind::Object(object) = &definition.kind {
            composite.insert(name.to_owned());
            if let Some(kind) = kind {
                fields.extend(object.fields.iter().map(|field| (kind, field.node.clone())));
            }
        } else if matches!(definition.kind, TypeKind::Interface(_)) {
            composite.insert(name.to_owned());
        }
    }
    let name_of = |mut base: &BaseType| loop {
        match base {
            BaseType::Named(name) => return name.to_string(),
            BaseType::List(inner) => base = &inner.base,
        }
    };
    let root = |(kind, field): (&'static str, async_graphql::parser::types::FieldDefinition)| {
        let is_composite = composite.contains(&name_of(&field.ty.node.base));
        (field.name.node.to_string(), (kind, is_composite))
    };
    fields.into_iter().map(root).collect()
}

async fn outcome(
    world: &World,
    requester: &Requester,
    kind: &str,
    document: &str,
) -> (char, Value) {
    let answer = if kind == "subscription" {
        let mut stream = world.watch(requester, document, json!({}));
        // One that has nothing to say was not refused.
        match stream.next_answer_soon().await {
            Some(answer) => answer,
            None => return ('A', Value::Null),
        }
    } else {
        world.answer(requester, document, json!({})).await
    };
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    let nothing = kind == "query"
        && answer["data"]
            .as_object()
            .is_some_and(|data| data.values().all(Value::is_null));
    let outcome = match code {
        Some("UNAUTHENTICATED") => 'U',
        Some("FORBIDDEN") => 'F',
        Some("NOT_FOUND") if !answer.to_string().contains("storage test") => 'N',
        Some("INTERNAL" | "GRAPHQL_PARSE_FAILED" | "GRAPHQL_VALIDATION_FAILED") => {
            panic!("{document}: {answer:#}")
        }
        None if nothing => 'N',
        _ => 'A',
    };
    (outcome, answer)
}

#[tokio::test]
async fn every_root_field_knows_its_callers_and_foreign_ids_are_like_unknown_ones() {
    on_each_database(async |world| {
        let roots = roots(&world.schema().sdl());
        let known: BTreeSet<_> = FIELDS
            .iter()
            .map(|(field, ..)| (*field).to_owned())
            .collect();
        let there: BTreeSet<_> = roots.keys().cloned().collect();
        assert_eq!(
            there, known,
            "each root field has a row, and each row a root field"
        );

        let alice = world.tenant("alice").await;
        let owner = world.signed_in(&alice.requester).await;
        let callers = [
            Requester::Anonymous,
            world.signed_in(&world.tenant("bob").await.requester).await,
            owner.clone(),
            world.signed_in(&world.admin().await).await,
            world.enrolled().await,
        ];
        let elsewhere = elsewhere(&world).await;
        let ids = things(&world, &alice, &owner).await;
        let unknown = "0190a0a0-0000-7000-8000-000000000000";
        for (field, arguments, expected) in FIELDS {
            let (kind, is_composite) = roots[*field];
            let selection = if is_composite { "{ __typename }" } else { "" };
            let document = format!("{kind} {{ {field}{arguments} {selection} }}");
            let with = |id: Option<&str>| {
                ids.iter().fold(document.clone(), |document, (name, own)| {
                    let shared = ["$plan", "$group", "$cursor"].contains(name);
                    document.replace(name, if shared { own } else { id.unwrap_or(own) })
                })
            };
            let mut got = String::new();
            for (caller, role) in callers.iter().zip(expected.chars()) {
                let told = world.audit().await.len();
                let (outcome, answer) = outcome(&world, caller, kind, &with(None)).await;
                got.push(outcome);
                let told: Vec<_> = world.audit().await.split_off(told);
                let told: Vec<_> = told.iter().map(|event| event.mutation.as_str()).collect();
                let audited = kind == "mutation" && !NOT_AUDITED.contains(field);
                let is_known = !matches!(caller, Requester::Anonymous);
                let wished = if audited && is_known {
                    vec![*field]
                } else {
                    vec![]
                };
                assert_eq!(told, wished, "the audit events of {field} for {caller:?}");
                if role != 'N' {
                    continue;
                }
                for id in [unknown, "no id"] {
                    let (_, absent) = self::outcome(&world, caller, kind, &with(Some(id))).await;
                    assert_eq!(answer, absent, "{field} of an id that is {id}");
                }
            }
            assert_eq!(got, *expected, "{field}");
            // The agent of another hypervisor may what agents may, but what it names there is unknown to it.
            let (theirs, answer) = outcome(&world, &elsewhere, kind, &with(None)).await;
            assert_eq!(
                theirs,
                got.pop().unwrap(),
                "{field} for another hypervisor's agent"
            );
            if kind == "mutation" && theirs == 'A' && arguments.contains("$operation") {
                let (_, absent) = outcome(&world, &elsewhere, kind, &with(Some(unknown))).await;
                assert_eq!(
                    answer, absent,
                    "{field} of an operation of another hypervisor"
                );
            }
        }
    })
    .await;
}

/// The agent of another hypervisor of the same group.
async fn elsewhere(world: &World) -> Requester {
    let other = world.hypervisor(|row| row.name = Set("other".to_owned()));
    world.enrolled_on(other.await).await
}

#[tokio::test]
async fn a_token_that_only_reads_sees_what_its_user_does_and_is_refused_every_mutation() {
    on_each_database(async |world| {
        let roots = roots(&world.schema().sdl());
        let alice = world.tenant("alice").await;
        let owner = world.signed_in(&alice.requester).await;
        let ids = things(&world, &alice, &owner).await;
        let reader = Requester::User {
            user: alice.user.clone(),
            token: owner.token().unwrap(),
            token_scope: TokenScope::ReadOnly,
        };
        for (field, arguments, expected) in FIELDS {
            let (kind, is_composite) = roots[*field];
            let selection = if is_composite { "{ __typename }" } else { "" };
            let document = format!("{kind} {{ {field}{arguments} {selection} }}");
            let document = ids.iter().fold(document, |document, (name, own)| {
                document.replace(name, own)
            });
            let (outcome, _) = outcome(&world, &reader, kind, &document).await;
            let as_owner = expected.chars().nth(2);
            let wished = if kind == "mutation" {
                Some('F')
            } else {
                as_owner
            };
            assert_eq!(Some(outcome), wished, "{field}");
        }
        let told = world.audit().await;
        let refused = told.iter().filter(|event| event.outcome == "FORBIDDEN");
        assert!(refused.count() > 30, "refusals are audited");
    })
    .await;
}

/// One of each thing that a field may name, all of them the owner's.
async fn things(
    world: &World,
    alice: &crate::harness::Tenant,
    owner: &Requester,
) -> Vec<(&'static str, String)> {
    let volume = world.volume(alice, |_| {}).await;
    let snapshot = world.snapshot(&volume, |_| {}).await;
    let backup = world.backup(&volume, |_| {}).await;
    let instance = world.instance(alice, |_| {}).await;
    let busy = world.volume(alice, |_| {}).await;
    let on_busy = json!({ "volumeId": busy.id.to_string() });
    let payload = world.run(owner, "createSnapshot", on_busy).await;
    let token = "mutation { createApiToken(input: { name: \"t\" }) { apiToken { id } } }";
    let token = world.data(owner, token).await;
    let platform = &world.platform;
    vec![
        ("$volume", volume.id.to_string()),
        ("$snapshot", snapshot.id.to_string()),
        ("$backup", backup.id.to_string()),
        ("$instance", instance.id.to_string()),
        (
            "$operation",
            payload["operation"]["id"].as_str().unwrap().to_owned(),
        ),
        (
            "$token",
            token["createApiToken"]["apiToken"]["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        ),
        (
            "$session",
            world.signed_in(owner).await.token().unwrap().to_string(),
        ),
        ("$account", alice.account.id.to_string()),
        ("$user", world.tenant("carol").await.user.id.to_string()),
        ("$hypervisor", platform.hypervisor.id.to_string()),
        ("$spare", world.hypervisor(|_| {}).await.id.to_string()),
        ("$storage", platform.backup_storage.id.to_string()),
        ("$pool", platform.pool.id.to_string()),
        ("$plan", platform.plan.id.to_string()),
        ("$group", platform.group.id.to_string()),
        (
            "$cursor",
            tidemark::graphql::page::Cursor::of_event(0).encode(),
        ),
    ]
}

#[tokio::test]
async fn a_callers_introspection_shows_what_it_may_use_and_no_more() {
    on_each_database(async |world| {
        let bob = world.tenant("bob").await;
        let callers = [
            (0, Requester::Anonymous),
            (1, bob.requester),
            (3, world.admin().await),
            (4, world.agent()),
        ];
        let document = "{ __schema {
            queryType { fields { name } } mutationType { fields { name } }
            subscriptionType { fields { name } } types { name } } }";
        for (column, caller) in callers {
            let schema = world.data(&caller, document).await["__schema"].take();
            let names = |list: &Value| -> BTreeSet<String> {
                let fields = list.as_array().into_iter().flatten();
                fields
                    .map(|field| field["name"].as_str().unwrap().to_owned())
                    .collect()
            };
            let mut seen = BTreeSet::new();
            for root in ["queryType", "mutationType", "subscriptionType"] {
                seen.extend(names(&schema[root]["fields"]));
            }
            let usable = |(field, _, outcomes): &&(&str, &str, Outcomes)| {
                let outcome = outcomes.as_bytes()[column];
                matches!(outcome, b'A' | b'N') || (*field == "signIn" && column != 4)
            };
            let expected: BTreeSet<_> = FIELDS
                .iter()
                .filter(usable)
                .map(|(field, ..)| (*field).to_owned())
                .collect();
            assert_eq!(seen, expected, "column {column}");
            let types = names(&schema["types"]);
            let told = [
                "AgentClaimInput",
                "AgentAssignment",
                "AgentS3Destination",
                "AgentCephRbdPool",
            ];
            for name in told {
                let agents = types.contains(name);
                assert_eq!(agents, column == 4, "{name} in column {column}");
            }
            let admins = [
                "CreateVolumePlanInput",
                "StoragePool",
                "S3StorageInput",
                "CephRbdPoolInput",
                "CreateHypervisorPayload",
            ];
            for name in admins {
                assert_eq!(
                    types.contains(name),
                    column == 3,
                    "{name} in column {column}"
                );
            }
        }
    })
    .await;
}
