//! The limit: a server that hands what it is sent for a topic to the sockets of that topic, and does nothing else.

use std::sync::Arc;

use anyhow::Result;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
    routing::{get, post},
    serve::ListenerExt as _,
};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::watch};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message, Utf8Bytes,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

type Topics = Arc<Vec<watch::Sender<Utf8Bytes>>>;

/// As the gateway's.
const BUFFER_BYTES: usize = 4096;

/// Serves until it is ended; its first line says where.
pub async fn serve(topics: usize) -> Result<()> {
    let topics: Topics = Arc::new((0..topics).map(|_| watch::Sender::default()).collect());
    let app = Router::new()
        .route("/watch/{topic}", get(open))
        .route("/tell/{topic}", post(tell))
        .with_state(topics);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

async fn tell(
    State(topics): State<Topics>,
    Path(topic): Path<usize>,
    body: Bytes,
) -> Result<&'static str, StatusCode> {
    let told = Utf8Bytes::try_from(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let topic = topics.get(topic).ok_or(StatusCode::NOT_FOUND)?;
    topic.send_replace(told);
    Ok("{}")
}

async fn open(
    State(topics): State<Topics>,
    Path(topic): Path<usize>,
    mut request: Request,
) -> Result<Response, StatusCode> {
    let told = topics.get(topic).ok_or(StatusCode::NOT_FOUND)?.subscribe();
    let headers = request.headers();
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .ok_or(StatusCode::BAD_REQUEST)?;
    let accept = derive_accept_key(key.as_bytes());
    let accept = HeaderValue::try_from(accept).map_err(|_| StatusCode::BAD_REQUEST)?;
    tokio::spawn(follow(hyper::upgrade::on(&mut request), told));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

async fn follow(upgrade: OnUpgrade, mut told: watch::Receiver<Utf8Bytes>) {
    let Ok(upgraded) = upgrade.await else { return };
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES);
    let mut socket: WebSocketStream<TokioIo<Upgraded>> =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    loop {
        tokio::select! {
            changed = told.changed() => {
                let text = told.borrow_and_update().clone();
                if changed.is_err() || socket.send(Message::Text(text)).await.is_err() {
                    return;
                }
            }
            message = socket.next() => {
                if !matches!(message, Some(Ok(_))) {
                    return;
                }
            }
        }
    }
}
