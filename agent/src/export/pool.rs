//! Things that cost more to make than to keep: buffers and compressors.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{Bytes, BytesMut};

use crate::qcow2::ALIGNMENT;

/// A buffer of zeros that a disk can be read into past the page cache.
pub fn buffer(length: usize) -> BytesMut {
    let mut buffer = BytesMut::zeroed(length + ALIGNMENT);
    let before = buffer.as_ptr().align_offset(ALIGNMENT);
    let mut buffer = buffer.split_off(before);
    buffer.truncate(length);
    buffer
}

/// Spare things. There are never more than were in use at once.
#[derive(Debug)]
pub(super) struct Pool<T>(Arc<Mutex<Vec<T>>>);

impl<T> Pool<T> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// A spare, if there is one.
    pub(super) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a thing for later.
    pub(super) fn give(&self, thing: T) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(thing);
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Pool<Vec<u8>> {
    /// Lends a filled buffer out as bytes; it comes back when the last of them is dropped.
    pub(super) fn lend(&self, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent {
            buffer,
            home: self.clone(),
        })
    }
}

struct Lent {
    buffer: Vec<u8>,
    home: Pool<Vec<u8>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.give(mem::take(&mut self.buffer));
    }
}
