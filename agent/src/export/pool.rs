//! Things that cost more to make than to keep: buffers and compressors.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

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

impl<T: AsRef<[u8]> + Default + Send + 'static> Pool<T> {
    /// Lends a filled buffer out as bytes; it comes back when the last of them is dropped.
    pub(super) fn lend(&self, buffer: T) -> Bytes {
        Bytes::from_owner(Lent {
            buffer,
            home: self.clone(),
        })
    }
}

struct Lent<T: Default> {
    buffer: T,
    home: Pool<T>,
}

impl<T: AsRef<[u8]> + Default> AsRef<[u8]> for Lent<T> {
    fn as_ref(&self) -> &[u8] {
        self.buffer.as_ref()
    }
}

impl<T: Default> Drop for Lent<T> {
    fn drop(&mut self) {
        self.home.give(mem::take(&mut self.buffer));
    }
}
