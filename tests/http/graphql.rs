//! `/graphql`: methods, content types, forms of answers, limits.

use reqwest::{Response, StatusCode, header};
use serde_json::{Value, json};

use crate::harness::Gateway;

const GRAPHQL: &str = "application/graphql-response+json";

async fn refused(response: Response, status: StatusCode, code: &str) -> Value {
    assert_eq!(response.status(), status);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], code, "{body}");
    assert!(body.get("data").is_none(), "{body}");
    body
}

#[tokio::test]
async fn a_query_is_answered_by_post_and_by_get() {
    let gateway = Gateway::start().await;
    for request in [gateway.post("{ ok }"), gateway.get_query("{ ok }")] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(
            headers[header::CONTENT_TYPE],
            "application/json; charset=utf-8"
        );
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body, json!({ "data": { "ok": true } }));
    }
}

#[tokio::test]
async fn a_mutation_is_answered_by_post_and_refused_by_get() {
    let gateway = Gateway::start().await;
    let response = gateway.post("mutation { bump }").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let response = gateway.get_query("mutation { bump }").send().await.unwrap();
    assert_eq!(response.headers()[header::ALLOW], "POST");
    refused(response, StatusCode::METHOD_NOT_ALLOWED, "INVALID_INPUT").await;
}

#[tokio::test]
async fn the_named_operation_decides_whether_it_is_a_mutation() {
    let gateway = Gateway::start().await;
    let document = "query a { ok } mutation b { bump }";
    for (name, status) in [("a", StatusCode::OK), ("b", StatusCode::METHOD_NOT_ALLOWED)] {
        let mut url = reqwest::Url::parse(&gateway.url("/graphql")).unwrap();
        url.query_pairs_mut()
            .append_pair("query", document)
            .append_pair("operationName", name);
        let response = gateway.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), status, "{name}");
    }
}

