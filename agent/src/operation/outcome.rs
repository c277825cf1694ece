//! How an operation ended, as the gateway is told.

use crate::driver::{Failure, Retained};

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Completed(Completed),
    /// It failed, and has cleaned up.
    Failed {
        /// Why.
        failure: Failure,
        /// Whether a restore in place had begun to write.
        volume_touched: bool,
        /// What has become of the volume's image.
        image: Image,
    },
    /// It was cancelled, and has cleaned up.
    Stopped {
        /// Whether a restore in place had begun to write.
        volume_touched: bool,
    },
}

/// What has become of the image of a volume that was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// It is still the one that it was.
    Kept,
    /// A new one has taken its place.
    Replaced,
    /// Nobody can tell.
    Unknown,
}

/// What a completed operation has found out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Completed {
    /// Bytes that a backup takes at its destination.
    pub stored_bytes: Option<u64>,
    /// The backup's digest.
    pub checksum: Option<String>,
    /// What each of the volume's snapshots keeps, where that may have changed.
    pub retained: Option<Vec<Retained>>,
    /// Whether a new image has taken the place of the volume's, in which its snapshots lay.
    pub image_replaced: bool,
}
