//! `/usage.csv`: who may read it, and what it looks like.

use entity::user::Role;
use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::{Gateway, token_of};

const MONTH: &str = "/usage.csv?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z";

#[tokio::test]
async fn a_report_is_a_file_for_those_who_may_read_it() {
    let gateway = Gateway::start_api(|_| {}).await;
    let admin = token_of(&gateway.app, "root@example.com", Role::Admin).await;
    let viewer = gateway
        .post("{ viewer { account { id } } }")
        .bearer_auth(&gateway.token)
        .send()
        .await
        .unwrap();
    let viewer: Value = viewer.json().await.unwrap();
    let own = viewer["data"]["viewer"]["account"]["id"].as_str().unwrap();
    let unknown = "0190a0a0-0000-7000-8000-000000000000";
    for (token, account, status) in [
        (None, None, StatusCode::UNAUTHORIZED),
        (Some(&gateway.token), None, StatusCode::OK),
        (Some(&gateway.token), Some(own), StatusCode::OK),
        (Some(&gateway.token), Some(unknown), StatusCode::NOT_FOUND),
        (Some(&admin), Some(own), StatusCode::OK),
        (Some(&admin), None, StatusCode::OK),
    ] {
        let account = account
            .map(|id| format!("&accountId={id}"))
            .unwrap_or_default();
        let mut request = gateway.get(&format!("{MONTH}{account}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{account}");
        if status != StatusCode::OK {
            continue;
        }
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/csv"), "{kind}");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let text = response.text().await.unwrap();
        assert!(text.starts_with("BilledCost,BillingAccountId,"), "{text}");
        assert!(text.ends_with("\r\n"), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_is_compressed_ends_as_it_does_plain() {
    let gateway = Gateway::start_api(|_| {}).await;
    let ask = async |encoding: &str| {
        let request = gateway
            .get(MONTH)
            .bearer_auth(&gateway.token)
            .header("accept-encoding", encoding);
        let response = request.send().await.unwrap();
        let is_compressed = response.headers().contains_key("content-encoding");
        (is_compressed, response.bytes().await)
    };
    let (is_compressed, plain) = ask("identity").await;
    assert!(!is_compressed);
    assert!(plain.unwrap().ends_with(b"\r\n"));
    let (is_compressed, body) = ask("gzip").await;
    assert!(is_compressed);
    assert!(body.unwrap().starts_with(b"\x1f\x8b"));
}

#[tokio::test]
async fn a_period_that_is_none_is_no_file() {
    let gateway = Gateway::start_api(|_| {}).await;
    for query in [
        "",
        "?from=yesterday&to=today",
        "?from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z",
    ] {
        let request = gateway.get(&format!("/usage.csv{query}"));
        let response = request.bearer_auth(&gateway.token).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "INVALID_INPUT");
    }
}
