//! The API over HTTP: one file per transport, one router, one server.
//!
//! A request passes `trace` (its id, its log line, a net for panics), then the transport's handler:
//! `auth` says who asks (`cookie` and `csrf` where that is a browser), `request` reads it, `media` says in which form to answer, `execution`
//! carries it out, and `response` or `sse` or `websocket` sends what came of it. `panel` serves files.

mod acquaintance;
mod auth;
mod cache_control;
mod compress;
mod connection;
mod cookie;
mod csrf;
mod execution;
mod failure;
mod format;
mod gateway;
mod graphiql;
mod graphql;
mod health;
mod media;
mod metrics;
mod panel;
mod payer;
mod persisted;
mod remote;
mod request;
mod request_id;
mod response;
mod router;
mod server;
mod site;
mod sse;
mod stranger;
mod stream_limit;
mod trace;
mod turn;
mod usage;
mod websocket;

pub use self::{gateway::Gateway, metrics::MetricsServer, server::Server};
