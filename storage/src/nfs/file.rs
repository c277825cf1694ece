//! What is done with a file of an export: it is opened, written, closed and renamed.

use std::sync::Arc;

use bytes::Bytes;
use nfs_rs::{Nfs4ErrorCode, NfsError, OPEN_BOTH, WriteOutcome};

use super::{
    connection::{FILE, Mounted},
    failure::{Kind, Outcome},
};
use crate::{Error, ObjectPath, Result};

/// Opens a file that was begun, of which the server has written down so many bytes.
pub(super) async fn open(
    mounted: &Arc<Mounted>,
    path: &ObjectPath,
    name: &str,
    flushed: u64,
) -> Outcome<(Bytes, Bytes)> {
    let directory = parent(mounted, path).await?;
    let found = mounted.lookup_in(&directory, name).await?;
    let size = found.map_or(0, |found| found.size_bytes);
    if size < flushed {
        let reason =
            format!("{flushed} bytes of {path} were written down, the server has {size} of them");
        return Err(Error::Unfaithful { reason }.into());
    }
    let (parent, file) = (directory.clone(), name.to_owned());
    let opened = mounted
        .ask(|mount| async move { mount.open(parent, &file, OPEN_BOTH).await })
        .await?;
    Ok((directory, opened.fh))
}

/// The directory that a file was begun in.
async fn parent(mounted: &Arc<Mounted>, path: &ObjectPath) -> Outcome<Bytes> {
    let Some((parent, _)) = path.as_str().rsplit_once('/') else {
        return mounted
            .ask(|mount| async move { Ok(mount.getfh().await) })
            .await;
    };
    let found = mounted.lookup(parent).await?;
    found
        .map(|found| found.handle)
        .ok_or_else(|| NfsError::Nfs4(Nfs4ErrorCode::NFS4ERR_NOENT).into())
}

/// Renames a file of `size` bytes to its object's name, and looks whether it is there. Asked `again`, it may
/// have been done before.
pub(super) async fn rename(
    mounted: &Arc<Mounted>,
    path: &ObjectPath,
    (from, size): (&str, u64),
    again: bool,
) -> Outcome<()> {
    let directory = parent(mounted, path).await?;
    let name = path.components().next_back().unwrap_or_default();
    let (source, target) = (from.to_owned(), name.to_owned());
    let place = directory.clone();
    let renamed = mounted
        .ask(|mount| async move { mount.rename(place.clone(), &source, place, &target).await })
        .await;
    match renamed {
        Err(failure) if again && failure.kind() == Kind::Absent => {}
        renamed => renamed?,
    }
    let reason = match mounted.lookup_in(&directory, name).await? {
        Some(found) if found.kind == FILE && found.size_bytes == size => return Ok(()),
        Some(found) => format!(
            "{size} bytes were written to {path}, it has {}",
            found.size_bytes
        ),
        None => format!("{path} is not there once it was written"),
    };
    Err(Error::Unfaithful { reason }.into())
}

/// Closes a file.
pub(super) async fn close(mounted: Arc<Mounted>, handle: Bytes) -> Result<Outcome<()>> {
    Ok(mounted
        .ask(|mount| async move { mount.close(handle).await })
        .await)
}

/// Writes a block whole; a server may take less than it is given.
pub(super) async fn write_block(
    mounted: &Mounted,
    handle: Bytes,
    mut offset: u64,
    mut block: Bytes,
) -> Outcome<Vec<WriteOutcome>> {
    let mut outcomes = Vec::with_capacity(1);
    while !block.is_empty() {
        let (handle, data) = (handle.clone(), block.clone());
        let outcome = mounted
            .ask(|mount| async move { mount.write(handle, offset, data).await })
            .await?;
        let taken = usize::try_from(outcome.count).unwrap_or(usize::MAX);
        if taken == 0 || taken > block.len() {
            return Err(Error::Unfaithful {
                reason: format!("of {} bytes the server says it took {taken}", block.len()),
            }
            .into());
        }
        block = block.split_off(taken);
        offset += u64::from(outcome.count);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}
