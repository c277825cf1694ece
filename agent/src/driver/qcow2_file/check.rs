//! What an image has to be like before anything is done with it, and how to say that it is not.

use std::path::Path;

use crate::{
    driver::{Code, Failure, Result, Retained, SnapshotName},
    qcow2::{Defect, Extent, Image, Snapshot},
};

/// A snapshot of an image that can be worked on.
pub(super) struct Found {
    pub(super) image: Image,
    pub(super) snapshot: Snapshot,
    pub(super) extent: Extent,
}

/// The disk in the image has the size that the gateway believes it to have.
pub(super) fn size(image: &Image, expected: u64) -> Result<()> {
    let found = image.header().virtual_bytes;
    if found == expected {
        return Ok(());
    }
    Err(Failure::storage(another_size(found, expected)))
}

/// What is larger than the volume is no image of it, and cannot be made smaller. What is smaller can be made larger:
/// a roll-back was cut off.
pub(super) fn not_larger(image: &Image, expected: u64) -> Result<()> {
    let found = image.header().virtual_bytes;
    if found <= expected {
        return Ok(());
    }
    Err(Failure::damaged(another_size(found, expected)))
}

fn another_size(found: u64, expected: u64) -> String {
    format!(
        "The volume cannot be worked on: its image holds a disk of {found} bytes instead of {expected}."
    )
}

const LOST: &str = "The volume cannot be worked on: its image cannot be read, because the disk under it has lost a part of it.";

/// What QEMU says of it, which may be because a table leads to where nothing is.
const UNREADABLE: &str =
    "The volume cannot be worked on: its image is damaged: its tables cannot be read.";

/// Its tables cannot be read.
pub(super) fn unreadable() -> Failure {
    Failure::damaged(UNREADABLE)
}

/// What the image lies on has lost some of it.
pub(super) fn lost() -> Failure {
    Failure::damaged(LOST)
}

/// Whether that is why something failed. It may have been for a moment.
pub(super) fn is_lost(failure: &Failure) -> bool {
    failure.message == LOST || failure.message == UNREADABLE
}

/// The volume cannot be overwritten because of what its image is like: another can take its place.
pub(super) fn damage(defect: Defect) -> Failure {
    if defect.is_lost() {
        return lost().because(defect);
    }
    let is_image = !matches!(defect, Defect::Io(_));
    let failure = Failure::from(defect);
    if is_image {
        return Failure {
            code: Code::ImageDamaged,
            ..failure
        };
    }
    failure
}

/// The volume can be rolled back by QEMU.
pub(super) fn roll_back(image: &Image, snapshot: &Snapshot) -> Result<()> {
    image.check_mark()?;
    if !image.can_count_up(snapshot)? {
        return Err(overflow("The volume cannot be rolled back", image));
    }
    if image.header().has_bitmaps() {
        let message = "The volume cannot be rolled back: its image has persistent dirty bitmaps, which would \
                       not know what has changed. Restore the snapshot to a new volume, or have the bitmaps \
                       removed (qemu-img bitmap --remove).";
        return Err(Failure::storage(message));
    }
    Ok(())
}

/// Says more about a snapshot that could not be taken, where the image tells why.
pub(super) fn explain(image: &Image, failure: Failure) -> Failure {
    let bits = image.header().refcount_bits();
    let is_refused = |detail: &String| detail.contains("Invalid argument");
    if bits >= 16 || !failure.detail.as_ref().is_some_and(is_refused) {
        return failure;
    }
    let Failure { message, .. } = overflow("The volume cannot have another snapshot", image);
    Failure { message, ..failure }
}

fn overflow(what: &str, image: &Image) -> Failure {
    let bits = image.header().refcount_bits();
    Failure::storage(format!(
        "{what}: the reference counts of its image have {bits} bits, and would overflow. Delete a snapshot, or have \
         them made larger (qemu-img amend -o refcount_bits=16)."
    ))
}

/// Another snapshot takes nothing that is in use, as far as that can be told beside whoever writes the image.
pub(super) fn counted(path: &Path, nobody_writes: bool) -> std::result::Result<(), Defect> {
    settled(path, |image| image.check_counted(nobody_writes))
}

