//! A client of graphql-transport-ws.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use testbed::PATIENCE;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

/// A connection that one subscription uses.
pub struct WebSocket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl WebSocket {
    pub async fn connect(address: SocketAddr, token: &str) -> Self {
        let url = format!("ws://{address}/graphql/ws");
        let mut request = url.into_client_request().unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", protocol);
        let (socket, _) = connect_async(request).await.unwrap();
        let mut socket = Self(socket);
        let authorization = format!("Bearer {token}");
        let payload = json!({ "authorization": authorization });
        socket
            .send(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(socket.receive().await.unwrap()["type"], "connection_ack");
        socket
    }

    pub async fn subscribe(&mut self, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
    }

    /// The data of the next event, or nothing when the stream is complete or broken off.
    pub async fn next(&mut self) -> Option<Value> {
        let mut message = self.receive().await?;
        match message["type"].as_str().unwrap() {
            "next" => {
                let mut payload = message["payload"].take();
                assert!(payload.get("errors").is_none(), "{payload:#}");
                Some(payload["data"].take())
            }
            "complete" => None,
            _ => panic!("{message:#}"),
        }
    }

    async fn send(&mut self, message: Value) {
        let message = Message::text(message.to_string());
        self.0.send(message).await.unwrap();
    }

    async fn receive(&mut self) -> Option<Value> {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("silence");
            match message? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(message) => panic!("{message:?}"),
            }
        }
    }
}
