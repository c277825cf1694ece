//! WebSockets by the cookie: for pages of the gateway only.

use serde_json::json;
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest};

use super::{VIEWER, foreign, own, revoke, signed_in};
use crate::harness::{Gateway, Socket};

/// Opens a WebSocket as a page of `origin` does, or says by which status it was refused.
pub(super) async fn open(gateway: &Gateway, origin: &str, cookie: &str) -> Result<Socket, u16> {
    let url = format!("ws://{}/graphql/ws", gateway.address);
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("cookie", cookie.parse().unwrap());
    if !origin.is_empty() {
        headers.insert("origin", origin.parse().unwrap());
    }
    match Socket::connect(request).await {
        Ok(socket) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_page_of_the_gateway_opens_a_websocket_by_its_cookie() {
    let gateway = Gateway::start_api(|_| {}).await;
    let cookie = signed_in(&gateway).await;
    let mut socket = open(&gateway, &own(&gateway), &cookie).await.unwrap();
    socket.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
    socket.subscribe("1", VIEWER).await;
    let email = &socket.receive().await["payload"]["data"]["viewer"]["user"]["email"];
    assert_eq!(email, "ann@example.com");
}

#[tokio::test]
async fn other_pages_open_no_websocket_by_the_cookie() {
    let gateway = Gateway::start_api(|_| {}).await;
    let cookie = signed_in(&gateway).await;
    for origin in foreign(&gateway) {
        let refused = open(&gateway, &origin, &cookie).await;
        assert_eq!(refused.err(), Some(403), "{origin}");
    }
    assert_eq!(
        open(&gateway, "", &cookie).await.err(),
        Some(403),
        "no origin"
    );
    revoke(&gateway, &cookie).await;
    let mut socket = open(&gateway, &own(&gateway), &cookie).await.unwrap();
    socket.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(u16::from(socket.closed().await.code), 4403);
}
