//! How sessions in cookies end: by signing out, by signing in again, and one by one.

use reqwest::{RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

use super::{
    SIGN_OUT, VIEWER, email, own, refusal, set_cookie, sign_in, signed_in, websocket::open,
};
use crate::harness::{Gateway, PASSWORD};

#[tokio::test]
async fn signing_out_ends_the_session_and_its_streams_and_clears_the_cookie() {
    let gateway = Gateway::start_api(|_| {}).await;
    let cookie = signed_in(&gateway).await;
    let with = |request: RequestBuilder| {
        request
            .header(header::ORIGIN, own(&gateway))
            .header(header::COOKIE, &cookie)
    };
    let stream = with(gateway.post("subscription { operationEvents { __typename } }"));
    let stream = stream
        .header(header::ACCEPT, "text/event-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    let mut socket = open(&gateway, &own(&gateway), &cookie).await.unwrap();
    socket.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");

    let answer = with(gateway.post(SIGN_OUT)).send().await.unwrap();
    let cleared = set_cookie(&answer).unwrap();
    assert!(cleared.starts_with("tidemark_session=;"), "{cleared}");
    assert!(cleared.ends_with("Max-Age=0"), "{cleared}");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["data"]["signOut"], true);

    let events = stream.text().await.unwrap();
    assert!(events.contains("UNAUTHENTICATED"), "{events}");
    assert!(events.ends_with("event: complete\n\n"), "{events}");
    socket.subscribe("1", VIEWER).await;
    assert_eq!(u16::from(socket.closed().await.code), 4403);
    let answer = with(gateway.post(VIEWER)).send().await.unwrap();
    assert_eq!(refusal(answer).await.1, "UNAUTHENTICATED");
}

#[tokio::test]
async fn signing_in_again_ends_the_session_that_the_browser_had_and_no_other() {
    let gateway = Gateway::start_api(|_| {}).await;
    let (former, elsewhere) = (signed_in(&gateway).await, signed_in(&gateway).await);
    let with = |request: RequestBuilder, cookie: &str| {
        request
            .header(header::ORIGIN, own(&gateway))
            .header(header::COOKIE, cookie)
    };
    let sees = async |cookie: &str| {
        let answer = with(gateway.post(VIEWER), cookie).send().await.unwrap();
        email(answer).await == "ann@example.com"
    };
    // Who is not who they say ends nothing.
    let wrong =
        "mutation { signIn(input: { email: \"ann@example.com\", password: \"x\" }) { token } }";
    let answer = with(gateway.post(wrong), &former).send().await.unwrap();
    assert_eq!(refusal(answer).await.1, "UNAUTHENTICATED");
    assert!(sees(&former).await);

    let answer = with(sign_in(&gateway), &former).send().await.unwrap();
    let next = set_cookie(&answer).unwrap();
    let next = next.split(';').next().unwrap().to_owned();
    assert!(!sees(&former).await);
    assert!(sees(&next).await);
    assert!(sees(&elsewhere).await);

    // A program's token is no browser's session.
    let answer = sign_in(&gateway).bearer_auth(&gateway.token);
    assert_eq!(answer.send().await.unwrap().status(), StatusCode::OK);
    let answer = gateway.post(VIEWER).bearer_auth(&gateway.token);
    assert_eq!(email(answer.send().await.unwrap()).await, "ann@example.com");

    // A WebSocket can hand no cookie on: what the browser has stays good.
    let mut socket = open(&gateway, &own(&gateway), &next).await.unwrap();
    socket.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
    let again = format!(
        "mutation {{ signIn(input: {{ email: \"ann@example.com\", password: \"{PASSWORD}\" }}) {{ token }} }}"
    );
    socket.subscribe("1", &again).await;
    assert_eq!(socket.receive().await["type"], "next");
    assert!(sees(&next).await);
}

#[tokio::test]
async fn ending_the_own_session_clears_its_cookie_and_ending_another_does_not() {
    let gateway = Gateway::start_api(|_| {}).await;
    let (current, other) = (signed_in(&gateway).await, signed_in(&gateway).await);
    let ask = async |document: String| {
        let request = gateway
            .post(&document)
            .header(header::ORIGIN, own(&gateway));
        request
            .header(header::COOKIE, &current)
            .send()
            .await
            .unwrap()
    };
    let sessions = "{ viewer { sessions { id current } } }".to_owned();
    let seen: Value = ask(sessions).await.json().await.unwrap();
    let id = |is_current: bool| {
        let sessions = seen["data"]["viewer"]["sessions"].as_array().unwrap();
        let mut found = sessions.iter().filter(|one| one["current"] == is_current);
        found.next().unwrap()["id"].as_str().unwrap().to_owned()
    };
    let end = |id: String| {
        ask(format!(
            "mutation {{ endSession(input: {{ sessionId: \"{id}\" }}) {{ session {{ id }} }} }}"
        ))
    };
    let answer = end(id(false)).await;
    assert_eq!(set_cookie(&answer), None);
    let seen_by_other = gateway.post(VIEWER).header(header::ORIGIN, own(&gateway));
    let seen_by_other = seen_by_other.header(header::COOKIE, &other);
    let answer = seen_by_other.send().await.unwrap();
    assert_eq!(refusal(answer).await.1, "UNAUTHENTICATED");
    let cleared = set_cookie(&end(id(true)).await).unwrap();
    assert!(cleared.ends_with("Max-Age=0"), "{cleared}");
}
