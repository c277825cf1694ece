//! The API: translates GraphQL to the domain and back. Resolvers open no transaction.

use async_graphql::SchemaBuilder;

use crate::app::App;

pub mod bound;
mod complete;
pub mod connection;
pub mod context;
pub mod error;
mod gate;
pub mod id;
mod limit;
pub mod loader;
mod log;
pub mod mutation;
pub mod operation;
pub mod page;
pub mod query;
pub mod scalar;
mod session;
pub mod subscription;
pub mod types;
pub mod visible;

pub use crate::limits::Limits;
pub use error::{Failure, Result};
pub use loader::Loaders;
pub use mutation::Mutation;
pub use query::Query;
pub use session::{Device, SessionChange, SessionChanges};
pub use subscription::Subscription;

/// The schema of the API.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Who sent a request, for the log and the audit.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The address that it came from.
    pub remote: Option<String>,
    /// Its id, as in the logs.
    pub request_id: Option<String>,
}

/// The schema on `app`. `Requester` and `Origin` come with each request, as its data. Other limits
/// than the usual are given with `.data(Limits { .. })`.
pub fn builder(app: App) -> SchemaBuilder<Query, Mutation, Subscription> {
    async_graphql::Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .data(app)
    .data(Limits::default())
    // A suggestion would name fields that are hidden from the caller.
    .disable_suggestions()
    .extension(log::Log)
    .extension(gate::Gate)
    .extension(limit::Limit)
}
