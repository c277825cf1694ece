//! The real services that the tests run against, each on loopback and gone with its test.
//!
//! A service starts as children of the test, in the foreground, in a short directory of its own and
//! on free ports, and `start` returns once it serves. They die with the test however it ends. Where
//! a program that a service needs is missing, the test [skips](skip()) itself; a service that is
//! there and does not start fails the test, with the end of its log.
//!
//! | | what it is | faults |
//! |---|---|---|
//! | [`Ceph`] | a monitor and an OSD in memory, with a pool for RBD | its OSD dies or stands still |
//! | [`Rgw`] | the S3 store of that cluster, with a bucket | dies, stands still, comes back |
//! | [`S3sFs`] | an S3 store in the test's own process | |
//! | [`Ganesha`] | an NFS 4.1 server with an export | dies, stands still, comes back |
//! | [`Machine`] | a QEMU that runs, without an operating system | quits, dies, stands still |
//! | [`Guest`] | a QEMU whose guest writes to a file system | shuts down, dies |
//! | [`Disk`] | something that is mounted on a directory | goes, and comes back |

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "only tests use it: it fails them by a panic"
)]

mod ceph;
mod daemon;
mod disk;
mod ganesha;
mod guest;
mod machine;
mod port;
mod qemu;
mod qmp;
mod rgw;
mod s3s_fs;
mod skip;
mod tool;
mod wait;

pub use ceph::Ceph;
pub use disk::Disk;
pub use ganesha::Ganesha;
pub use guest::Guest;
pub use machine::Machine;
pub use qemu::create_image;
pub use qmp::Qmp;
pub use rgw::Rgw;
pub use s3s_fs::S3sFs;
pub use skip::{installed, skip};
pub use wait::{PATIENCE, until};

/// A directory of its own, by a short path: that of a socket in it ends at 108 bytes.
fn directory(service: &str) -> tempfile::TempDir {
    let mut builder = tempfile::Builder::new();
    let made = builder
        .prefix(&format!("tidemark-{service}-"))
        .tempdir_in("/tmp");
    made.expect("a directory in /tmp")
}
