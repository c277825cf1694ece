//! Who asks, and from where.

use std::time::{Duration, Instant};

use entity::user::Role;
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use tidemark::domain::{token, user};

use crate::harness::Gateway;

async fn who(gateway: &Gateway, authorization: Option<&str>) -> (StatusCode, Value) {
    let mut request = gateway.post("{ who }");
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let response = request.send().await.unwrap();
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED {
        let challenge = response.headers()[header::WWW_AUTHENTICATE]
            .to_str()
            .unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn a_bearer_is_who_its_token_speaks_for() {
    let gateway = Gateway::start().await;
    for scheme in ["Bearer", "bearer"] {
        let (_, body) = who(&gateway, Some(&format!("{scheme} {}", gateway.token))).await;
        assert_eq!(body["data"]["who"], "ann@example.com");
    }
}

#[tokio::test]
async fn who_sends_no_token_is_anonymous() {
    let gateway = Gateway::start().await;
    let (status, body) = who(&gateway, None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body, json!({ "data": { "who": "anonymous" } }));
}

#[tokio::test]
async fn a_token_that_speaks_for_nobody_is_refused() {
    let gateway = Gateway::start().await;
    for authorization in ["Bearer nobody", "Bearer ", "Bearer", "Basic YTpi", ""] {
        let (status, body) = who(&gateway, Some(authorization)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused_from_then_on() {
    let gateway = Gateway::start().await;
    let authorization = format!("Bearer {}", gateway.token);
    become_known(&gateway, &authorization).await;
    let requester = token::authenticate(&gateway.app, &gateway.token)
        .await
        .unwrap();
    token::revoke(&gateway.app, requester.token().unwrap())
        .await
        .unwrap();
    let (status, _) = who(&gateway, Some(&authorization)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

/// Asks often enough that who it is would be known from memory.
async fn become_known(gateway: &Gateway, authorization: &str) {
    for _ in 0..3 {
        assert_eq!(who(gateway, Some(authorization)).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn who_was_known_a_moment_ago_costs_no_statement() {
    let gateway = Gateway::start().await;
    let authorization = format!("Bearer {}", gateway.token);
    loop {
        let began = Instant::now();
        become_known(&gateway, &authorization).await;
        let before = gateway.statements();
        assert_eq!(who(&gateway, Some(&authorization)).await.0, StatusCode::OK);
        let after = gateway.statements();
        // A machine that takes longer for this has to remember nothing.
        if began.elapsed() < Duration::from_secs(1) {
            assert_eq!(after, before);
            break;
        }
    }
}

#[tokio::test]
async fn a_user_who_was_disabled_is_refused_from_then_on() {
    let gateway = Gateway::start().await;
    let authorization = format!("Bearer {}", gateway.token);
    become_known(&gateway, &authorization).await;
    let ann = token::authenticate(&gateway.app, &gateway.token).await;
    let ann = ann.unwrap().user_id().unwrap();
    let admin = gateway.admin().await;
    user::change::disable(&gateway.app, &admin, ann)
        .await
        .unwrap();
    let (status, _) = who(&gateway, Some(&authorization)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_role_counts_from_then_on() {
    let gateway = Gateway::start_api(|_| {}).await;
    let ann = token::authenticate(&gateway.app, &gateway.token).await;
    let ann = ann.unwrap().user_id().unwrap();
    let admin = gateway.admin().await;
    let role = async || {
        let asked = gateway.post("{ viewer { role } }");
        let answer = asked.bearer_auth(&gateway.token).send().await.unwrap();
        let mut body: Value = answer.json().await.unwrap();
        body["data"]["viewer"]["role"].take()
    };
    for (given, told) in [(Role::Admin, "ADMIN"), (Role::User, "USER")] {
        user::change::update(&gateway.app, &admin, ann, None, Some(given))
            .await
            .unwrap();
        for _ in 0..3 {
            assert_eq!(role().await, told);
        }
    }
}

#[tokio::test]
async fn a_proxys_word_counts_only_when_it_is_trusted() {
    for (trusted, expected) in [("127.0.0.0/8", "203.0.113.9"), ("10.0.0.0/8", "127.0.0.1")] {
        let gateway = Gateway::start_with(|config| {
            config.http.trusted_proxies = vec![trusted.parse().unwrap()];
        })
        .await;
        let request = gateway.post("{ remote }");
        let request = request.header("x-forwarded-for", "198.51.100.7, 203.0.113.9");
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(body["data"]["remote"], expected);
    }
}
