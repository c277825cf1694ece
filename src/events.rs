//! How a commit reaches those who watch: the outbox's rows, the feed that follows them, and the hub
//! that wakes their readers.

pub mod feed;
mod hub;

pub use hub::{Hub, Topic, Watch};
