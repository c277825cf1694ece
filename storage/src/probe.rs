//! Tries a destination out: write, read back, compare, list, delete.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{runtime::Handle, time::timeout};
use uuid::Uuid;

use crate::{Error, ObjectPath, Result, Store};

/// What is written in one step.
const SMALL_BYTES: u64 = 64 << 10;
/// What is written as a stream: more than stores take as the first of several parts.
const STREAM_CHUNKS: u64 = 5;
const CHUNK_BYTES: u64 = 1 << 20;
/// Where all probes write.
const PROBES: &str = "probes";
/// What a probe that was given up on left behind is deleted within this, or by a later probe.
const CLEANUP_LIMIT: Duration = Duration::from_mins(2);
/// No probe runs for as long: what is older was left behind.
const LEFT_BEHIND_SECONDS: u64 = 60 * 60;

/// Writes two objects to `store`, one in a step and one as a stream, reads them back, compares,
/// lists and deletes them.
///
/// The error is that of the first step that failed, which its wording names. Whatever happens, the
/// objects are deleted again as far as the destination lets us: whoever gives up waiting leaves a
/// task that does, and what stays all the same is deleted by a later probe that succeeds.
pub async fn probe(store: Arc<dyn Store>) -> Result<()> {
    probe_step_by_step(store, &Step::default()).await
}

/// The same within `limit`. What hangs then is the error, and for how long.
pub async fn probe_within(store: Arc<dyn Store>, limit: Duration) -> Result<()> {
    let step = Step::default();
    let probed = timeout(limit, probe_step_by_step(store, &step)).await;
    probed.unwrap_or_else(|_| {
        // What was spent before is no second less.
        let seconds = limit.as_secs() + u64::from(limit.subsec_nanos() > 0);
        let doing = step.doing();
        Err(Error::Unreachable {
            reason: format!("no answer within {seconds} s while {doing}"),
        })
    })
}

/// What a probe is doing.
#[derive(Default)]
struct Step(Mutex<&'static str>);

impl Step {
    fn enter(&self, doing: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }

    fn doing(&self) -> &'static str {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn probe_step_by_step(store: Arc<dyn Store>, step: &Step) -> Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a name that nobody else has, seen by nobody"
    )]
    let id = Uuid::now_v7();
    let directory = ObjectPath::new(format!("{PROBES}/{id}"))?;
    let mut written = Written {
        store,
        directory: Some(directory.clone()),
    };
    let store = Arc::clone(&written.store);
    let outcome = write_and_compare(&*store, &directory, id, step).await;
    if let Err(error) = &outcome
        && (error.is_transient() || matches!(error, Error::Unreachable { .. }))
    {
        // Whoever waits need not wait for it to be cleaned up, too.
        return outcome;
    }
    step.enter("deleting what was written");
    let deleted = store.delete_prefix(&directory).await;
    // Deleted, or refused for a reason that asking again in the background does not change.
    written.directory = None;
    outcome?;
    deleted?;
    step.enter("listing what is left");
    if !store.list(&directory).await?.is_empty() {
        return Err(Error::Unfaithful {
            reason: format!("{directory} is still listed once deleted"),
        });
    }
    if let Err(error) = sweep(&*store, id).await {
        tracing::warn!(%error, "what earlier probes left behind stays");
    }
    Ok(())
}

/// What a probe has written. Dropping it deletes that, as far as there is a runtime that does.
struct Written {
    store: Arc<dyn Store>,
    /// None once it has been deleted.
    directory: Option<ObjectPath>,
}

impl Drop for Written {
    fn drop(&mut self) {
        let (Some(directory), Ok(runtime)) = (self.directory.take(), Handle::try_current()) else {
            return;
        };
        let store = Arc::clone(&self.store);
        runtime.spawn(async move {
            match timeout(CLEANUP_LIMIT, store.delete_prefix(&directory)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%directory, %error, "an abandoned probe stays"),
                Err(_) => tracing::warn!(%directory, "an abandoned probe stays: no answer"),
            }
        });
    }
}

/// Deletes what probes long before this one have left behind.
async fn sweep(store: &dyn Store, this: Uuid) -> Result<()> {
    let probes = ObjectPath::new(PROBES)?;
    let mut found = BTreeSet::new();
    for object in store.list(&probes).await? {
        let id = object.path.components().nth(1);
        found.extend(id.and_then(|id| Uuid::parse_str(id).ok()));
    }
    for id in found {
        let age = seconds(this).saturating_sub(seconds(id));
        if age > LEFT_BEHIND_SECONDS {
            store.delete_prefix(&probes.join(&id.to_string())?).await?;
        }
    }
    Ok(())
}

