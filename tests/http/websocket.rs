//! WebSockets: the handshake, operations, and every reason to close.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use tidemark::graphql::page::Cursor;
use tokio::io::AsyncWriteExt;

use crate::harness::{Gateway, Socket};

#[tokio::test]
async fn a_subscription_is_answered_and_completed() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.ready_socket().await;
    socket.subscribe("1", "subscription { count(to: 2) }").await;
    for count in 1..=2 {
        let payload = json!({ "data": { "count": count } });
        assert_eq!(
            socket.receive().await,
            json!({ "type": "next", "id": "1", "payload": payload })
        );
    }
    assert_eq!(
        socket.receive().await,
        json!({ "type": "complete", "id": "1" })
    );
}

#[tokio::test]
async fn queries_and_mutations_are_answered_in_the_bearers_name() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.ready_socket().await;
    for (document, data) in [
        ("{ who }", json!({ "who": "ann@example.com" })),
        ("mutation { bump }", json!({ "bump": true })),
    ] {
        socket.subscribe("a", document).await;
        assert_eq!(socket.receive().await["payload"]["data"], data);
        assert_eq!(socket.receive().await["type"], "complete");
    }
}

#[tokio::test]
async fn a_refused_document_ends_its_operation_with_an_error() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.ready_socket().await;
    socket.subscribe("1", "{ nothing }").await;
    let message = socket.receive().await;
    assert_eq!(message["type"], "error");
    assert!(message["payload"].is_array(), "{message}");
    // Its name is free again.
    socket.subscribe("1", "{ ok }").await;
    assert_eq!(socket.receive().await["type"], "next");
}

#[tokio::test]
async fn completing_an_operation_ends_it_and_frees_its_name() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.ready_socket().await;
    socket.subscribe("1", "subscription { forever }").await;
    assert_eq!(socket.receive().await["type"], "next");
    gateway.watchers(1).await;
    socket.send(&json!({ "type": "complete", "id": "1" })).await;
    gateway.watchers(0).await;
    socket.subscribe("1", "{ ok }").await;
    assert_eq!(socket.receive().await["payload"]["data"]["ok"], true);
}

#[tokio::test]
async fn the_header_signs_in_where_the_first_message_does_not() {
    let gateway = Gateway::start().await;
    let url = format!("ws://{}/graphql", gateway.address);
    let authorization = format!("Bearer {}", gateway.token);
    let mut socket = Socket::open(&url, Some(&authorization)).await;
    socket.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
}

#[tokio::test]
async fn who_has_no_token_or_a_wrong_one_is_closed_with_4403() {
    let gateway = Gateway::start().await;
    for init in [
        json!({ "type": "connection_init" }),
        json!({ "type": "connection_init", "payload": {} }),
        json!({ "type": "connection_init", "payload": { "authorization": "Bearer nobody" } }),
        json!({ "type": "connection_init", "payload": { "authorization": "nobody" } }),
    ] {
        let mut socket = gateway.socket().await;
        socket.send(&init).await;
        assert_eq!(u16::from(socket.closed().await.code), 4403, "{init}");
    }
}

#[tokio::test]
async fn an_operation_before_the_first_message_is_closed_with_4401() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.socket().await;
    socket.subscribe("1", "{ ok }").await;
    assert_eq!(u16::from(socket.closed().await.code), 4401);
}

#[tokio::test]
async fn a_second_first_message_is_closed_with_4429() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.ready_socket().await;
    socket.init("Bearer x").await;
    assert_eq!(u16::from(socket.closed().await.code), 4429);
}

#[tokio::test]
async fn a_name_in_use_is_closed_with_4409() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.ready_socket().await;
    socket.subscribe("1", "subscription { forever }").await;
    assert_eq!(socket.receive().await["type"], "next");
    socket.subscribe("1", "{ ok }").await;
    let frame = socket.closed().await;
    assert_eq!(u16::from(frame.code), 4409);
    assert_eq!(frame.reason.as_str(), "Subscriber for 1 already exists");
    gateway.watchers(0).await;
}

