//! The documents that passed, by the hash of their text, as many as have room.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;

use super::Document;

/// How many bytes of texts are remembered.
const MAX_TEXT: usize = 1 << 20;
/// The longest text that is: what the product's own clients send is far below.
const MAX_ONE: usize = MAX_TEXT / 32;
/// What a document takes beside its text, as a length of text.
const BESIDE: usize = 64;

/// The documents that passed. What a document takes in memory is some twenty times its text.
pub(super) struct Cache(Mutex<Kept>);

struct Kept {
    documents: LruCache<blake3::Hash, (Arc<Document>, usize)>,
    size: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            documents: LruCache::unbounded(),
            size: 0,
        }))
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

impl Cache {
    /// The document with `text`, if it is remembered.
    pub(super) fn get(&self, text: &str) -> Option<Arc<Document>> {
        if text.len() > MAX_ONE {
            return None;
        }
        let hash = blake3::hash(text.as_bytes());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.documents
            .get(&hash)
            .map(|(document, _)| Arc::clone(document))
    }

    /// Remembers `document`, for which others may have to go.
    pub(super) fn keep(&self, text: &str, document: Document) -> Arc<Document> {
        let document = Arc::new(document);
        if text.len() > MAX_ONE {
            return document;
        }
        let size = text.len() + BESIDE;
        let hash = blake3::hash(text.as_bytes());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let former = kept.documents.put(hash, (Arc::clone(&document), size));
        kept.size += size;
        kept.size -= former.map_or(0, |(_, size)| size);
        while kept.size > MAX_TEXT {
            let Some((_, (_, size))) = kept.documents.pop_lru() else {
                break;
            };
            kept.size -= size;
        }
        document
    }
}
