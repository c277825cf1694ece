//! Event streams.

use reqwest::{RequestBuilder, StatusCode, header};
use tidemark::graphql::page::Cursor;

use crate::harness::Gateway;

const COUNT: &str = "subscription { count(to: 2) }";
const COUNTED: &str = "event: next\ndata: {\"data\":{\"count\":1}}\n\n\
                       event: next\ndata: {\"data\":{\"count\":2}}\n\n\
                       event: complete\n\n";

async fn events(request: RequestBuilder) -> String {
    let response = request
        .header(header::ACCEPT, "text/event-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    response.text().await.unwrap()
}

#[tokio::test]
async fn a_subscription_is_streamed_by_post_and_by_get() {
    let gateway = Gateway::start().await;
    assert_eq!(events(gateway.post(COUNT)).await, COUNTED);
    assert_eq!(events(gateway.get_query(COUNT)).await, COUNTED);
}

#[tokio::test]
async fn the_path_for_streams_streams_whatever_is_accepted() {
    let gateway = Gateway::start().await;
    let response = gateway
        .client
        .post(gateway.url("/graphql/stream"))
        .json(&serde_json::json!({ "query": COUNT }))
        .send()
        .await
        .unwrap();
    assert_eq!(response.text().await.unwrap(), COUNTED);
}

#[tokio::test]
async fn queries_mutations_and_refusals_are_streamed_too() {
    let gateway = Gateway::start().await;
    let end = "event: complete\n\n";
    assert_eq!(
        events(gateway.post("{ ok }")).await,
        format!("event: next\ndata: {{\"data\":{{\"ok\":true}}}}\n\n{end}")
    );
    assert_eq!(
        events(gateway.post("mutation { bump }")).await,
        format!("event: next\ndata: {{\"data\":{{\"bump\":true}}}}\n\n{end}")
    );
    let refused = events(gateway.post("{ nothing }")).await;
    assert!(
        refused.starts_with("event: next\ndata: {\"errors\":["),
        "{refused}"
    );
    assert!(refused.ends_with(end), "{refused}");
}

#[tokio::test]
async fn a_mutation_by_get_is_refused_here_too() {
    let gateway = Gateway::start().await;
    let mut url = reqwest::Url::parse(&gateway.url("/graphql/stream")).unwrap();
    url.query_pairs_mut()
        .append_pair("query", "mutation { bump }");
    let response = gateway.client.get(url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn an_idle_stream_says_that_it_lives_and_ends_with_its_client() {
    let gateway = Gateway::start_with(|config| config.stream.keep_alive_seconds = 1).await;
    let mut response = gateway
        .post("subscription { forever }")
        .header(header::ACCEPT, "text/event-stream")
        .send()
        .await
        .unwrap();
    let mut text = String::new();
    while !text.contains("\n:") {
        let chunk = response.chunk().await.unwrap().unwrap();
        text += std::str::from_utf8(&chunk).unwrap();
    }
    assert!(text.starts_with("event: next\n"), "{text}");
    gateway.watchers(1).await;
    drop(response);
    gateway.watchers(0).await;
}

#[tokio::test]
async fn a_token_that_ends_in_mid_stream_is_told_and_ends_it() {
    let gateway = Gateway::start_api(|config| config.stream.keep_alive_seconds = 1).await;
    let mut response = gateway
        .post("subscription { operationEvents { cursor } }")
        .bearer_auth(&gateway.token)
        .header(header::ACCEPT, "text/event-stream")
        .send()
        .await
        .unwrap();
    // The stream waits by then.
    let alive = response.chunk().await.unwrap().unwrap();
    assert!(alive.starts_with(b":"), "{alive:?}");
    gateway.revoke().await;
    let rest = response.text().await.unwrap();
    assert!(rest.contains("event: next\n"), "{rest}");
    assert!(rest.contains(r#""code":"UNAUTHENTICATED""#), "{rest}");
    assert!(rest.ends_with("event: complete\n\n"), "{rest}");
}

#[tokio::test]
async fn a_stream_from_a_cursor_that_is_yet_to_come_says_so_and_ends() {
    let gateway = Gateway::start_api(|_| {}).await;
    let cursor = Cursor::of_event(9).encode();
    let query = format!("subscription {{ operationEvents(after: \"{cursor}\") {{ cursor }} }}");
    let response = gateway
        .post(&query)
        .bearer_auth(&gateway.token)
        .header(header::ACCEPT, "text/event-stream")
        .send()
        .await
        .unwrap();
    let told = response.text().await.unwrap();
    assert!(told.contains(r#""code":"CURSOR_GONE""#), "{told}");
    assert!(told.ends_with("event: complete\n\n"), "{told}");
}
