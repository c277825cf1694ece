//! Limits of documents: what would cost too much is refused before anything runs.

use std::fmt::Write;

use serde_json::{Value, json};
use tidemark::{domain::Requester, graphql::Limits};

use crate::harness::on_each_database;

#[tokio::test]
async fn pages_multiply_what_lies_under_them() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let world = world.with_limits(Limits {
            max_complexity: 100,
            ..Limits::default()
        });
        let refused = [
            ("{ volumes(first: 100) { nodes { id } } }", json!({})),
            ("{ volumes(last: 100) { nodes { id } } }", json!({})),
            ("{ volumes { nodes { snapshots { nodes { id } } } } }", json!({})),
            (
                "query($n: Int) { volumes(first: $n) { nodes { id } } }",
                json!({ "n": 100 }),
            ),
            (
                "query($n: Int = 100) { volumes(first: $n) { nodes { id } } }",
                json!({}),
            ),
            (
                "{ volumes(first: 10) { ...A } } fragment A on VolumeConnection { nodes { a: id b: id c: id d: id e: id f: id g: id h: id i: id j: id } }",
                json!({}),
            ),
        ];
        for (document, variables) in refused {
            let error = world
                .error_with(&alice.requester, document, variables)
                .await;
            assert_eq!(error["extensions"]["code"], "QUERY_TOO_COMPLEX", "{document}");
            assert_eq!(error["extensions"]["limit"], 100);
            assert!(error["extensions"]["figure"].as_u64().unwrap() > 100);
        }
        world
            .data(&alice.requester, "{ volumes { nodes { id name } } }")
            .await;
    })
    .await;
}

#[tokio::test]
async fn aliases_do_not_multiply_root_fields_without_end() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let document = |fields: usize| {
            let fields = (0..fields).map(|n| format!("f{n}: serverTime "));
            format!(
                "{{ ...F }} fragment F on Query {{ {} }}",
                fields.collect::<String>()
            )
        };
        world.data(&alice.requester, &document(50)).await;
        let error = world.error(&alice.requester, &document(51)).await;
        assert_eq!(error["extensions"]["code"], "QUERY_TOO_COMPLEX");
        assert_eq!(error["extensions"]["figure"], 51);
    })
    .await;
}

#[tokio::test]
async fn a_mutation_has_at_most_ten_root_fields_however_they_are_written() {
    on_each_database(async |world| {
        let fields = |from: usize, to: usize| {
            let fields = (from..to).map(|n| {
                format!(
                    "f{n}: signIn(input: {{ email: \"a@b\", password: \"p{n}\" }}) {{ token }} "
                )
            });
            fields.collect::<String>()
        };
        let ten = format!(
            "mutation {{ {} ...F ... on Mutation {{ {} }} }} fragment F on Mutation {{ {} }}",
            fields(0, 3),
            fields(3, 6),
            fields(6, 10),
        );
        let code = world.code(&Requester::Anonymous, &ten).await;
        assert_eq!(code, "UNAUTHENTICATED");
        for document in [
            format!("mutation {{ {} }}", fields(0, 11)),
            ten.replace("...F ", "...F f10: signOut "),
            ten.replace("f9:", "f10: signOut f9:"),
            ten.replace("...F ", "...F __typename "),
        ] {
            let error = world.error(&Requester::Anonymous, &document).await;
            assert_eq!(
                error["extensions"]["code"], "QUERY_TOO_COMPLEX",
                "{document}"
            );
            assert_eq!(error["extensions"]["figure"], 11);
            assert_eq!(error["extensions"]["limit"], 10);
        }
    })
    .await;
}

#[tokio::test]
async fn fragments_that_double_each_other_cost_no_time() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let mut document = String::from("{ ...F0 }");
        for level in 0..30 {
            let next = level + 1;
            write!(
                document,
                " fragment F{level} on Query {{ ...F{next} ...F{next} }}"
            )
            .unwrap();
        }
        document.push_str(" fragment F30 on Query { serverTime }");
        let code = world.code(&alice.requester, &document).await;
        assert_eq!(code, "QUERY_TOO_COMPLEX");
    })
    .await;
}

#[tokio::test]
async fn a_fragment_that_spreads_itself_is_refused() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let document =
            "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }";
        let code = world.code(&alice.requester, document).await;
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
    })
    .await;
}

#[tokio::test]
async fn fields_and_fragments_nest_only_so_deep() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let mut deep = String::from("id");
        for _ in 0..8 {
            deep = format!("operations(first: 1) {{ nodes {{ volume {{ {deep} }} }} }}");
        }
        let document = format!("{{ volumes(first: 1) {{ nodes {{ {deep} }} }} }}");
        let error = world.error(&alice.requester, &document).await;
        assert_eq!(error["extensions"]["code"], "QUERY_TOO_COMPLEX");

        let mut chain = String::from("{ ...F0 }");
        for level in 0..5000 {
            let next = level + 1;
            write!(chain, " fragment F{level} on Query {{ ...F{next} }}").unwrap();
        }
        chain.push_str(" fragment F5000 on Query { serverTime }");
        let code = world.code(&alice.requester, &chain).await;
        assert_eq!(code, "QUERY_TOO_COMPLEX");
    })
    .await;
}

#[tokio::test]
async fn tools_can_introspect_but_not_without_end() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let data = world.data(&alice.requester, INTROSPECTION).await;
        let types = data["__schema"]["types"].as_array().unwrap();
        assert!(types.iter().any(|ty: &Value| ty["name"] == "Volume"));
        let document = "{ __schema { types { fields { type { fields { type { fields { type {
            name } } } } } } } } }";
        let code = world.code(&alice.requester, document).await;
        assert_eq!(code, "QUERY_TOO_COMPLEX");
    })
    .await;
}

