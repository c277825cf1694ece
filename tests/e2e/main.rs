//! The real binaries with the real QEMU tools: a gateway and an agent as processes, spoken to over
//! HTTP, WebSockets and event streams, killed, stopped, starved and attacked.
//!
//! Each test has a directory, a database, ports and processes of its own, and takes them away.

mod crash;
mod fault;
mod harness;
mod real_run;
mod separate;
mod stream;
