//! How a commit reaches those who watch: the outbox's rows, and the hub that wakes their readers.

mod hub;

pub use hub::{Hub, Topic, Watch};