#[tokio::test]
async fn what_is_no_message_is_closed_with_4400() {
    let gateway = Gateway::start().await;
    for text in [
        "",
        "{",
        "{}",
        r#"{"type":"start","id":"1"}"#,
        r#"{"type":"subscribe"}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{ ok }"}}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":""}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":null}}"#,
        r#"{"type":"complete","id":""}"#,
        r#"{"type":"connection_init","payload":7}"#,
    ] {
        let mut socket = gateway.ready_socket().await;
        socket.send_text(text).await;
        assert_eq!(u16::from(socket.closed().await.code), 4400, "{text}");
    }
}

#[tokio::test]
async fn who_says_nothing_is_closed_with_4408() {
    let gateway = Gateway::start_with(|config| config.stream.init_timeout_seconds = 1).await;
    let mut socket = gateway.socket().await;
    assert_eq!(u16::from(socket.closed().await.code), 4408);
}

#[tokio::test]
async fn a_ping_of_the_protocol_is_answered_even_before_the_first_message() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.socket().await;
    socket.send(&json!({ "type": "ping" })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong" }));
}

#[tokio::test]
async fn the_gateway_pings_and_lets_go_of_who_does_not_answer() {
    let gateway = Gateway::start_with(|config| {
        config.stream.ping_interval_seconds = 1;
        config.stream.pong_timeout_seconds = 5;
    })
    .await;
    let mut lively = gateway.ready_socket().await;
    lively.subscribe("1", "subscription { forever }").await;
    let mut dead = gateway.ready_socket().await;
    dead.subscribe("1", "subscription { forever }").await;
    gateway.watchers(2).await;
    // A client answers pings while it reads; the other one reads no more.
    let reading = tokio::spawn(async move {
        loop {
            lively.ping().await;
        }
    });
    gateway.watchers(1).await;
    assert!(!reading.is_finished());
    reading.abort();
    drop(dead);
}

#[tokio::test]
async fn a_token_that_ends_ends_the_socket_at_its_next_operation() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.ready_socket().await;
    gateway.revoke().await;
    socket.subscribe("1", "{ ok }").await;
    assert_eq!(u16::from(socket.closed().await.code), 4403);
}

#[tokio::test]
async fn a_socket_has_only_so_many_operations() {
    let gateway = Gateway::start_with(|config| config.stream.max_operations = 1).await;
    let mut socket = gateway.ready_socket().await;
    socket.subscribe("1", "subscription { forever }").await;
    assert_eq!(socket.receive().await["type"], "next");
    socket.subscribe("2", "{ ok }").await;
    let message = socket.receive().await;
    assert_eq!(message["type"], "error");
    assert_eq!(message["payload"][0]["extensions"]["code"], "RATE_LIMITED");
}

#[tokio::test]
async fn a_token_that_ends_in_mid_stream_closes_with_4403() {
    let gateway = Gateway::start_api(|_| {}).await;
    let mut socket = gateway.ready_socket().await;
    socket
        .subscribe("1", "subscription { operationEvents { cursor } }")
        .await;
    // The stream waits by then: it asks who it is for before anything else.
    socket.subscribe("2", "{ __typename }").await;
    assert_eq!(socket.receive().await["type"], "next");
    assert_eq!(socket.receive().await["type"], "complete");
    gateway.revoke().await;
    assert_eq!(u16::from(socket.closed().await.code), 4403);
}

#[tokio::test]
async fn a_stream_from_a_cursor_that_is_yet_to_come_ends_with_its_code() {
    let gateway = Gateway::start_api(|_| {}).await;
    let mut socket = gateway.ready_socket().await;
    let cursor = Cursor::of_event(9).encode();
    let query = format!("subscription {{ operationEvents(after: \"{cursor}\") {{ cursor }} }}");
    socket.subscribe("1", &query).await;
    let told = socket.receive().await;
    let errors = match told["type"].as_str() {
        Some("error") => &told["payload"],
        _ => &told["payload"]["errors"],
    };
    assert_eq!(errors[0]["extensions"]["code"], "CURSOR_GONE", "{told}");
}

