//! The API: translates GraphQL to the domain and back. Resolvers open no transaction.

use async_graphql::{EmptyMutation, EmptySubscription, Object, SchemaBuilder};

use crate::app::App;

/// The schema of the API.
pub type Schema = async_graphql::Schema<Query, EmptyMutation, EmptySubscription>;

/// What can be read.
#[derive(Debug)]
pub struct Query;

#[Object]
impl Query {
    /// Whether the gateway answers.
    async fn ok(&self) -> bool {
        true
    }
}

/// Who sent a request, for the log and the audit.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The address that it came from.
    pub remote: Option<String>,
    /// Its id, as in the logs.
    pub request_id: Option<String>,
}

/// The schema on `app`. `Requester` and `Origin` come with each request, as its data.
pub fn builder(app: App) -> SchemaBuilder<Query, EmptyMutation, EmptySubscription> {
    async_graphql::Schema::build(Query, EmptyMutation, EmptySubscription).data(app)
}
