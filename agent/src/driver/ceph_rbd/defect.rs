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
    /// The image is in a group of images.
    Grouped,
    /// Other images stand on it.
    Cloned,
    /// The cluster lets nobody in from here.
    ShutOut,
    /// The image cannot be opened because of what it is like.
    Damaged,
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

/// What an image that cannot be understood is refused with: I/O error, invalid argument, no such function, no data, bad
/// message, not supported. What it is refused with because something else is short is not among them.
const UNREADABLE: [i32; 6] = [5, 22, 38, 61, 74, 95];

/// `rbd` ends with the error's number and says what it was about; `qemu-nbd` says only what it is.
fn classify(status: Option<i32>, message: &str) -> Kind {
    let says = |words: &str| message.contains(words);
    let number = match status {
        Some(number @ 2..) => number,
        _ if says("imed out") => 110,
        _ if says("No such file") || says("No such key") => 2,
        _ if says("No space left") => 28,
        _ if says("File exists") => 17,
        _ if says("transport endpoint shutdown") => 108,
        _ => 1,
    };
    match number {
        110 => Kind::Silent,
        28 | 122 => Kind::Full,
        17 => Kind::Exists,
        39 => Kind::NotEmpty,
        16 | 30 => Kind::Busy,
        31 => Kind::Grouped,
        10 => Kind::Cloned,
        108 => Kind::ShutOut,
        13 => Kind::Denied,
        1 if says("not permitted") || says("ermission denied") => Kind::Denied,
        // Without a key nobody gets in, and it says so as of a file that is missing.
        2 if says("connect") => Kind::Denied,
        2 if says("opening pool") => Kind::NoPool,
        2 if says("opening image") || says("opening source image") => Kind::NoImage,
        2 if says("snapshot") || says("rollback") || says("diff") => Kind::NoSnapshot,
        2 => Kind::NoImage,
        _ if UNREADABLE.contains(&number)
            && ["opening image", "opening source image", "delete error"]
                .into_iter()
                .any(says) =>
        {
            Kind::Damaged
        }
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
            Kind::ShutOut => Self::storage(
                "The volume's storage cluster has shut this hypervisor out (it is on its blocklist).",
            ),
            Kind::Damaged => Self::damaged(
                "The volume cannot be worked on: its image is damaged, or has features that are not \
                 known here.",
            ),
            Kind::Grouped => grouped(),
            Kind::Cloned => cloned(),
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

pub(super) fn grouped() -> Failure {
    Failure::storage(
        "The volume cannot be deleted: on its storage it belongs to a group of images, or to a \
         snapshot of one.",
    )
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

/// What was to be removed is there still, and nobody says why.
pub(super) fn kept() -> Failure {
    Failure::storage("The volume cannot be deleted: its storage keeps it. The pool may be full.")
}

/// What is there cannot be opened, because the note of which objects it has is not.
pub(super) fn without_map() -> Failure {
    Failure::storage(
        "The snapshot cannot be read: its object map is missing on the volume's storage.",
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

/// The image is larger than its volume, and so is no image of it.
pub(super) fn larger(found: u64, expected: u64) -> Failure {
    Failure {
        code: Code::ImageDamaged,
        ..size(found, expected)
    }
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
            (31, "rbd: error: image belongs to a group", Kind::Grouped),
            (
                10,
                "rbd: delete error: (10) No child processes",
                Kind::Cloned,
            ),
            (
                108,
                "rbd: error opening image x: (108) Cannot send after transport endpoint shutdown",
                Kind::ShutOut,
            ),
            (
                1,
                "qemu-nbd: error reading header from x: Cannot send after transport endpoint shutdown",
                Kind::ShutOut,
            ),
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
                1,
                "No such key: volumes/rbd_directory/name_x",
                Kind::NoImage,
            ),
            (
                2,
                "rbd: getting metadata failed: (2) No such file or directory",
                Kind::NoImage,
            ),
            (1, "qemu-nbd: something else", Kind::Other),
            (22, "rbd: something else", Kind::Other),
            (
                38,
                "rbd: error opening image x: (38) Function not implemented",
                Kind::Damaged,
            ),
            (
                12,
                "rbd: error opening image x: (12) Cannot allocate memory",
                Kind::Other,
            ),
        ] {
            assert_eq!(classify(Some(status), message), kind, "{status}: {message}");
        }
    }
}
