//! The S3 destination against real stores, and against stores that fail, lie and hang.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may fail loudly")]

mod bucket;
mod conformance;
mod death;
mod fault;
mod late;
mod lie;
mod patience;
mod proxy;
mod silence;
mod site;
mod speed;
