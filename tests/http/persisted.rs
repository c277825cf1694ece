//! Documents that are named by a hash, and names of operations that are empty.

use reqwest::{RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

use crate::harness::Gateway;

const CODE: &str = "PERSISTED_QUERY_NOT_SUPPORTED";
const MESSAGE: &str = "PersistedQueryNotSupported";

fn hash_only() -> Value {
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "ab".repeat(32) } } })
}

fn post(gateway: &Gateway, body: &Value) -> RequestBuilder {
    gateway.client.post(gateway.url("/graphql")).json(body)
}

fn get(gateway: &Gateway, pairs: &[(&str, &str)]) -> RequestBuilder {
    let mut url = reqwest::Url::parse(&gateway.url("/graphql")).unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    gateway.client.get(url)
}

#[tokio::test]
async fn a_hash_without_a_document_is_answered_so_that_clients_send_the_document() {
    let gateway = Gateway::start().await;
    let extensions = hash_only()["extensions"].to_string();
    for (accept, status) in [
        ("application/json", StatusCode::OK),
        ("application/graphql-response+json", StatusCode::BAD_REQUEST),
    ] {
        for request in [
            post(&gateway, &hash_only()),
            get(&gateway, &[("extensions", &extensions)]),
        ] {
            let request = request.header(header::ACCEPT, accept);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), status, "{accept}");
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["errors"][0]["message"], MESSAGE, "{body}");
            assert_eq!(body["errors"][0]["extensions"]["code"], CODE, "{body}");
        }
    }
    let mut with_document = hash_only();
    with_document["query"] = json!("{ ok }");
    let response = post(&gateway, &with_document).send().await.unwrap();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({ "data": { "ok": true } }));
}

#[tokio::test]
async fn a_hash_without_a_document_is_answered_on_streams_too() {
    let gateway = Gateway::start().await;
    let request = post(&gateway, &hash_only()).header(header::ACCEPT, "text/event-stream");
    let events = request.send().await.unwrap().text().await.unwrap();
    assert!(
        events.starts_with("event: next\ndata: {\"errors\""),
        "{events}"
    );
    assert!(events.contains(CODE), "{events}");
    assert!(events.ends_with("event: complete\n\n"), "{events}");

    let mut socket = gateway.ready_socket().await;
    let message = json!({ "type": "subscribe", "id": "1", "payload": hash_only() });
    socket.send(&message).await;
    let answer = socket.receive().await;
    assert_eq!(answer["type"], "error");
    assert_eq!(answer["payload"][0]["message"], MESSAGE);
    assert_eq!(answer["payload"][0]["extensions"]["code"], CODE);
}

#[tokio::test]
async fn what_has_neither_document_nor_hash_is_refused() {
    let gateway = Gateway::start().await;
    for extensions in [
        json!({}),
        json!({ "persistedQuery": {} }),
        json!({ "persistedQuery": 7 }),
    ] {
        let body = json!({ "extensions": extensions });
        let response = post(&gateway, &body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "INVALID_INPUT",
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_empty_name_of_an_operation_is_none_on_each_transport() {
    let gateway = Gateway::start().await;
    let data = json!({ "data": { "ok": true } });
    let payload = json!({ "query": "query named { ok }", "operationName": "" });
    for request in [
        post(&gateway, &payload),
        get(
            &gateway,
            &[("query", "query named { ok }"), ("operationName", "")],
        ),
    ] {
        let response = request.send().await.unwrap();
        let body: Value = response.json().await.unwrap();
        assert_eq!(body, data);
    }
    let mut socket = gateway.ready_socket().await;
    let message = json!({ "type": "subscribe", "id": "1", "payload": payload });
    socket.send(&message).await;
    assert_eq!(socket.receive().await["payload"], data);
}
