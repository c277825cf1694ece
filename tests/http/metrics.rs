//! What the gateway counts: who reads it, what is in it, and that no caller makes it grow.

use std::{collections::BTreeSet, path::Path, time::Duration};

use entity::{operation::OperationKind, operation_event::OperationEventKind};
use reqwest::StatusCode;
use tidemark::{
    http::MetricsServer,
    metrics::Field,
    task::{Gateways, Ran, Task},
};
use tokio_util::sync::CancellationToken;

use crate::harness::Gateway;

/// The figures of `gateway`, read as Prometheus does.
async fn figures(gateway: &Gateway) -> String {
    let server = MetricsServer::bind(([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let url = format!("http://{}/metrics", server.address());
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve(gateway.app.clone(), stop.clone()));
    let response = gateway.client.get(&url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let text = response.text().await.unwrap();
    stop.cancel();
    serving.await.unwrap().unwrap();
    text
}

/// The value of a figure with these labels.
fn value<'a>(figures: &'a str, name: &str) -> &'a str {
    let line = figures.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {figures}"));
    line.rsplit(' ').next().unwrap()
}

async fn gateway() -> Gateway {
    let mut gateway = Gateway::start_api(|_| {}).await;
    let metrics = gateway.app.metrics.clone();
    gateway.app.database.observe(move |info| {
        metrics.ran(&info.statement.sql, info.elapsed, info.failed);
    });
    gateway
}

#[tokio::test]
async fn root_fields_are_counted_by_their_name_and_outcome_whatever_they_are_called() {
    let gateway = gateway().await;
    let token = gateway.token.clone();
    let ask = async |query: &str| {
        let request = gateway.post(query).bearer_auth(&token);
        request.send().await.unwrap();
    };
    ask("{ mine: viewer { user { email } } serverTime }").await;
    ask("{ viewer { user { email } } hypervisors { id } }").await;
    ask("{ nothing }").await;
    ask("{").await;
    let text = figures(&gateway).await;
    let requests = |operation: &str, field: &str, outcome: &str| {
        let labels = format!(
            "tidemark_requests_total{{operation=\"{operation}\",field=\"{field}\",outcome=\"{outcome}\"}}"
        );
        value(&text, &labels)
    };
    assert_eq!(requests("query", "viewer", "OK"), "2");
    assert_eq!(requests("query", "serverTime", "OK"), "1");
    assert_eq!(requests("query", "hypervisors", "FORBIDDEN"), "1");
    assert_eq!(requests("none", "none", "GRAPHQL_VALIDATION_FAILED"), "1");
    assert_eq!(requests("none", "none", "GRAPHQL_PARSE_FAILED"), "1");
    assert!(
        !text.contains("mine") && !text.contains("nothing"),
        "{text}"
    );
    let count = value(&text, "tidemark_request_seconds_count{operation=\"query\"}");
    assert_eq!(count, "2");
    gateway.lifecycle.stop();
}

#[tokio::test]
async fn streams_are_counted_while_they_are_open() {
    let gateway = gateway().await;
    let mut socket = gateway.ready_socket().await;
    let missing = "0190a0a0-0000-7000-8000-000000000000";
    let document =
        format!("subscription {{ operationProgress(operationId: \"{missing}\") {{ id }} }}");
    socket
        .subscribe("1", "subscription { operationEvents { cursor } }")
        .await;
    socket.subscribe("2", &document).await;
    assert_eq!(socket.receive().await["id"], "2");
    let text = figures(&gateway).await;
    assert_eq!(value(&text, "tidemark_streams"), "1");
    let refused = "tidemark_requests_total{operation=\"subscription\",field=\"operationProgress\",outcome=\"NOT_FOUND\"}";
    assert_eq!(value(&text, refused), "1");
    gateway.lifecycle.stop();
}

#[tokio::test]
async fn tasks_statements_connections_and_the_queue_are_told() {
    let gateway = gateway().await;
    let stop = CancellationToken::new();
    let ran = stop.clone();
    let hour = Duration::from_hours(1);
    let task = Task::new("test", Gateways::One, hour, hour, move |_| {
        ran.cancel();
        async { Ok(Ran::Done) }
    });
    task.run(gateway.app.clone(), stop).await.unwrap();
    let text = figures(&gateway).await;
    let told = |name: &str| value(&text, name);
    assert_eq!(
        told("tidemark_task_runs_total{task=\"test\",outcome=\"done\"}"),
        "1"
    );
    assert_eq!(told("tidemark_task_leads{task=\"test\"}"), "1");
    assert_ne!(
        told("tidemark_statement_seconds_count{verb=\"insert\"}"),
        "0"
    );
    told("tidemark_connections{pool=\"writes\",state=\"idle\"}");
    assert_eq!(
        told("tidemark_operations{kind=\"CREATE_BACKUP\",status=\"PENDING\"}"),
        "0"
    );
    assert_eq!(told("tidemark_queue_age_seconds"), "0.0");
    gateway.lifecycle.stop();
}

#[tokio::test]
async fn the_port_of_the_api_does_not_tell_what_is_counted() {
    let gateway = gateway().await;
    let response = gateway
        .get("/metrics")
        .bearer_auth(&gateway.token)
        .send()
        .await
        .unwrap();
    assert!(!response.text().await.unwrap().contains("tidemark_requests"));
    gateway.lifecycle.stop();
}

#[tokio::test]
async fn the_dashboard_the_rules_and_the_page_name_figures_that_there_are() {
    let gateway = gateway().await;
    // What was never counted is not told.
    let metrics = &gateway.app.metrics;
    metrics.requested("query", &Field::new("viewer"), "OK");
    metrics.took("query", Duration::ZERO);
    metrics.passed(
        OperationKind::CreateBackup,
        OperationEventKind::Completed,
        1,
    );
    metrics.task_ran("cleanup", "done", Duration::ZERO);
    metrics.leads("cleanup", true);
    let described: BTreeSet<String> = figures(&gateway)
        .await
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    assert!(described.len() > 10, "{described:?}");
    for file in ["metrics/dashboard.json", "metrics/alerts.yml", "metrics.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("docs")
            .join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let named = text.split(|char| !is_name(char));
        let named: BTreeSet<_> = named.filter(|word| word.starts_with("tidemark_")).collect();
        assert!(named.len() > 5, "{file}");
        for name in named {
            let base = ["_total", "_bucket", "_count", "_sum"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(name);
            assert!(described.contains(base), "{file} names {name}");
        }
    }
    gateway.lifecycle.stop();
}
