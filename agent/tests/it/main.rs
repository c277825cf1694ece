//! The agent against real `qemu-img`, `qemu-nbd` and `zstd`, with real files.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests run the tools that users have, and need ids"
)]

mod backup;
mod cancel;
mod ceph;
mod conformance;
mod crash;
mod deletion;
mod engine;
mod failure;
mod fake_gateway;
mod gateway;
mod image;
mod kit;
mod live;
mod medium;
mod nbd;
mod nbd_fault;
mod oracle;
mod patience;
mod place;
mod process;
mod qcow2;
mod qcow2_file;
mod qmp;
mod refusal;
mod replace;
mod reserve;
mod site;
mod sound;
mod speed;
mod vanish;
mod volume;
mod words;
mod worker;
