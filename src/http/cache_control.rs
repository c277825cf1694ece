//! How long an answer may be kept.

/// Marks an answer that says itself how long it may be kept. All others are for once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept;