/// When an id was made; one that does not tell is never old.
fn seconds(id: Uuid) -> u64 {
    id.get_timestamp().map_or(u64::MAX, |time| time.to_unix().0)
}

async fn write_and_compare(
    store: &dyn Store,
    directory: &ObjectPath,
    id: Uuid,
    step: &Step,
) -> Result<()> {
    step.enter("writing an object");
    let object = directory.join("object")?;
    store.put(&object, pattern(id, 0..SMALL_BYTES)).await?;
    step.enter("reading an object back");
    compare(store, &object, id, SMALL_BYTES).await?;

    step.enter("writing an object of several parts");
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
    step.enter("reading an object of several parts back");
    compare(store, &stream, id, size).await?;

    step.enter("listing what was written");
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
    use std::num::NonZeroU64;

    use uuid::{NoContext, Timestamp};

    use super::*;
    use crate::{
        Bandwidth, Local, Throttle,
        fault::{Fault, Faulty},
        memory::Memory,
    };

    fn probes_in(directory: &std::path::Path) -> usize {
        std::fs::read_dir(directory.join("probes")).unwrap().count()
    }

    #[tokio::test]
    async fn a_working_destination_passes_and_keeps_nothing() {
        let directory = tempfile::tempdir().unwrap();
        probe(Arc::new(Local::new(directory.path()))).await.unwrap();
        assert_eq!(probes_in(directory.path()), 0);
    }

    #[tokio::test]
    async fn a_destination_that_is_full_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let store = Faulty::new(Arc::new(Local::new(directory.path())), Fault::FullAfter(10));
        let error = probe(Arc::new(store)).await.unwrap_err();
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
            let error = probe(Arc::new(store)).await.unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert_eq!(probes_in(directory.path()), 0);
        }
    }

    #[tokio::test]
    async fn a_destination_that_keeps_what_is_deleted_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let local = Arc::new(Local::new(directory.path()));
        let error = probe(Arc::new(Faulty::new(local, Fault::KeepsDeleted))).await;
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("is still listed once deleted"), "{error}");
    }

    #[tokio::test]
    async fn a_destination_that_dies_within_the_stream_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let local = Arc::new(Local::new(directory.path()));
        let error = probe(Arc::new(Faulty::new(local, Fault::DiesAfter(3 << 20)))).await;
        assert!(matches!(error, Err(Error::Unreachable { .. })), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_destination_that_hangs_is_told_by_what_hung_and_for_how_long() {
        let store = Arc::new(Faulty::new(Arc::new(Memory::default()), Fault::Hangs));
        let begun = tokio::time::Instant::now();
        let error = probe_within(store, Duration::from_secs(27)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(27));
        let told = error.unwrap_err().to_string();
        assert!(
            told.ends_with("no answer within 27 s while writing an object"),
            "{told}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_on_keeps_nothing_either() {
        let memory = Arc::new(Memory::default());
        // The first object is there when the second one hangs.
        let slow = Arc::new(Throttle::new(memory.clone(), bandwidth(SMALL_BYTES)));
        let probe = timeout(Duration::from_secs(5), probe(slow));
        probe.await.unwrap_err();
        let probes = ObjectPath::new(PROBES).unwrap();
        assert_eq!(memory.list(&probes).await.unwrap().len(), 1);
        let emptied = async {
            while !memory.list(&probes).await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(5), emptied).await.unwrap();
    }

    fn bandwidth(bytes_per_second: u64) -> Bandwidth {
        Bandwidth::new(NonZeroU64::new(bytes_per_second).unwrap())
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "ids as old as they say")]
    async fn what_a_dead_probe_left_is_deleted_and_what_a_living_one_has_is_not() {
        let memory = Arc::new(Memory::default());
        let now = seconds(Uuid::now_v7());
        for (age, stays) in [(-60, true), (60, false)] {
            let made = (now - LEFT_BEHIND_SECONDS).saturating_add_signed(-age);
            let left = Uuid::new_v7(Timestamp::from_unix(NoContext, made, 0));
            let left = ObjectPath::new(format!("{PROBES}/{left}/object")).unwrap();
            memory.put(&left, Bytes::from_static(b"x")).await.unwrap();
            probe(memory.clone()).await.unwrap();
            assert_eq!(memory.size(&left).await.is_ok(), stays, "{age}");
        }
    }
}
