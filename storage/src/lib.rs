//! Where backups lie and what they look like there.
//!
//! * [`Store`] is a destination: something that takes objects as a stream and gives ranges of them
//!   back. [`Local`] keeps them in a directory, [`S3`] in a bucket, [`Nfs`] in an NFS export that this
//!   host need not have mounted; all pass the same `conformance` suite. A [`Destination`] is the
//!   address of any of them.
//! * [`Retry`] and [`Throttle`] go around any store; [`Patience`] says how long one is waited for. For tests there are more of these, and a store in
//!   memory, behind the feature `conformance`.
//! * [`format`](mod@format) is the backup itself: a seekable zstd stream and a manifest, readable without this crate.
//! * [`probe()`] and [`probe_within`] try a destination out before it is relied on.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(any(test, feature = "conformance"))]
pub mod count;
mod destination;
mod error;
#[cfg(any(test, feature = "conformance"))]
pub mod fault;
pub mod format;
mod gather;
mod local;
mod marker;
#[cfg(any(test, feature = "conformance"))]
pub mod memory;
mod nfs;
mod nfs_export;
mod path;
mod patience;
mod policy;
mod probe;
mod reserve;
mod retry;
mod s3;
mod secret;
mod store;
mod throttle;

pub use destination::Destination;
pub use error::{Cause, Error, Result};
pub use local::Local;
pub use marker::{Expected, Marker, Place, PlaceKind, Proof, Standing, prove};
pub use nfs::Nfs;
pub use nfs_export::NfsExport;
pub use path::{InvalidPath, ObjectPath};
pub use patience::{Patience, Waiting};
pub use policy::Policy;
pub use probe::{probe, probe_within};
pub use retry::Retry;
pub use s3::{S3, S3Bucket};
pub use secret::Secret;
pub use store::{Object, ObjectWriter, Store};
pub use throttle::{Bandwidth, Throttle};
