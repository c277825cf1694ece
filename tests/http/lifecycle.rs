//! How the gateway ends: in order, and with nothing lost.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use reqwest::{StatusCode, header};
use serde_json::Value;

use crate::harness::Gateway;

#[tokio::test]
async fn a_request_under_way_is_finished_and_no_further_one_taken() {
    let gateway = Gateway::start().await;
    let slow = tokio::spawn(gateway.post("mutation { slow }").send());
    gateway.stage.begun.notified().await;
    gateway.lifecycle.stop();
    // The listener closes once the gateway has noticed.
    while tokio::net::TcpStream::connect(gateway.address)
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    gateway.stage.release.notify_one();
    let response = slow.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["data"]["slow"], 1);
    gateway.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn streams_end_and_sockets_are_closed_as_going_away() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.ready_socket().await;
    socket.subscribe("1", "subscription { forever }").await;
    assert_eq!(socket.receive().await["type"], "next");
    let stream = gateway
        .post("subscription { forever }")
        .header(header::ACCEPT, "text/event-stream")
        .send()
        .await
        .unwrap();
    gateway.watchers(2).await;
    gateway.lifecycle.stop();
    assert_eq!(u16::from(socket.closed().await.code), 1001);
    let text = stream.text().await.unwrap();
    assert!(
        !text.contains("complete"),
        "the client is to ask again: {text}"
    );
    gateway.watchers(0).await;
    gateway.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_mutation_on_a_socket_is_finished_before_it_is_closed() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.ready_socket().await;
    socket.subscribe("1", "mutation { slow }").await;
    gateway.stage.begun.notified().await;
    gateway.lifecycle.stop();
    gateway.stage.release.notify_one();
    assert_eq!(socket.receive().await["payload"]["data"]["slow"], 1);
    assert_eq!(socket.receive().await["type"], "complete");
    assert_eq!(u16::from(socket.closed().await.code), 1001);
    gateway.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_end_in_the_grace_period_is_not_waited_for() {
    let gateway = Gateway::start_with(|config| config.http.shutdown_grace_seconds = 0).await;
    let slow = tokio::spawn(gateway.post("mutation { slow }").send());
    gateway.stage.begun.notified().await;
    gateway.lifecycle.stop();
    gateway.running.await.unwrap().unwrap();
    slow.abort();
}

#[tokio::test]
async fn an_embedded_agent_stops_while_the_gateway_still_answers_it() {
    let gateway = Gateway::start().await;
    let request = gateway.post("{ ok }");
    let answered = Arc::new(AtomicU32::new(0));
    let counter = answered.clone();
    gateway.lifecycle.spawn_agent(|stopping| async move {
        stopping.cancelled().await;
        let response = request.send().await.map_err(|error| error.to_string())?;
        counter.store(response.status().as_u16().into(), Ordering::SeqCst);
        Ok::<_, String>(())
    });
    gateway.lifecycle.stop();
    gateway.running.await.unwrap().unwrap();
    assert_eq!(answered.load(Ordering::SeqCst), 200);
}

#[tokio::test]
async fn tasks_are_told_to_stop_once_the_requests_have_finished() {
    let gateway = Gateway::start().await;
    let stopped = Arc::new(AtomicU32::new(0));
    let counter = stopped.clone();
    gateway.lifecycle.spawn_task("test", |stopping| async move {
        stopping.cancelled().await;
        counter.store(1, Ordering::SeqCst);
        Ok::<_, Infallible>(())
    });
    let slow = tokio::spawn(gateway.post("mutation { slow }").send());
    gateway.stage.begun.notified().await;
    gateway.lifecycle.stop();
    while tokio::net::TcpStream::connect(gateway.address)
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(stopped.load(Ordering::SeqCst), 0);
    gateway.stage.release.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
    gateway.running.await.unwrap().unwrap();
    assert_eq!(stopped.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_part_that_fails_ends_the_gateway_and_says_why() {
    let gateway = Gateway::start().await;
    gateway
        .lifecycle
        .spawn_task("the part", |_| async { Err("the cause") });
    let failure = gateway.running.await.unwrap().unwrap_err();
    assert_eq!(failure.to_string(), "the part failed: the cause");
}

#[tokio::test]
async fn a_part_that_ends_too_early_ends_the_gateway() {
    let gateway = Gateway::start().await;
    gateway
        .lifecycle
        .spawn_task("the part", |_| async { Ok::<_, Infallible>(()) });
    let failure = gateway.running.await.unwrap().unwrap_err();
    assert_eq!(failure.to_string(), "the part failed: it ended too early");
}

#[tokio::test]
async fn a_query_whose_client_hangs_up_is_stopped() {
    let gateway = Gateway::start().await;
    let by_post = tokio::spawn(gateway.post("{ waits }").send());
    gateway.watchers(1).await;
    by_post.abort();
    gateway.watchers(0).await;
    let stream = gateway
        .post("{ waits }")
        .header(header::ACCEPT, "text/event-stream")
        .send()
        .await
        .unwrap();
    gateway.watchers(1).await;
    drop(stream);
    gateway.watchers(0).await;
    let mut socket = gateway.ready_socket().await;
    socket.subscribe("1", "{ waits }").await;
    gateway.watchers(1).await;
    drop(socket);
    gateway.watchers(0).await;
}
