//! How much one caller may have of the gateway: turns, streams, connections and hashes. Whoever has too much is
//! told so by a code, and costs nobody else.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Waker},
};

use entity::user;
use futures_util::FutureExt;
use reqwest::{Client, StatusCode, header};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tidemark::domain::{HangUp, device, hashing};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::yield_now,
};

use crate::harness::{Gateway, PASSWORD};

fn sign_ins(count: usize, password: &str) -> String {
    let input = format!("input: {{ email: \"ann@example.com\", password: \"{password}\" }}");
    let fields: Vec<_> = (0..count)
        .map(|at| format!("a{at}: signIn({input}) {{ token }}"))
        .collect();
    format!("mutation {{ {} }}", fields.join(" "))
}

fn stranger(address: &str) -> hashing::Client {
    hashing::Client::Stranger(address.to_owned())
}

/// `document` by POST, over a connection that can be cut at any moment.
async fn begun(address: SocketAddr, document: &str) -> io::Result<TcpStream> {
    let body = json!({ "query": document }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all((head + &body).as_bytes()).await?;
    Ok(stream)
}

#[tokio::test]
async fn a_sign_in_that_finds_no_place_to_wait_in_is_429_and_told_when_to_come_back() {
    let gateway = Gateway::start_api(|config| {
        config.auth.hashes_at_once = 1;
        config.auth.hashes_waiting = 1;
    })
    .await;
    let never = HangUp::default();
    let (a, b) = (stranger("a"), stranger("b"));
    let held = gateway.app.hashing.turn(&a, &never).await.unwrap();
    let mut waiting = Box::pin(gateway.app.hashing.turn(&b, &never));
    assert!(waiting.as_mut().now_or_never().is_none());
    for count in [1, 3] {
        let response = gateway.post(&sign_ins(count, PASSWORD)).send().await;
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        let body: Value = response.json().await.unwrap();
        let extensions = &body["errors"][0]["extensions"];
        assert_eq!(extensions["code"], "RATE_LIMITED");
        assert_eq!(extensions["retryAfterSeconds"], 2);
    }
    // What needs no hash is answered all the while.
    let response = gateway.post("{ serverTime }").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    drop((held, waiting));
    let response = gateway.post(&sign_ins(1, PASSWORD)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn who_hangs_up_leaves_the_queue_and_is_not_signed_in() {
    let gateway = Gateway::start_api(|config| {
        config.auth.hashes_at_once = 1;
        config.auth.hashes_waiting = 1;
        config.http.max_anonymous_requests = 1;
    })
    .await;
    let tokens = || async {
        let db = gateway.app.database.reads();
        entity::token::Entity::find().count(db).await.unwrap()
    };
    let before = tokens().await;
    let never = HangUp::default();
    let (a, b) = (stranger("a"), stranger("b"));
    let held = gateway.app.hashing.turn(&a, &never).await.unwrap();
    let is_full = || {
        let mut next = Box::pin(gateway.app.hashing.turn(&b, &never));
        next.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    };
    let client = begun(gateway.address, &sign_ins(5, PASSWORD))
        .await
        .unwrap();
    while !is_full() {
        yield_now().await;
    }
    // Who waits for a hash holds nobody's turn.
    let response = gateway.post("{ serverTime }").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    drop(client);
    while is_full() {
        yield_now().await;
    }
    drop(held);
    gateway.lifecycle.stop();
    gateway.running.await.unwrap().unwrap();
    assert_eq!(tokens().await, before);
}

#[tokio::test]
async fn an_agent_has_a_turn_while_all_others_hold_theirs() {
    let gateway = Gateway::start_with(|config| {
        config.http.max_requests = 2;
        config.http.max_account_requests = 1;
        config.http.max_anonymous_requests = 1;
        config.http.queue_timeout_seconds = 1;
    })
    .await;
    let agent = gateway.agent_token().await;
    let other = gateway.token_of("ben@example.com").await;
    let third = gateway.token_of("cem@example.com").await;
    let mut slow = Vec::new();
    for token in [None, Some(&gateway.token), Some(&other)] {
        let mut request = gateway.post("mutation { slow }");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        slow.push(tokio::spawn(request.send()));
        gateway.stage.begun.notified().await;
    }
    let ok = |token: &str| gateway.post("{ ok }").bearer_auth(token).send();
    let response = ok(&gateway.token).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "5");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    assert_eq!(
        body["errors"][0]["message"],
        "An account has at most 1 requests carried out at once. Try again in 5 seconds."
    );
    let response = ok(&third).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let response = gateway.post("{ ok }").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ok(&agent).await.unwrap().status(), StatusCode::OK);
    for request in slow {
        gateway.stage.release.notify_one();
        drop(request);
    }
}

#[tokio::test]
async fn a_browser_in_which_a_user_signed_in_has_turns_of_that_users_account() {
    let gateway = Gateway::start_with(|config| {
        config.http.max_anonymous_requests = 1;
        config.http.queue_timeout_seconds = 1;
    })
    .await;
    let ann = user::Entity::find().one(gateway.app.database.reads());
    let device = device::issue(&gateway.app.ids, &ann.await.unwrap().unwrap());
    let slow = tokio::spawn(gateway.post("mutation { slow }").send());
    gateway.stage.begun.notified().await;
    for (cookie, status) in [
        (device.clone(), StatusCode::OK),
        (format!("{device}0"), StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let cookie = format!("tidemark_device={cookie}");
        let request = gateway.post("{ who }").header(header::COOKIE, cookie);
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    gateway.stage.release.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_account_has_only_so_many_sockets() {
    let gateway = Gateway::start_with(|config| config.stream.max_account_sockets = 1).await;
    let mut first = gateway.ready_socket().await;
    let mut second = gateway.socket().await;
    second.init(&format!("Bearer {}", gateway.token)).await;
    let frame = second.closed().await;
    assert_eq!(u16::from(frame.code), 1013);
    assert_eq!(
        frame.reason.as_str(),
        "RATE_LIMITED: An account has at most 1 WebSockets at once. Try again in 30 seconds."
    );
    let other = gateway.token_of("ben@example.com").await;
    let mut others = gateway.socket().await;
    others.init(&format!("Bearer {other}")).await;
    assert_eq!(others.receive().await["type"], "connection_ack");
    first.close().await;
    loop {
        let mut next = gateway.socket().await;
        next.init(&format!("Bearer {}", gateway.token)).await;
        if next.try_receive().await.is_some() {
            break;
        }
    }
}

#[tokio::test]
async fn an_account_has_only_so_many_subscriptions_on_all_transports_together() {
    let gateway = Gateway::start_with(|config| config.stream.max_account_subscriptions = 1).await;
    let mut socket = gateway.ready_socket().await;
    let forever = "subscription { forever }";
    socket.subscribe("1", forever).await;
    assert_eq!(socket.receive().await["type"], "next");
    socket.subscribe("2", forever).await;
    let message = socket.receive().await;
    assert_eq!(message["type"], "error");
    let extensions = &message["payload"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED");
    assert_eq!(extensions["retryAfterSeconds"], 30);
    let stream = gateway
        .post(forever)
        .bearer_auth(&gateway.token)
        .header(header::ACCEPT, "text/event-stream");
    let text = stream.send().await.unwrap().text().await.unwrap();
    assert!(text.contains(r#""code":"RATE_LIMITED""#), "{text}");
    assert!(text.ends_with("event: complete\n\n"), "{text}");
    socket.send(&json!({ "type": "complete", "id": "1" })).await;
    gateway.watchers(0).await;
    socket.subscribe("3", "subscription { count(to: 1) }").await;
    assert_eq!(socket.receive().await["type"], "next");
}

#[tokio::test]
async fn strangers_have_only_so_many_connections_from_one_address_and_users_have_others() {
    let gateway = Gateway::start_with(|config| config.http.max_address_connections = 2).await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        let mut stream = begun(gateway.address, "{ ok }").await.unwrap();
        assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0);
        idle.push(stream);
    }
    let client = || Client::builder().no_proxy().build().unwrap();
    let ask = |client: &Client| {
        let request = client.post(gateway.url("/graphql"));
        request.json(&json!({ "query": "{ ok }" }))
    };
    let known = client();
    let response = ask(&known).bearer_auth(&gateway.token).send().await;
    assert_eq!(response.unwrap().status(), StatusCode::OK);
    let response = ask(&client()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::CONNECTION], "close");
    assert_eq!(response.headers()[header::RETRY_AFTER], "30");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    // The connection of a user is nobody's but theirs, and does not count.
    let response = ask(&known).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    // Far beyond the limit nobody is even listened to.
    let is_closed = |stream: &TcpStream| match stream.try_read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    };
    while !idle.iter().any(is_closed) {
        idle.push(TcpStream::connect(gateway.address).await.unwrap());
        yield_now().await;
    }
    drop(idle.drain(..));
    loop {
        let sent = ask(&client()).send().await;
        if sent.is_ok_and(|response| response.status() == StatusCode::OK) {
            break;
        }
    }
}