#[tokio::test]
async fn variables_come_by_get_as_json() {
    let gateway = Gateway::start().await;
    let document = "query ($no: Boolean!) { ok @skip(if: $no) who }";
    for (variables, status) in [
        (r#"{"no":true}"#, StatusCode::OK),
        ("7", StatusCode::BAD_REQUEST),
    ] {
        let mut url = reqwest::Url::parse(&gateway.url("/graphql")).unwrap();
        url.query_pairs_mut()
            .append_pair("query", document)
            .append_pair("variables", variables);
        let response = gateway.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), status, "{variables}");
        let body: Value = response.json().await.unwrap();
        if status == StatusCode::OK {
            assert_eq!(body, json!({ "data": { "who": "anonymous" } }));
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_by_name_is_refused() {
    let gateway = Gateway::start().await;
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/graphql",
    ] {
        let response = gateway
            .client
            .post(gateway.url("/graphql"))
            .header(header::CONTENT_TYPE, content_type)
            .body(r#"{"query":"{ ok }"}"#)
            .send()
            .await
            .unwrap();
        refused(
            response,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "INVALID_INPUT",
        )
        .await;
    }
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused() {
    let gateway = Gateway::start().await;
    for body in [
        "",
        "{",
        "null",
        "{}",
        r#"{"query":7}"#,
        r#"{"query":"{ ok }","variables":7}"#,
        r#"[{"query":"{ ok }"}]"#,
    ] {
        let response = gateway
            .client
            .post(gateway.url("/graphql"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        refused(response, StatusCode::BAD_REQUEST, "INVALID_INPUT").await;
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_with_or_without_its_length() {
    let gateway = Gateway::start_with(|config| config.http.body_limit_bytes = 1024).await;
    let large = json!({ "query": "{ ok }", "operationName": "x".repeat(2000) }).to_string();
    let chunks: Vec<std::io::Result<String>> = large
        .as_bytes()
        .chunks(100)
        .map(|chunk| Ok(String::from_utf8(chunk.to_vec()).unwrap()))
        .collect();
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    for body in [large.into(), chunked] {
        let response = gateway
            .client
            .post(gateway.url("/graphql"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        refused(response, StatusCode::PAYLOAD_TOO_LARGE, "INVALID_INPUT").await;
    }
}

#[tokio::test]
async fn a_refused_document_is_400_in_the_graphql_form_and_200_in_plain_json() {
    let gateway = Gateway::start().await;
    for document in ["{ ok", "{ nothing }"] {
        for (accept, status) in [
            (GRAPHQL, StatusCode::BAD_REQUEST),
            ("application/json", StatusCode::OK),
        ] {
            let response = gateway
                .post(document)
                .header(header::ACCEPT, accept)
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), status, "{document} {accept}");
            let content_type = response.headers()[header::CONTENT_TYPE].to_str().unwrap();
            assert!(content_type.starts_with(accept), "{content_type}");
            let body: Value = response.json().await.unwrap();
            assert!(
                body.get("data").is_none() && body["errors"].is_array(),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn a_field_that_fails_leaves_the_data_and_200() {
    let gateway = Gateway::start().await;
    let response = gateway
        .post("{ ok fails }")
        .header(header::ACCEPT, GRAPHQL)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["data"]["ok"], true);
    assert_eq!(body["errors"][0]["path"], json!(["fails"]));
}

#[tokio::test]
async fn what_cannot_be_accepted_is_406() {
    let gateway = Gateway::start().await;
    for (document, accept) in [
        ("{ ok }", "text/html"),
        ("subscription { count(to: 1) }", "application/json"),
    ] {
        let request = gateway.post(document).header(header::ACCEPT, accept);
        let response = request.send().await.unwrap();
        refused(response, StatusCode::NOT_ACCEPTABLE, "INVALID_INPUT").await;
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_error_that_tells_only_its_id() {
    let gateway = Gateway::start().await;
    let response = gateway
        .post("{ panics }")
        .header("x-request-id", "req-1")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["x-request-id"], "req-1");
    let body = refused(response, StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL").await;
    assert_eq!(body["errors"][0]["extensions"]["traceId"], "req-1");
    assert!(!body.to_string().contains("secret"), "{body}");
    // The connection and the gateway live on.
    let response = gateway.post("{ ok }").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_keeps_its_plain_id_and_gets_one_otherwise() {
    let gateway = Gateway::start().await;
    let id_for = async |sent: Option<&str>| {
        let mut request = gateway.get("/healthz");
        if let Some(id) = sent {
            request = request.header("x-request-id", id);
        }
        let response = request.send().await.unwrap();
        response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(id_for(Some("a-B_9.x")).await, "a-B_9.x");
    let made = id_for(None).await;
    assert_eq!(made.len(), 36, "{made}");
    for strange in ["", "a b", "a\"b", &"x".repeat(129)] {
        assert_eq!(id_for(Some(strange)).await.len(), 36, "{strange:?}");
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_the_same_form() {
    let gateway = Gateway::start().await;
    let response = gateway.get("/nothing").send().await.unwrap();
    refused(response, StatusCode::NOT_FOUND, "NOT_FOUND").await;
    let request = gateway.client.delete(gateway.url("/graphql"));
    let response = request.send().await.unwrap();
    refused(response, StatusCode::METHOD_NOT_ALLOWED, "INVALID_INPUT").await;
}

#[tokio::test]
async fn a_request_that_gets_no_turn_is_told_when_to_come_back() {
    let gateway = Gateway::start_with(|config| {
        config.http.max_anonymous_requests = 1;
        config.http.queue_timeout_seconds = 1;
    })
    .await;
    let slow = tokio::spawn(gateway.post("mutation { slow }").send());
    gateway.stage.begun.notified().await;
    let response = gateway.post("{ ok }").send().await.unwrap();
    assert_eq!(response.headers()[header::RETRY_AFTER], "5");
    let body = refused(response, StatusCode::SERVICE_UNAVAILABLE, "RATE_LIMITED").await;
    assert_eq!(body["errors"][0]["extensions"]["retryAfterSeconds"], 5);
    gateway.stage.release.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_mutation_is_carried_through_although_its_client_hung_up() {
    let gateway = Gateway::start().await;
    let slow = tokio::spawn(gateway.post("mutation { slow }").send());
    gateway.stage.begun.notified().await;
    slow.abort();
    assert!(slow.await.unwrap_err().is_cancelled());
    gateway.stage.release.notify_one();
    gateway.lifecycle.stop();
    gateway.running.await.unwrap().unwrap();
    assert_eq!(
        gateway.stage.done.load(std::sync::atomic::Ordering::SeqCst),
        1
    );
}
