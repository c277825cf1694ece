//! Errors: each has a code, and none tells what the caller must not know.

use sea_orm::ConnectionTrait;
use serde_json::json;
use tidemark::{domain::Requester, graphql::Origin};

use crate::harness::on_each_database;

#[tokio::test]
async fn every_error_has_a_code() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for (document, code) in [
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("", "GRAPHQL_PARSE_FAILED"),
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            (
                "{ volumes(first: \"x\") { totalCount } }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                "{ volumes(filter: { status: GONE }) { totalCount } }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                "query A { serverTime } query B { serverTime }",
                "GRAPHQL_VALIDATION_FAILED",
            ),
            ("query($a: ID!) { volume(id: $a) { id } }", "INVALID_INPUT"),
            ("mutation { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ volumes(first: 1000) { totalCount } }", "INVALID_INPUT"),
            ("{ accounts { totalCount } }", "FORBIDDEN"),
        ] {
            assert_eq!(
                world.code(&alice.requester, document).await,
                code,
                "{document}"
            );
        }
        let document =
            "query($status: VolumeStatus) { volumes(filter: { status: $status }) { totalCount } }";
        let error = world
            .error_with(&alice.requester, document, json!({ "status": "GONE" }))
            .await;
        assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    })
    .await;
}

#[tokio::test]
async fn an_internal_error_tells_a_trace_id_and_nothing_else() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let db = world.app.database.writes();
        db.execute_unprepared("ALTER TABLE volumes RENAME TO secret_name")
            .await
            .unwrap();
        let request = async_graphql::Request::new("{ volumes { totalCount } }")
            .data(alice.requester.clone())
            .data(Origin {
                remote: None,
                request_id: Some("trace-7".to_owned()),
            });
        let answer = serde_json::to_value(world.schema().execute(request).await).unwrap();
        let error = &answer["errors"][0];
        assert_eq!(error["message"], "Internal error. Trace id: trace-7");
        assert_eq!(error["extensions"], json!({ "code": "INTERNAL" }));
        assert!(!answer.to_string().contains("volumes RENAME"), "{answer:#}");

        let error = world
            .error(&alice.requester, "{ volumes { totalCount } }")
            .await;
        let message = error["message"].as_str().unwrap();
        let trace_id = message.strip_prefix("Internal error. Trace id: ").unwrap();
        assert!(trace_id.parse::<uuid::Uuid>().is_ok(), "{message}");
    })
    .await;
}

#[tokio::test]
async fn what_works_is_answered_although_a_part_fails() {
    on_each_database(async |world| {
        let document = "{ serverTime volume(id: \"x\") { id } }";
        let answer = world
            .answer(&Requester::Anonymous, document, json!({}))
            .await;
        assert!(answer["data"]["serverTime"].is_string());
        assert_eq!(answer["errors"][0]["path"], json!(["volume"]));
    })
    .await;
}

#[tokio::test]
async fn a_mutation_that_is_refused_hides_nothing_of_the_others() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await.id;
        let document = format!(
            "mutation {{
               gone: createSnapshot(input: {{ volumeId: \"x\" }}) {{ operation {{ id }} }}
               made: createSnapshot(input: {{ volumeId: \"{volume}\" }}) {{ operation {{ id }} }}
               busy: createSnapshot(input: {{ volumeId: \"{volume}\" }}) {{ operation {{ id }} }}
               token: createApiToken(input: {{ name: \"\" }}) {{ secret }}
             }}"
        );
        let answer = world.answer(&alice.requester, &document, json!({})).await;
        let data = answer["data"].as_object().unwrap();
        assert_eq!(data.len(), 4, "{answer:#}");
        assert!(data["made"]["operation"]["id"].is_string(), "{answer:#}");
        for (error, (field, code)) in answer["errors"].as_array().unwrap().iter().zip([
            ("gone", "NOT_FOUND"),
            ("busy", "VOLUME_BUSY"),
            ("token", "INVALID_INPUT"),
        ]) {
            assert!(data[field].is_null(), "{answer:#}");
            assert_eq!(error["path"], json!([field]));
            assert_eq!(error["extensions"]["code"], code);
        }
    })
    .await;
}
