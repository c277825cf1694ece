//! Tidemark: a GraphQL gateway for volume snapshots and backups.
//!
//! One way only: `http → graphql → domain → entity`. The domain writes events in its own
//! transactions; the streams of `graphql` are fed from them by `events`.

pub mod app;
pub mod config;
pub mod database;
pub mod domain;
pub mod events;
pub mod graphql;
pub mod http;
pub mod lifecycle;
pub mod limits;
pub mod metrics;
pub mod queue;
pub mod secret;
pub mod task;
pub mod telemetry;
