//! One machine for one test: the processes that run on it, who speaks to them, and what is left.

mod child;
mod client;
mod database;
mod destination;
pub mod disk;
mod event_stream;
mod instance;
mod machine;
mod platform;
mod process;
mod remains;
mod request;
mod tool;

mod websocket;

pub use child::{Moved, Nbd};
pub use client::Client;
pub use database::Engine;
pub use destination::Destinations;
pub use disk::{Content, MIB};
pub use event_stream::EventStream;
pub use machine::{Machine, Rules};
pub use platform::{Size as PlatformSize, create_plan, create_storage_pool};
pub use process::{Running, gateway, run};
pub use request::Accepted;
pub use testbed::until;
pub use tool::Gate;
pub use websocket::WebSocket;
