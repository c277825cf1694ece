//! The trait that every destination of backups implements.

use std::{fmt, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{ObjectPath, Result};

/// An object as [`Store::list`] sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Where it lies.
    pub path: ObjectPath,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// A destination of backups: a flat space of immutable objects under paths.
///
/// What every implementation promises, and the `conformance` suite checks:
///
/// * An object appears whole or not at all. Until [`ObjectWriter::commit`] has returned, nobody can
///   read or list it; once it has, the object survives a loss of power.
/// * Writing over an object replaces it in one step.
/// * Deleting what is not there is a success. A destination in a directory may refuse to say so, or
///   that an object is not found, while nothing at all is in that directory: its disk may be missing.
///   [`Store::delete_prefix`] and [`Store::list`] take it as it is.
/// * Every future may be dropped at any await point. What a dropped writer leaves behind at most is
///   invisible, and [`Store::delete_prefix`] removes it too.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Opens a stream that becomes the object `path` when it is committed. About `expected_bytes`
    /// will come: a store that takes objects in parts sizes these by it.
    async fn create(&self, path: &ObjectPath, expected_bytes: u64)
    -> Result<Box<dyn ObjectWriter>>;

    /// Reads exactly `range`; a range beyond the end is [`Error::OutOfRange`](crate::Error::OutOfRange).
    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes>;

    /// The size of an object in bytes.
    async fn size(&self, path: &ObjectPath) -> Result<u64>;

    /// Every object at or below `prefix`, ordered by path; none if there is nothing.
    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>>;

    /// Whether nothing lies there but what file systems bring, what tests leave, and the marker.
    async fn is_vacant(&self) -> Result<bool>;

    /// Deletes one object.
    async fn delete(&self, path: &ObjectPath) -> Result<()>;

    /// Deletes every object at or below `prefix`, and what unfinished writers left there.
    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()>;

    /// Writes a small object in one step.
    async fn put(&self, path: &ObjectPath, content: Bytes) -> Result<()> {
        let mut writer = self.create(path, content.len() as u64).await?;
        writer.append(content).await?;
        writer.commit().await
    }

    /// Reads a small object whole; one of more than `limit` bytes is refused unread.
    async fn get(&self, path: &ObjectPath, limit: u64) -> Result<Bytes> {
        let size = self.size(path).await?;
        if size > limit {
            return Err(crate::Error::OutOfRange {
                path: path.clone(),
                size,
                end: limit,
            });
        }
        self.read(path, 0..size).await
    }
}

/// An object that is being written. Dropping it uncommitted discards what was written.
#[async_trait]
pub trait ObjectWriter: Send {
    /// Adds bytes at the end, and waits as long as the destination is behind.
    ///
    /// One that fails, or is dropped before it is done, leaves an object that lacks bytes: nothing can
    /// be appended to it any more, and it cannot be committed.
    async fn append(&mut self, chunk: Bytes) -> Result<()>;

    /// How many of the bytes that were appended the destination has not confirmed yet: none where
    /// [`append`](Self::append) writes through, what is still on its way where bytes are collected.
    fn unconfirmed_bytes(&self) -> u64 {
        0
    }

    /// Makes the object durable and visible.
    async fn commit(self: Box<Self>) -> Result<()>;

    /// Discards what was written, and says whether that worked.
    async fn abort(self: Box<Self>) -> Result<()>;
}
