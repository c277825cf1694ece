//! Answers are compressed where clients ask for it; streams and what holds secrets never are.

use reqwest::{RequestBuilder, Response, header};

use crate::harness::{Gateway, PASSWORD};

const SCHEMA: &str = "{ __schema { types { name description fields { name description } } } }";

async fn send(request: RequestBuilder, encodings: &str) -> Response {
    let request = request.header(header::ACCEPT_ENCODING, encodings);
    request.send().await.unwrap()
}

fn is_gzip(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding == "gzip")
}

#[tokio::test]
async fn a_long_answer_is_compressed_where_it_is_asked_for() {
    let gateway = Gateway::start().await;
    let plain = gateway.post(SCHEMA).send().await.unwrap();
    assert!(!is_gzip(&plain));
    let plain = plain.bytes().await.unwrap();
    for request in [gateway.post(SCHEMA), gateway.get_query(SCHEMA)] {
        let response = send(request, "br, gzip;q=0.9, zstd").await;
        assert!(is_gzip(&response));
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let compressed = response.bytes().await.unwrap();
        assert!(compressed.starts_with(b"\x1f\x8b"), "{compressed:?}");
        assert!(compressed.len() * 2 < plain.len(), "{}", compressed.len());
    }
    for encodings in ["identity", "gzip;q=0", "br"] {
        assert!(!is_gzip(&send(gateway.post(SCHEMA), encodings).await));
    }
}

#[tokio::test]
async fn a_short_answer_is_sent_as_it_is() {
    let gateway = Gateway::start().await;
    assert!(!is_gzip(&send(gateway.post("{ ok }"), "gzip").await));
}

#[tokio::test]
async fn an_event_stream_is_never_compressed() {
    let gateway = Gateway::start().await;
    for document in [SCHEMA, "subscription { count(to: 100) }"] {
        let request = gateway.post(document);
        let request = request.header(header::ACCEPT, "text/event-stream");
        let response = send(request, "gzip").await;
        assert!(!is_gzip(&response));
        assert!(response.text().await.unwrap().starts_with("event: next\n"));
    }
}

#[tokio::test]
async fn an_answer_that_may_hold_a_secret_is_never_compressed() {
    let gateway = Gateway::start_api(|_| {}).await;
    let aliases: Vec<_> = (0..80)
        .map(|alias| format!("a{alias}: __typename"))
        .collect();
    let aliases = aliases.join(" ");
    let document = format!(
        r#"mutation {{ signIn(input: {{ email: "ann@example.com", password: "{PASSWORD}" }}) {{
            token {aliases} }} }}"#
    );
    let response = send(gateway.post(&document), "gzip").await;
    assert!(!is_gzip(&response));
    let text = response.text().await.unwrap();
    assert!(text.len() > 1024 && text.contains("\"token\":\""), "{text}");
}
