//! Volumes of running instances: a real QEMU, which writes while the agent works.

mod proxy;
mod running;

mod fault;
mod overhead;
mod promise;
mod snapshot;
mod start;
mod work;
