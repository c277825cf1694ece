//! Where backups lie and what they look like there.
//!
//! * [`Store`] is a destination: something that takes objects as a stream and gives ranges of them
//!   back. [`Local`] keeps them in a directory; others implement the same trait and pass the same
//!   `conformance` suite.
//! * [`format`](mod@format) is the backup itself: a seekable zstd stream and a manifest, readable without this crate.
//! * [`probe()`] tries a destination out before it is relied on.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod destination;
mod error;
#[cfg(any(test, feature = "conformance"))]
pub mod fault;
pub mod format;
mod gather;
mod local;
mod nfs;
mod path;
mod probe;
mod reserve;
mod secret;
mod store;

pub use destination::{Destination, NfsExport, S3Bucket};
pub use error::{Error, Result};
pub use local::Local;
pub use nfs::Nfs;
pub use path::ObjectPath;
pub use probe::probe;
pub use secret::Secret;
pub use store::{Object, ObjectWriter, Store};
