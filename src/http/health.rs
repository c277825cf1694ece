//! Whether the process lives, and whether it should get requests.

use std::{sync::atomic::Ordering, time::Duration};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::time::timeout;

use super::Gateway;
use crate::database::Share;

const PATIENCE: Duration = Duration::from_secs(2);

/// The process answers: restart it when it does not.
pub(super) async fn healthz() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// The gateway can serve: send it requests only then.
pub(super) async fn readyz<E>(State(gateway): State<Gateway<E>>) -> Response {
    match readiness(&gateway).await {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "not ready", "reason": reason })),
        )
            .into_response(),
    }
}

async fn readiness<E>(gateway: &Gateway<E>) -> Result<(), &'static str> {
    if gateway.stopping.is_cancelled() {
        return Err("the gateway is stopping");
    }
    // Whoever floods the gateway must not have it taken for dead.
    let database = &gateway.app_of(Share::Agents).database;
    match timeout(PATIENCE, database.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            return Err("the database does not answer");
        }
        Err(_) => return Err("the database does not answer in time"),
    }
    // What is migrated stays so: the question costs more than a ping and needs the writer.
    if !gateway.migrated.load(Ordering::Relaxed) {
        match timeout(PATIENCE, database.pending_migrations()).await {
            Ok(Ok(0)) => gateway.migrated.store(true, Ordering::Relaxed),
            Ok(Ok(_)) => return Err("the database lacks migrations: run `tidemark migrate`"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the migrations cannot be read");
                return Err("the database's migrations cannot be read");
            }
            Err(_) => return Err("the database does not answer in time"),
        }
    }
    Ok(())
}
