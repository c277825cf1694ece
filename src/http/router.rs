//! The table of contents: which path is served by which handler.

use axum::{
    Router, extract::Request, http::StatusCode, middleware, response::Response, routing::get,
};

use super::{
    Gateway, compress, failure::Failure, format::Format, graphiql, graphql, health, panel, sse,
    trace, usage, websocket,
};
use crate::{domain::ErrorCode, graphql::operation::Carrier};

/// Every path that the gateway serves.
pub(super) fn router<E: Carrier>(gateway: Gateway<E>) -> Router {
    let mut router = Router::new()
        .route("/graphql", get(graphql::get::<E>).post(graphql::post::<E>))
        .route(
            "/graphql/stream",
            get(sse::handle::<E>).post(sse::handle::<E>),
        )
        .route("/graphql/ws", get(websocket::handle::<E>))
        .route("/usage.csv", get(usage::read::<E>))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz::<E>));
    if gateway.graphiql {
        router = router.route("/graphiql", get(graphiql::page));
    }
    router
        .fallback(panel::serve)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(compress::layer())
        .layer(middleware::from_fn_with_state(
            gateway.clone(),
            trace::observe::<E>,
        ))
        .with_state(gateway)
}

async fn method_not_allowed(request: Request) -> Response {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::InvalidInput,
        format!("{} is not served here.", request.method()),
    )
    .into_response(Format::Json)
}
