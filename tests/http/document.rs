//! Documents and JSON that would end the process of who reads them: refused on every transport.

use reqwest::header;
use serde_json::{Value, json};

use crate::harness::Gateway;

const LEVELS: usize = 1375;

/// Documents that nest by each construct that can.
fn documents() -> Vec<String> {
    let list = format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    let object = format!("{}1{}", "{a:".repeat(LEVELS), "}".repeat(LEVELS));
    let ty = format!("{}Int{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    vec![
        format!("{{ __typename @skip(if: {list}) }}"),
        format!("{{ __typename @skip(if: {object}) }}"),
        format!("query ($a: {ty}) {{ __typename }}"),
        format!("query ($a: Int = {list}) {{ __typename }}"),
        format!("{}a{}", "{a".repeat(LEVELS), "}".repeat(LEVELS)),
        format!("{}a{}", "{...".repeat(LEVELS), "}".repeat(LEVELS)),
        format!("{{ __typename @skip(if: [\"\"\"\"{list}]) }}"),
        format!("mutation {{ __typename @skip(if: {list}) }}"),
        format!("subscription {{ __typename @skip(if: {list}) }}"),
    ]
}

fn assert_refused(error: &Value, document: &str) {
    let code = error["extensions"]["code"].as_str().unwrap_or_default();
    assert!(
        ["QUERY_TOO_COMPLEX", "GRAPHQL_PARSE_FAILED"].contains(&code),
        "{error} {}",
        &document[..document.len().min(80)]
    );
}

#[tokio::test]
async fn a_document_that_nests_too_deep_is_refused_by_post_get_and_event_stream() {
    let gateway = Gateway::start_api(|_| {}).await;
    for document in documents() {
        let by_post = gateway.post(&document);
        let by_get = gateway.get_query(&document);
        for request in [by_post, by_get] {
            let body: Value = request.send().await.unwrap().json().await.unwrap();
            assert_refused(&body["errors"][0], &document);
        }
        let request = gateway
            .client
            .post(gateway.url("/graphql/stream"))
            .header(header::ACCEPT, "text/event-stream")
            .json(&json!({ "query": document }));
        let text = request.send().await.unwrap().text().await.unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: "));
        let body: Value = serde_json::from_str(data.unwrap()).unwrap();
        assert_refused(&body["errors"][0], &document);
    }
    let alive = gateway.post("{ serverTime }").send().await.unwrap();
    assert!(alive.text().await.unwrap().contains("serverTime"));
}

#[tokio::test]
async fn a_document_that_is_not_valid_is_refused_on_every_transport() {
    let gateway = Gateway::start_api(|_| {}).await;
    let document = "query ($id: ID) { serverTime volume(id: $id) { id } }";
    let refused = |body: &Value| {
        let error = &body["errors"][0];
        assert_eq!(error["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(error["locations"], json!([{ "line": 1, "column": 37 }]));
        assert!(body.get("data").is_none(), "{body}");
    };
    for request in [gateway.post(document), gateway.get_query(document)] {
        refused(&request.send().await.unwrap().json().await.unwrap());
    }
    let request = gateway
        .client
        .post(gateway.url("/graphql/stream"))
        .json(&json!({ "query": document }));
    let text = request.send().await.unwrap().text().await.unwrap();
    let data = text.lines().find_map(|line| line.strip_prefix("data: "));
    refused(&serde_json::from_str(data.unwrap()).unwrap());
    let mut socket = gateway.ready_socket().await;
    socket.subscribe("1", document).await;
    let message = socket.receive().await;
    assert_eq!(message["type"], "error", "{message}");
    refused(&json!({ "errors": message["payload"] }));
}

#[tokio::test]
async fn a_document_that_nests_too_deep_is_refused_on_a_web_socket() {
    let gateway = Gateway::start_api(|_| {}).await;
    let mut socket = gateway.ready_socket().await;
    for (id, document) in documents().iter().enumerate() {
        socket.subscribe(&id.to_string(), document).await;
        let message = socket.receive().await;
        assert_eq!(message["type"], "error", "{message}");
        assert_refused(&message["payload"][0], document);
    }
}

#[tokio::test]
async fn json_that_nests_too_deep_is_refused_wherever_it_comes() {
    let gateway = Gateway::start_api(|_| {}).await;
    let deep = format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    for body in [
        format!(r#"{{"query":"{{a}}","variables":{{"a":{deep}}}}}"#),
        format!(r#"{{"query":"{{a}}","extensions":{{"a":{deep}}}}}"#),
        format!(r#"{{"query":{deep}}}"#),
        format!(r#"{{"other":{deep}}}"#),
    ] {
        for path in ["/graphql", "/graphql/stream"] {
            let request = gateway.client.post(gateway.url(path));
            let request = request.header(header::CONTENT_TYPE, "application/json");
            let response = request.body(body.clone()).send().await.unwrap();
            assert_eq!(response.status(), 400);
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX");
        }
    }
    for name in ["variables", "extensions"] {
        let mut url = reqwest::Url::parse(&gateway.url("/graphql")).unwrap();
        url.query_pairs_mut()
            .append_pair("query", "{a}")
            .append_pair(name, &format!("{{\"a\":{deep}}}"));
        let body: Value = gateway
            .client
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX");
    }
    for message in [
        format!(r#"{{"type":"connection_init","payload":{deep}}}"#),
        format!(r#"{{"type":"ping","payload":{{"a":{deep}}}}}"#),
        deep,
    ] {
        let mut socket = gateway.socket().await;
        socket.send_text(&message).await;
        let close = socket.closed().await;
        assert_eq!(u16::from(close.code), 4400);
        assert!(close.reason.contains("levels deep"), "{}", close.reason);
    }
}

#[tokio::test]
async fn a_refusal_is_short_however_long_the_document_is() {
    let gateway = Gateway::start_api(|_| {}).await;
    let unknown = format!("{{ {} }}", "x ".repeat(9_000));
    let long = format!("{{ {} }}", "unknown ".repeat(86_000));
    for document in [unknown, long] {
        let response = gateway.post(&document).send().await.unwrap();
        let text = response.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap();
        assert!(body["errors"].as_array().unwrap().len() <= 20, "{text}");
        assert!(text.len() < 10_000, "{}", text.len());
    }
}

#[tokio::test]
async fn a_single_operation_with_a_name_is_what_it_says() {
    let gateway = Gateway::start_api(|_| {}).await;
    let document =
        "mutation Named { signIn(input: { email: \"a@b\", password: \"p\" }) { secret } }";
    for name in [None, Some(""), Some("Named")] {
        let mut url = reqwest::Url::parse(&gateway.url("/graphql")).unwrap();
        url.query_pairs_mut().append_pair("query", document);
        if let Some(name) = name {
            url.query_pairs_mut().append_pair("operationName", name);
        }
        let response = gateway.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 405, "{name:?}");
    }
    for operation_name in [json!(null), json!("")] {
        let body = json!({ "query": "query Q { serverTime }", "operationName": operation_name });
        let request = gateway.client.post(gateway.url("/graphql")).json(&body);
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(body["data"]["serverTime"].is_string(), "{body}");
    }
    let request = gateway
        .client
        .post(gateway.url("/graphql"))
        .header(header::ACCEPT, "text/event-stream")
        .bearer_auth(&gateway.token)
        .json(&json!({ "query": "subscription S { operationEvents { operation { id } } }" }));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
}