#[tokio::test]
async fn who_closes_is_answered_by_the_same_code() {
    let gateway = Gateway::start().await;
    let mut fresh = gateway.socket().await;
    assert_eq!(u16::from(fresh.close().await.unwrap().code), 1000);
    let mut busy = gateway.ready_socket().await;
    busy.subscribe("1", "subscription { forever }").await;
    assert_eq!(busy.receive().await["type"], "next");
    assert_eq!(u16::from(busy.close().await.unwrap().code), 1000);
    gateway.watchers(0).await;
}

#[tokio::test]
async fn what_breaks_the_protocol_of_sockets_is_closed_with_its_code() {
    let gateway = Gateway::start_with(|config| config.stream.message_limit_bytes = 1024).await;
    let mask = [0_u8; 4];
    let frame = |first: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).unwrap();
        [&[first, 0x80 | length], &mask[..], payload].concat()
    };
    let mut long = [&[0x81, 0xff][..], &1_000_000_u64.to_be_bytes(), &mask].concat();
    long.resize(1_000_000, b' ');
    let half = [&[0x01, 0xfe, 3, 132][..], &mask, &[b' '; 900]].concat();
    let end = [&[0x80, 0xfe, 3, 132][..], &mask, &[b' '; 900]].concat();
    for (what, bytes, code) in [
        ("reserved bits", frame(0xf1, b"{}"), 1002),
        ("an unknown kind", frame(0x83, b"{}"), 1002),
        ("no mask", b"\x81\x02{}".to_vec(), 1002),
        ("a continuation of nothing", frame(0x80, b"{}"), 1002),
        ("a ping in parts", frame(0x09, b""), 1002),
        ("half a code", frame(0x88, b"\x03"), 1002),
        ("no UTF-8", frame(0x81, b"\xff\xfe"), 1007),
        ("a large message", long, 1009),
        ("a large message in parts", [half, end].concat(), 1009),
    ] {
        for is_ready in [false, true] {
            let mut socket = if is_ready {
                gateway.ready_socket().await
            } else {
                gateway.socket().await
            };
            socket.send_bytes(&bytes).await;
            assert_eq!(u16::from(socket.closed().await.code), code, "{what}");
        }
    }
}

#[tokio::test]
async fn who_does_not_answer_that_it_is_closed_is_cut_off() {
    let gateway = Gateway::start().await;
    let mut socket = gateway.socket().await;
    // After this the gateway reads no frames any more, and these never end.
    socket.send_bytes(b"\xff").await;
    socket.send_bytes(&[0xff; 64]).await;
    gateway.lifecycle.stop();
    gateway.running.await.unwrap().unwrap();
    drop(socket);
}

#[tokio::test]
async fn who_never_answers_the_closing_is_cut_off_after_two_seconds_whatever_else_it_sends() {
    let gateway = Gateway::start().await;
    for is_chatty in [false, true] {
        let mut socket = gateway.socket().await;
        socket.send_text("{").await;
        let since = Instant::now();
        let (told, end) = socket.read_without_answer(is_chatty).await;
        // 4400, and why.
        let code = 4400_u16.to_be_bytes();
        assert!(told.windows(2).any(|bytes| bytes == code), "{told:?}");
        // A ping or the lack of its answer ends it much later.
        let took = end - since;
        assert!(took >= Duration::from_secs(1), "{is_chatty}: {took:?}");
        assert!(took < Duration::from_secs(10), "{is_chatty}: {took:?}");
    }
}

#[tokio::test]
async fn the_version_of_sockets_is_told_to_who_asks_for_another() {
    let gateway = Gateway::start().await;
    let response = gateway
        .get("/graphql/ws")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "8")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(response.headers()["sec-websocket-version"], "13");
}

#[tokio::test]
async fn a_socket_of_another_protocol_is_refused() {
    let gateway = Gateway::start().await;
    let mut response = Vec::new();
    let mut stream = tokio::net::TcpStream::connect(gateway.address)
        .await
        .unwrap();
    stream
        .write_all(
            b"GET /graphql/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\n\
              Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
              Sec-WebSocket-Protocol: graphql-ws\r\n\r\n",
        )
        .await
        .unwrap();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut response)
        .await
        .unwrap();
    let response = String::from_utf8(response).unwrap();
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
    assert!(response.contains("graphql-transport-ws"), "{response}");
    let plain = gateway.get("/graphql/ws").send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::BAD_REQUEST);
}
