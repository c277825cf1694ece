//! Accepts connections and serves the router on them, until told to stop and all have ended.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{body::Body, extract::ConnectInfo};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::Service;

use super::{Gateway, connection::Connection, remote, router::router, stranger::Standing};
use crate::graphql::operation::Carrier;

/// How long to wait when the process has no room for another connection.
const BREATH: Duration = Duration::from_millis(100);

/// A listener that serves nothing yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens on `address`. Port 0 is any free one.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `gateway` until it is told to stop and what was begun has ended.
    pub async fn serve<E: Carrier>(self, gateway: Gateway<E>) {
        let router = router(gateway.clone());
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(gateway.http.header_timeout());
        let places =
            usize::try_from(gateway.http.max_connections).unwrap_or(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(places));
        loop {
            let accepted = tokio::select! {
                () = gateway.stopping.cancelled() => break,
                accepted = self.accept(&places, &gateway) => accepted,
            };
            let Some((stream, remote, place)) = accepted else {
                continue;
            };
            let router = router.clone();
            let service = service_fn(move |mut request: hyper::Request<Incoming>| {
                let extensions = request.extensions_mut();
                extensions.insert(ConnectInfo(remote));
                extensions.insert(place.clone());
                router.clone().call(request.map(Body::new))
            });
            let connection = http
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            let stopping = gateway.stopping.clone();
            gateway.running.spawn(async move {
                let mut connection = pin!(connection);
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = stopping.cancelled() => {
                        // The request under way is answered, and no further one taken.
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                };
                if let Err(error) = ended {
                    tracing::debug!(%error, %remote, "a connection broke");
                }
            });
        }
        // New connections are refused from here on, not left waiting.
        drop(self.listener);
        gateway.running.close();
        gateway.running.wait().await;
    }

    /// The next connection, once there is a place for it.
    async fn accept<E>(
        &self,
        places: &Arc<Semaphore>,
        gateway: &Gateway<E>,
    ) -> Option<(TcpStream, SocketAddr, Connection)> {
        let permit = places.clone().acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole; waiting to fill a packet only delays them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, %peer, "a connection broke");
                    return None;
                }
                // A proxy comes for many; its requests are counted by whom it names.
                let is_proxy = remote::is_trusted(peer.ip(), &gateway.http.trusted_proxies);
                let standing = if is_proxy {
                    Standing::default()
                } else {
                    gateway.connections.admit(peer.ip())?
                };
                Some((stream, peer, Connection::new(permit, standing)))
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(BREATH).await;
                None
            }
        }
    }
}
