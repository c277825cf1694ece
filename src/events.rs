//! How a commit reaches those who watch: the outbox's rows, the feed that follows them, the hub that wakes their
//! readers, and the bus that wakes those at other gateways.

pub mod bus;
pub mod feed;
mod hub;
mod news;
pub mod numbering;
mod progress;
mod tail;
mod topic;
mod watched;

pub use hub::{Hub, Shared, Watch};
pub use news::News;
pub use progress::{NoProgress, Progress};
pub use topic::{NoTopic, Topic};
