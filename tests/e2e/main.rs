//! The real binaries with the real QEMU tools: a gateway and an agent as processes, spoken to over
//! HTTP, WebSockets and event streams, killed, stopped, starved and attacked.
//!
//! Each test has a directory, a database, ports and processes of its own, and takes them away.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and their harness say what they expect, and fail loudly"
)]

mod attack;
mod by_hand;
mod cli;
mod cost;
mod crash;
mod demo;
mod fault;
mod flood;
mod harness;
mod latency;
mod lifecycle;
mod matrix;
mod numbers;
mod real_run;
mod replace;
mod separate;
mod stream;
