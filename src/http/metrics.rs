//! Serves what the gateway counts, at an address of its own: whoever reaches it reads it.

use std::{io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{app::App, domain::queue};

/// How long the database may take to say what stands in the queue. All else is told without it.
const PATIENCE: Duration = Duration::from_secs(2);
/// As which what is told is read.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A listener that serves nothing yet.
#[derive(Debug)]
pub struct MetricsServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl MetricsServer {
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

    /// Serves what `app` counts until `stopping`.
    pub async fn serve(self, app: App, stopping: CancellationToken) -> io::Result<()> {
        let router = Router::new().route("/metrics", get(read)).with_state(app);
        axum::serve(self.listener, router)
            .with_graceful_shutdown(stopping.cancelled_owned())
            .await
    }
}

async fn read(State(app): State<App>) -> Response {
    app.metrics.pools(&app.database.pools());
    match timeout(PATIENCE, queue::look(&app)).await {
        Ok(Ok(queue)) => app.metrics.queue(&queue),
        Ok(Err(error)) => tracing::warn!(%error, "what stands in the queue cannot be counted"),
        Err(_) => tracing::warn!("the database does not say in time what stands in the queue"),
    }
    match app.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "what is counted cannot be told");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
