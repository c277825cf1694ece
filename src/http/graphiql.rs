//! `/graphiql`: a page to write queries in, for development. The router serves it only when the
//! configuration says so.

use async_graphql::http::GraphiQLSource;
use axum::response::Html;

/// The page.
pub(super) async fn page() -> Html<String> {
    Html(
        GraphiQLSource::build()
            .title("Tidemark")
            .endpoint("/graphql")
            .subscription_endpoint("/graphql/ws")
            .finish(),
    )
}
