//! The panel of this build, whether it is in it or not.

use reqwest::{Method, StatusCode, header};

use crate::harness::Gateway;

#[tokio::test]
async fn the_page_is_at_the_root() {
    let gateway = Gateway::start().await;
    let page = gateway.get("/").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let headers = page.headers();
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
    assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    let cache = headers[header::CACHE_CONTROL].to_str().unwrap();
    assert!(["no-cache", "no-store"].contains(&cache), "{cache}");
    let length = headers[header::CONTENT_LENGTH].clone();
    assert!(page.text().await.unwrap().contains("<title>Tidemark"));

    let head = gateway.client.request(Method::HEAD, gateway.url("/"));
    let head = head.send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()[header::CONTENT_LENGTH], length);
    assert_eq!(head.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_is_nowhere_is_not_found() {
    let gateway = Gateway::start().await;
    for path in ["/assets/none.js", "/graphql/none", "/none"] {
        let answer = gateway.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "NOT_FOUND");
    }
}
