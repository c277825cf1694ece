//! What an image has to be like before anything is done with it, and how to say that it is not.

use crate::{
    driver::{Code, Failure, Result, Retained, SnapshotName},
    qcow2::{Defect, Image},
};

/// A defect of the volume's image, for the customer.
pub(super) fn failure(defect: Defect) -> Failure {
    let message = format!("The volume cannot be worked on: {defect}.");
    match defect {
        Defect::Io(error) => {
            Failure::storage("The volume cannot be worked on: its image cannot be read.")
                .because(error)
        }
        _ => Failure::storage(message),
    }
}

/// The disk in the image has the size that the gateway believes it to have.
pub(super) fn size(image: &Image, expected: u64) -> Result<()> {
    let found = image.header().virtual_bytes;
    if found == expected {
        return Ok(());
    }
    let message = format!(
        "The volume cannot be worked on: its image holds a disk of {found} bytes instead of {expected}."
    );
    Err(Failure::storage(message))
}

pub(super) fn has_snapshot(image: &Image, name: SnapshotName) -> Result<bool> {
    Ok(image
        .lookup_snapshot(&name.to_string())
        .map_err(failure)?
        .is_some())
}

/// The snapshot is there, whole, and not larger than the volume.
pub(super) fn snapshot(image: Image, name: SnapshotName, size_bytes: u64) -> Result<Image> {
    let Some(snapshot) = image.lookup_snapshot(&name.to_string()).map_err(failure)? else {
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
    image.check_snapshot(&snapshot).map_err(failure)?;
    Ok(image)
}

/// Snapshots that no operation needs any more.
pub(super) fn temporary_snapshots(image: &Image) -> std::result::Result<Vec<SnapshotName>, Defect> {
    let names = image
        .snapshots()?
        .into_iter()
        .filter_map(|s| SnapshotName::parse(&s.name));
    Ok(names
        .filter(|name| matches!(name, SnapshotName::Temporary(_)))
        .collect())
}

/// What each customer's snapshot keeps.
pub(super) fn retained(image: &Image) -> std::result::Result<Vec<Retained>, Defect> {
    let mut retained = Vec::new();
    for snapshot in image.snapshots()? {
        if let Some(SnapshotName::Kept(snapshot_id)) = SnapshotName::parse(&snapshot.name) {
            let retained_bytes = image.retained_bytes(&snapshot)?;
            retained.push(Retained {
                snapshot_id,
                retained_bytes,
            });
        }
    }
    Ok(retained)
}
