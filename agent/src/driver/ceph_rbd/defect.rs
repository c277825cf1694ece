//! What `rbd` refuses, and how to say it.

use std::fmt;

use crate::{
    driver::{Code, Failure, Removed},
    process,
};

/// Why something could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The cluster does not answer, or not in time.
    Silent,
    /// The cluster does not know us, or does not let us.
    Denied,
    NoPool,
    NoImage,
    NoSnapshot,
    /// There is one of that name already.
    Exists,
    /// Somebody else holds the image, or the snapshot is protected.
    Busy,
    /// The image still has snapshots.
    NotEmpty,
    Full,
    Other,
}

/// A command that failed.
#[derive(Debug)]
pub(super) struct Defect {
    pub(super) kind: Kind,
    pub(super) error: process::Error,
}

impl From<process::Error> for Defect {
    fn from(error: process::Error) -> Self {
        let kind = match &error {
            process::Error::Failed {
                status, message, ..
            } => classify(status.code(), message),
            process::Error::TimedOut { .. } => Kind::Silent,
            process::Error::Missing { .. } | process::Error::Start { .. } => Kind::Other,
        };
        Self { kind, error }
    }
}

/// `rbd` ends with the error's number and says what it was about; `qemu-nbd` says only what it is.
fn classify(status: Option<i32>, message: &str) -> Kind {
    let says = |words: &str| message.contains(words);
    let number = match status {
        Some(number @ 2..) => number,
        _ if says("imed out") => 110,
        _ if says("No such file") => 2,
        _ if says("No space left") => 28,
        _ => 1,
    };
    match number {
        110 => Kind::Silent,
        28 | 122 => Kind::Full,
        17 => Kind::Exists,
        39 => Kind::NotEmpty,
        16 | 30 => Kind::Busy,
        13 => Kind::Denied,
        1 if says("not permitted") || says("ermission denied") => Kind::Denied,
        // Without a key nobody gets in, and it says so as of a file that is missing.
        2 if says("connect") => Kind::Denied,
        2 if says("opening pool") => Kind::NoPool,
        2 if says("opening image") || says("opening source image") => Kind::NoImage,
        2 if says("snapshot") || says("rollback") || says("diff") => Kind::NoSnapshot,
        2 => Kind::NoImage,
        _ if says("couldn't connect") => Kind::Silent,
        _ => Kind::Other,
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl From<Defect> for Failure {
    fn from(defect: Defect) -> Self {
        match defect.kind {
            // What it was asked for it may do yet.
            Kind::Silent => Self::storage(
                "The volume's storage cluster did not answer in time. It may be down, or full.",
            )
            .having_removed(Removed::Unknown),
            Kind::Denied => Self::storage("The volume's storage cluster denies access."),
            Kind::NoPool => Self::storage("The storage pool of the volume is not there."),
            Kind::NoImage => Self::damaged("The volume cannot be worked on: its image is missing."),
            Kind::NoSnapshot => Self::new(
                Code::ItemNotAvailable,
                "The snapshot is no longer on the volume's storage.",
            ),
            Kind::Busy => in_use(),
            Kind::Full => Self::pool_full(),
            Kind::Exists | Kind::NotEmpty | Kind::Other => return defect.error.into(),
        }
        .because(defect.error)
    }
}

pub(super) fn in_use() -> Failure {
    Failure::storage("The volume is in use, such as by a running instance or another tool.")
}

pub(super) fn cloned() -> Failure {
    Failure::storage(
        "The volume cannot be deleted: another image on its storage is a clone of one of its \
         snapshots.",
    )
}

pub(super) fn protected() -> Failure {
    Failure::storage(
        "The snapshot cannot be deleted: it has been protected on the volume's storage.",
    )
}

/// What is known to be there cannot be deleted, because something that belongs to it is not.
pub(super) fn not_whole() -> Failure {
    Failure::storage(
        "The snapshot cannot be deleted: something that belongs to it is missing on the volume's \
         storage.",
    )
}

/// A volume is to be made where there is one.
pub(super) fn exists() -> Failure {
    Failure::storage("The volume exists already.")
}

/// The image has not the size that the gateway believes it to have.
pub(super) fn size(found: u64, expected: u64) -> Failure {
    Failure::storage(format!(
        "The volume cannot be worked on: its image holds a disk of {found} bytes instead of {expected}."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tools_say_is_understood() {
        for (status, message, kind) in [
            (110, "rbd: couldn't connect to the cluster!", Kind::Silent),
            (
                110,
                "rbd: error opening image x: (110) Connection timed out",
                Kind::Silent,
            ),
            (13, "rbd: couldn't connect to the cluster!", Kind::Denied),
            (2, "rbd: couldn't connect to the cluster!", Kind::Denied),
            (
                1,
                "rbd: listing images failed: (1) Operation not permitted",
                Kind::Denied,
            ),
            (
                2,
                "rbd: error opening pool 'x': (2) No such file or directory",
                Kind::NoPool,
            ),
            (
                2,
                "rbd: error opening image x: (2) No such file or directory",
                Kind::NoImage,
            ),
            (
                2,
                "rbd: delete error: (2) No such file or directory",
                Kind::NoImage,
            ),
            (
                2,
                "error setting snapshot context: (2) No such file or directory",
                Kind::NoSnapshot,
            ),
            (
                2,
                "rbd: rollback failed: (2) No such file or directory",
                Kind::NoSnapshot,
            ),
            (
                2,
                "rbd: diff error: (2) No such file or directory",
                Kind::NoSnapshot,
            ),
            (
                17,
                "rbd: failed to create snapshot: (17) File exists",
                Kind::Exists,
            ),
            (
                30,
                "rbd: rollback failed: (30) Read-only file system",
                Kind::Busy,
            ),
            (39, "rbd: image has snapshots", Kind::NotEmpty),
            (122, "rbd: failed: (122) Disk quota exceeded", Kind::Full),
            (
                1,
                "qemu-nbd: error connecting: Connection timed out",
                Kind::Silent,
            ),
            (
                1,
                "qemu-nbd: error connecting: Operation not permitted",
                Kind::Denied,
            ),
            (
                1,
                "qemu-nbd: error opening pool x: No such file or directory",
                Kind::NoPool,
            ),
            (
                1,
                "qemu-nbd: error reading header from x: No such file or directory",
                Kind::NoImage,
            ),
            (
                1,
                "error removing x>rbd_id.y: (2) No such file or directory",
                Kind::NoImage,
            ),
            (
                1,
                "error opening pool x: (2) No such file or directory",
                Kind::NoPool,
            ),
            (
                2,
                "rbd: getting metadata failed: (2) No such file or directory",
                Kind::NoImage,
            ),
            (1, "qemu-nbd: something else", Kind::Other),
            (22, "rbd: something else", Kind::Other),
        ] {
            assert_eq!(classify(Some(status), message), kind, "{status}: {message}");
        }
    }
}
