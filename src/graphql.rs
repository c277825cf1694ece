//! The API: translates GraphQL to the domain and back. Resolvers open no transaction.

use crate::app::App;

mod at_once;
pub mod bound;
pub mod connection;
pub mod context;
mod document;
pub mod error;
mod gate;
pub mod id;
mod limit;
pub mod loader;
mod log;
mod metered;
pub mod mutation;
pub mod operation;
pub mod page;
mod parse;
mod plain;
pub mod query;
pub mod scalar;
mod session;
mod shared;
pub mod subscription;
pub mod text;
pub mod told;
pub mod types;
pub mod visible;

pub use crate::limits::Limits;
pub use error::{Failure, Result};
pub use gate::{Builder, Gate};
pub use loader::Loaders;
pub use mutation::Mutation;
pub use query::Query;
pub use session::{SessionChange, SessionChanges};
pub use subscription::Subscription;

/// The schema of the API.
pub type Schema = Gate<Query, Mutation, Subscription>;

/// Who sent a request, for the log and the audit.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The address that it came from.
    pub remote: Option<String>,
    /// Its id, as in the logs.
    pub request_id: Option<String>,
}

/// What a caller's browser keeps since a user signed in with it. A transport puts it into the request's data.
#[derive(Clone, Debug, Default)]
pub struct Device(pub Option<String>);

/// The schema on `app`. `Requester` and `Origin` come with each request, as its data.
pub fn builder(app: App) -> Builder<Query, Mutation, Subscription> {
    Builder::default().app(app)
}
