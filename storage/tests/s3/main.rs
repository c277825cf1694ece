//! The S3 destination against real stores, and against stores that fail, lie and hang.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may fail loudly")]

mod conformance;
mod death;
mod fault;
mod lie;
mod proxy;
mod silence;
mod site;
mod speed;
