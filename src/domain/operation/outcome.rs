//! How an agent's work on an operation ended, as the agent tells it.

use entity::{SnapshotId, operation, operation::OperationKind};

use super::effect::image::Image;
use crate::domain::ErrorCode;

/// How the agent's work ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Done.
    Completed(Completed),
    /// Ended by an error.
    Failed {
        /// What went wrong, for programs.
        code: ErrorCode,
        /// What went wrong, for the customer.
        message: String,
        /// A restore in place may have begun to write.
        volume_touched: bool,
        /// Of a deletion: what was removed.
        removed: Removed,
        /// Of what was to be made: whether anything of it was begun on storage.
        begun: bool,
        /// What has become of the volume's image.
        image: Image,
    },
    /// Stopped because it was cancelled or lost; nothing is being written any more.
    Stopped {
        /// A restore in place may have begun to write.
        volume_touched: bool,
        /// What has become of the volume's image.
        image: Image,
    },
}

/// What a deletion that failed has removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// Nothing: it was refused.
    Nothing,
    /// A part of it, or all of it.
    Some,
    /// Nobody can tell.
    Unknown,
}

impl Outcome {
    /// Whether a deletion has left what it was about as it was. Of a snapshot in a damaged image nobody can tell that, and
    /// no later deletion may ever be able to: it goes with its volume.
    pub(super) fn is_refusal(&self, operation: &operation::Model) -> bool {
        let Self::Failed { code, removed, .. } = self else {
            return false;
        };
        let in_damaged_image =
            operation.kind == OperationKind::DeleteSnapshot && *code == ErrorCode::ImageDamaged;
        OperationKind::DELETING.contains(&operation.kind)
            && *removed == Removed::Nothing
            && !in_damaged_image
    }

    /// What has become of the volume's image, however the work ended. One that may not be replaced is kept.
    pub(super) fn image(&self, operation: &operation::Model) -> Image {
        if !operation.replace_image {
            return Image::Kept;
        }
        match self {
            Self::Completed(completed) => completed.image,
            // One that stops has not looked for what a lost attempt before it has done.
            Self::Stopped {
                image: Image::Kept, ..
            } if operation.volume_touched => Image::Unknown,
            Self::Failed { image, .. } | Self::Stopped { image, .. } => *image,
        }
    }
}

/// What the finished work yields.
#[derive(Clone, Debug, Default)]
pub struct Completed {
    /// Of a backup: bytes at its destination.
    pub stored_bytes: Option<i64>,
    /// Of a backup: the digest of its object.
    pub checksum: Option<String>,
    /// What snapshots of the volume keep now, as measured.
    pub retained: Vec<(SnapshotId, i64)>,
    /// Of a restore in place: what has become of the volume's image.
    pub image: Image,
}
