//! One machine for one test: the processes that run on it, who speaks to them, and what is left.

mod ceph;
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

pub use ceph::{create_ceph_pool, rbd_image};
pub use child::Nbd;
pub use client::Client;
pub use database::Engine;
pub use destination::{Destinations, SLOW, bucket};
pub use disk::{Content, MIB};
pub use event_stream::EventStream;
pub use machine::{Machine, Rules};
pub use platform::{PASSWORD, PEOPLE, Size as PlatformSize, create_backup_storage, create_plan};
pub use process::{Running, gateway, run, run_well};
pub use request::Accepted;
pub use testbed::until;
pub use tool::Gate;
pub use websocket::WebSocket;
