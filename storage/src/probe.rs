//! Tries a destination out: write, read back, compare, list, delete.

use bytes::Bytes;
use uuid::Uuid;

use crate::{Error, ObjectPath, Result, Store};

const PROBE_BYTES: usize = 64 << 10;

/// Writes a small object to `store`, reads it back, compares and deletes it.
///
/// The error is that of the first step that failed, which its wording names. Whatever happens, the
/// object is deleted again as far as the destination lets us.
pub async fn probe(store: &dyn Store) -> Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a name that nobody else has, seen by nobody"
    )]
    let id = Uuid::now_v7();
    let directory = ObjectPath::new(format!("probes/{id}"))?;
    let outcome = write_and_compare(store, &directory, id).await;
    let deleted = store.delete_prefix(&directory).await;
    outcome?;
    deleted?;
    if store.list(&directory).await?.is_empty() {
        Ok(())
    } else {
        Err(Error::Unfaithful {
            reason: format!("{directory} is still listed once deleted"),
        })
    }
}

async fn write_and_compare(store: &dyn Store, directory: &ObjectPath, id: Uuid) -> Result<()> {
    let path = directory.join("object")?;
    let content = pattern(id);
    store.put(&path, content.clone()).await?;

    let size = store.size(&path).await?;
    if size != PROBE_BYTES as u64 {
        let reason = format!("{PROBE_BYTES} bytes were written to {path}, it has {size}");
        return Err(Error::Unfaithful { reason });
    }
    if store.read(&path, 0..size).await? != content {
        let reason = format!("{path} reads back other bytes than were written");
        return Err(Error::Unfaithful { reason });
    }
    let half = size / 2;
    if store.read(&path, half..size).await? != content.slice(PROBE_BYTES / 2..) {
        let reason = format!("a range of {path} reads back other bytes than were written");
        return Err(Error::Unfaithful { reason });
    }
    Ok(())
}

/// Bytes that no earlier probe has written, so that a stale answer is noticed.
fn pattern(id: Uuid) -> Bytes {
    let mut content = vec![0; PROBE_BYTES];
    blake3::Hasher::new()
        .update(id.as_bytes())
        .finalize_xof()
        .fill(&mut content);
    content.into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        Local,
        fault::{Fault, Faulty},
    };

    #[tokio::test]
    async fn a_working_destination_passes_and_keeps_nothing() {
        let directory = tempfile::tempdir().unwrap();
        probe(&Local::new(directory.path())).await.unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_destination_that_is_full_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let store = Faulty::new(Arc::new(Local::new(directory.path())), Fault::FullAfter(10));
        let error = probe(&store).await.unwrap_err();
        assert!(matches!(error, Error::Full { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_destination_that_changes_bytes_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let store = Faulty::new(Arc::new(Local::new(directory.path())), Fault::FlipsBits);
        let error = probe(&store).await.unwrap_err();
        assert!(matches!(error, Error::Unfaithful { .. }), "{error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