/// As graphql-js and GraphiQL ask.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description locations args { ...InputValue } } } }
  fragment FullType on __Type { kind name description
    fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef }
      isDeprecated deprecationReason }
    inputFields { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    possibleTypes { ...TypeRef } }
  fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
  fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

#[tokio::test]
async fn lists_without_pages_count_as_what_they_can_hold() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let through = |times: usize| {
            let mut deep = "id".to_owned();
            for _ in 0..times {
                deep = format!("attachedTo {{ volumes {{ {deep} }} }}");
            }
            format!("{{ instances(first: 1) {{ nodes {{ volumes {{ {deep} }} }} }} }}")
        };
        world.data(&alice.requester, &through(2)).await;
        let code = world.code(&alice.requester, &through(3)).await;
        assert_eq!(code, "QUERY_TOO_COMPLEX");
        for document in [
            "{ hypervisorGroups { hypervisors { group { hypervisors { id } } } } }",
            "{ hypervisorGroups { plans { id a: id b: id c: id d: id e: id f: id } } }",
            "{ operations(first: 50) { nodes { logs(first: 50) { nodes { message } } } } }",
        ] {
            let code = world.code(&admin, document).await;
            assert_eq!(code, "QUERY_TOO_COMPLEX", "{document}");
        }
        let logs =
            "{ operations(first: 1) { nodes { logs(first: 100) { nodes { message at } } } } }";
        world.data(&admin, logs).await;
        let told = |count: usize| {
            let types =
                (0..count).map(|n| format!("t{n}: types {{ fields {{ args {{ name }} }} }} "));
            format!("{{ __schema {{ {} }} }}", types.collect::<String>())
        };
        world.data(&alice.requester, &told(1)).await;
        let code = world.code(&alice.requester, &told(100)).await;
        assert_eq!(code, "QUERY_TOO_COMPLEX");
    })
    .await;
}

#[tokio::test]
async fn an_instance_has_at_most_sixteen_volumes() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let instance = world.instance(&alice, |_| {}).await;
        for _ in 0..16 {
            let on = |row: &mut entity::volume::ActiveModel| {
                row.instance_id = sea_orm::Set(Some(instance.id));
            };
            world.volume(&alice, on).await;
        }
        let volume = world.volume(&alice, |_| {}).await;
        let input =
            json!({ "volumeId": volume.id.to_string(), "instanceId": instance.id.to_string() });
        let (code, message) = world.refusal(&alice.requester, "attachVolume", input).await;
        assert_eq!(code, "INVALID_INPUT");
        assert!(message.contains("16 volumes"), "{message}");
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_only_so_large_and_a_query_takes_only_so_long() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for _ in 0..10 {
            world.volume(&alice, |_| {}).await;
        }
        let limits = Limits {
            max_answer_bytes: 1000,
            ..Limits::default()
        };
        let world = world.with_limits(limits);
        let ids = "{ volumes { nodes { id a: id b: id c: id } } }";
        let error = world.error(&alice.requester, ids).await;
        assert_eq!(error["extensions"]["code"], "QUERY_TOO_COMPLEX");
        assert_eq!(error["extensions"]["limit"], 1000);
        world
            .data(&alice.requester, "{ volumes { nodes { id } } }")
            .await;
        let world = world.with_limits(Limits {
            query_timeout_seconds: 0,
            ..Limits::default()
        });
        // One statement may be quicker than the clock's millisecond; fifty are not.
        let fields: Vec<_> = (0..50)
            .map(|number| format!("a{number}: volumes {{ totalCount nodes {{ id }} }}"))
            .collect();
        let code = world
            .code(&alice.requester, &format!("{{ {} }}", fields.join(" ")))
            .await;
        assert_eq!(code, "TIMED_OUT");
        let volume = world.volume(&alice, |_| {}).await.id.to_string();
        let input = json!({ "volumeId": volume });
        world.run(&alice.requester, "createSnapshot", input).await;
    })
    .await;
}

#[tokio::test]
async fn a_query_stops_where_more_was_read_than_its_answer_may_have() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        let operation = world
            .operation(&volume, entity::operation::OperationKind::CreateSnapshot, |_| {})
            .await;
        for _ in 0..100 {
            world.log(&operation, &"\u{1f40b}".repeat(100), true).await;
        }
        let limits = Limits {
            max_answer_bytes: 30_000,
            ..Limits::default()
        };
        let world = world.with_limits(limits);
        let logs = |then: &str| {
            format!("{{ operations(first: 1) {{ nodes {{ logs(first: 100) {{ nodes {{ message }} }} {then} }} }} }}")
        };
        let error = world.error(&alice.requester, &logs("")).await;
        assert_eq!(error["extensions"]["code"], "QUERY_TOO_COMPLEX");
        assert_eq!(error["extensions"]["figure"], 40_000, "before it is written");
        // What would be read next is not read.
        world.statements();
        let then = "logs2: logs(first: 100) { nodes { at } totalCount } volume { plan { name } }";
        let error = world.error(&alice.requester, &logs(then)).await;
        assert_eq!(error["extensions"]["figure"], 40_000);
        let cut_short = world.statements();
        let unlimited = world.with_limits(Limits::default());
        unlimited.data(&alice.requester, &logs(then)).await;
        assert!(cut_short < unlimited.statements());
    })
    .await;
}
