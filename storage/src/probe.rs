//! Tries a destination out: write, read back, compare, list, delete.

use std::ops::Range;

use bytes::Bytes;
use uuid::Uuid;

use crate::{Error, ObjectPath, Result, Store};

/// What is written in one step.
const SMALL_BYTES: u64 = 64 << 10;
/// What is written as a stream: more than stores take as the first of several parts.
const STREAM_CHUNKS: u64 = 5;
const CHUNK_BYTES: u64 = 1 << 20;

/// Writes two objects to `store`, one in a step and one as a stream, reads them back, compares,
/// lists and deletes them.
///
/// The error is that of the first step that failed, which its wording names. Whatever happens, the
/// objects are deleted again as far as the destination lets us.
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
    let object = directory.join("object")?;
    store.put(&object, pattern(id, 0..SMALL_BYTES)).await?;
    compare(store, &object, id, SMALL_BYTES).await?;

    let stream = directory.join("stream")?;
    let mut writer = store.create(&stream, STREAM_CHUNKS * CHUNK_BYTES).await?;
    for chunk in 0..STREAM_CHUNKS {
        let start = chunk * CHUNK_BYTES;
        writer
            .append(pattern(id, start..start + CHUNK_BYTES))
            .await?;
    }
    let size = STREAM_CHUNKS * CHUNK_BYTES + SMALL_BYTES;
    writer.append(pattern(id, size - SMALL_BYTES..size)).await?;
    writer.commit().await?;
    compare(store, &stream, id, size).await?;

    let listed = store.list(directory).await?;
    let listed: Vec<_> = listed.into_iter().map(|object| object.path).collect();
    if listed != [object, stream] {
        let reason = format!("two objects were written to {directory}, others are listed");
        return Err(Error::Unfaithful { reason });
    }
    Ok(())
}

/// An object reads back as it was written, and so does its last part by itself.
async fn compare(store: &dyn Store, path: &ObjectPath, id: Uuid, written: u64) -> Result<()> {
    let size = store.size(path).await?;
    if size != written {
        let reason = format!("{written} bytes were written to {path}, it has {size}");
        return Err(Error::Unfaithful { reason });
    }
    if store.read(path, 0..size).await? != pattern(id, 0..size) {
        let reason = format!("{path} reads back other bytes than were written");
        return Err(Error::Unfaithful { reason });
    }
    let end = size - SMALL_BYTES / 2..size;
    if store.read(path, end.clone()).await? != pattern(id, end) {
        let reason = format!("a range of {path} reads back other bytes than were written");
        return Err(Error::Unfaithful { reason });
    }
    Ok(())
}

/// A range of bytes that no earlier probe has written, so that a stale answer is noticed.
fn pattern(id: Uuid, range: Range<u64>) -> Bytes {
    let length = usize::try_from(range.end - range.start).unwrap_or_default();
    let mut content = vec![0; length];
    let mut stream = blake3::Hasher::new().update(id.as_bytes()).finalize_xof();
    stream.set_position(range.start);
    stream.fill(&mut content);
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

    fn probes_in(directory: &std::path::Path) -> usize {
        std::fs::read_dir(directory.join("probes")).unwrap().count()
    }

    #[tokio::test]
    async fn a_working_destination_passes_and_keeps_nothing() {
        let directory = tempfile::tempdir().unwrap();
        probe(&Local::new(directory.path())).await.unwrap();
        assert_eq!(probes_in(directory.path()), 0);
    }

    #[tokio::test]
    async fn a_destination_that_is_full_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let store = Faulty::new(Arc::new(Local::new(directory.path())), Fault::FullAfter(10));
        let error = probe(&store).await.unwrap_err();
        assert!(matches!(error, Error::Full { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_destination_that_does_not_keep_what_it_takes_says_how() {
        for (fault, words) in [
            (Fault::FlipsBits, "/object reads back other bytes"),
            (Fault::CutsReads, "/object reads back other bytes"),
            (Fault::DropsObjects, "/object does not exist"),
            (Fault::CommitFails, "failed while committing an object"),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let store = Faulty::new(Arc::new(Local::new(directory.path())), fault);
            let error = probe(&store).await.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert_eq!(probes_in(directory.path()), 0);
        }
    }

    #[tokio::test]
    async fn a_destination_that_keeps_what_is_deleted_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let local = Arc::new(Local::new(directory.path()));
        let error = probe(&Faulty::new(local, Fault::KeepsDeleted)).await;
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("is still listed once deleted"), "{error}");
    }

    #[tokio::test]
    async fn a_destination_that_dies_within_the_stream_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let local = Arc::new(Local::new(directory.path()));
        let error = probe(&Faulty::new(local, Fault::DiesAfter(3 << 20))).await;
        assert!(matches!(error, Err(Error::Unreachable { .. })), "{error:?}");
    }
}