/// What goes with a snapshot is nobody else's, and what its removal writes takes nothing that is in use: as far as that
/// can be told beside whoever writes the image.
pub(super) fn freeing(
    path: &Path,
    name: SnapshotName,
    nobody_writes: bool,
) -> std::result::Result<(), Defect> {
    settled(path, |image| {
        let Some(snapshot) = image.lookup_snapshot(&name.to_string())? else {
            return Ok(());
        };
        image.check_freeing(&snapshot, nobody_writes)?;
        image.check_counted(nobody_writes)
    })
}

/// What is read of an image that may be written meanwhile. Where its tables lie may change on the way; then it is read
/// again.
fn settled<T>(
    path: &Path,
    read: impl Fn(&Image) -> std::result::Result<T, Defect>,
) -> std::result::Result<T, Defect> {
    const TRIES: usize = 5;
    let mut tries = 0;
    loop {
        let image = Image::open(path)?;
        let outcome = read(&image);
        tries += 1;
        if tries == TRIES || Image::open(path)?.header() == image.header() {
            return outcome;
        }
    }
}

pub(super) fn has_snapshot(image: &Image, name: SnapshotName) -> Result<bool> {
    Ok(image.lookup_snapshot(&name.to_string())?.is_some())
}

/// The snapshot, which is there, whole, and not larger than the volume.
pub(super) fn snapshot(image: Image, name: SnapshotName, size_bytes: u64) -> Result<Found> {
    let Some(snapshot) = image.lookup_snapshot(&name.to_string())? else {
        let message = "The snapshot is no longer on the volume's storage.";
        return Err(Failure::new(Code::ItemNotAvailable, message).because(name));
    };
    if snapshot.virtual_bytes > size_bytes {
        let message = format!(
            "The snapshot holds {} bytes, the volume has {size_bytes}.",
            snapshot.virtual_bytes
        );
        return Err(Failure::new(Code::TargetTooSmall, message));
    }
    let extent = image.check_snapshot(&snapshot)?;
    Ok(Found {
        image,
        snapshot,
        extent,
    })
}

/// A snapshot that was read is still the one that it was: from the moment on when it leaves the
/// image's table, others may be writing where its data lay.
pub(super) fn still_there(image: &Path, snapshot: &Snapshot) -> Result<()> {
    let found = Image::open(image)?.lookup_snapshot(&snapshot.name)?;
    if found.as_ref() == Some(snapshot) {
        return Ok(());
    }
    Err(Failure::snapshot_lost().because(&snapshot.name))
}

/// Snapshots that nobody needs any more: temporary ones, and the one that was about to be taken.
pub(super) fn leftovers(
    image: &Image,
    intended: Option<SnapshotName>,
) -> std::result::Result<Vec<SnapshotName>, Defect> {
    let names = image
        .snapshots()?
        .into_iter()
        .filter_map(|s| SnapshotName::parse(&s.name));
    Ok(names
        .filter(|name| matches!(name, SnapshotName::Temporary(_)) || Some(*name) == intended)
        .collect())
}

/// What each customer's snapshot keeps, also while a guest writes.
///
/// A snapshot's own tables never change, and how often a cluster is referred to falls only until the
/// next snapshot is taken. So what QEMU has not written back yet makes the figure too low, never too
/// high, and it is right at the latest instant at which the guest, or a snapshot, had all written
/// back.
pub(super) fn retained(path: &Path) -> std::result::Result<Vec<Retained>, Defect> {
    settled(path, retained_now)
}

fn retained_now(image: &Image) -> std::result::Result<Vec<Retained>, Defect> {
    let customers = |snapshot: &Snapshot| match SnapshotName::parse(&snapshot.name) {
        Some(SnapshotName::Kept(snapshot_id)) => Some(snapshot_id),
        _ => None,
    };
    let all = image.retained_bytes(|snapshot| customers(snapshot).is_some())?;
    let retained = all.into_iter().filter_map(|(snapshot, retained_bytes)| {
        customers(&snapshot).map(|snapshot_id| Retained {
            snapshot_id,
            retained_bytes,
        })
    });
    Ok(retained.collect())
}
