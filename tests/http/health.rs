//! `/healthz`, `/readyz` and `/graphiql`.

use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::Gateway;

#[tokio::test]
async fn a_gateway_with_its_database_lives_and_is_ready() {
    let gateway = Gateway::start().await;
    for path in ["/healthz", "/readyz"] {
        let response = gateway.get(path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_gateway_without_its_database_lives_but_is_not_ready() {
    let gateway = Gateway::start().await;
    gateway.app.database.clone().close().await.unwrap();
    let alive = gateway.get("/healthz").send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
    let ready = gateway.get("/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = ready.json().await.unwrap();
    assert_eq!(body["reason"], "the database does not answer");
}

#[tokio::test]
async fn the_page_for_queries_is_there_only_when_asked_for() {
    for (graphiql, status) in [(true, StatusCode::OK), (false, StatusCode::NOT_FOUND)] {
        let gateway = Gateway::start_with(|config| config.graphql.graphiql = graphiql).await;
        let response = gateway.get("/graphiql").send().await.unwrap();
        assert_eq!(response.status(), status);
    }
}
