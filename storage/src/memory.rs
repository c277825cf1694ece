//! A store in memory, for tests: it waits for nothing, so that they may stop the clock.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::{Error, Object, ObjectPath, ObjectWriter, Result, Store, path::is_nothing};

type Objects = BTreeMap<ObjectPath, Bytes>;

/// Objects that are gone with it and all of its clones.
#[derive(Debug, Default, Clone)]
pub struct Memory(Arc<Mutex<Objects>>);

impl Memory {
    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn object(&self, path: &ObjectPath) -> Result<Bytes> {
        let object = self.objects().get(path).cloned();
        object.ok_or_else(|| Error::NotFound { path: path.clone() })
    }
}

#[async_trait]
impl Store for Memory {
    async fn create(&self, path: &ObjectPath, _: u64) -> Result<Box<dyn ObjectWriter>> {
        Ok(Box::new(MemoryWriter {
            store: self.clone(),
            path: path.clone(),
            content: BytesMut::new(),
        }))
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        let object = self.object(path)?;
        let bounds = usize::try_from(range.start)
            .ok()
            .zip(range.end.try_into().ok());
        match bounds {
            Some((start, end)) if end <= object.len() => Ok(object.slice(start..end)),
            _ => Err(Error::OutOfRange {
                path: path.clone(),
                size: object.len() as u64,
                end: range.end,
            }),
        }
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        Ok(self.object(path)?.len() as u64)
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        let objects = self.objects();
        let below = objects.iter().filter(|(path, _)| path.is_below(prefix));
        let listed = below.map(|(path, content)| Object {
            path: path.clone(),
            size_bytes: content.len() as u64,
        });
        Ok(listed.collect())
    }

    async fn is_vacant(&self) -> Result<bool> {
        let objects = self.objects();
        let mut names = objects.keys().filter_map(|path| path.components().next());
        Ok(names.all(is_nothing))
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        self.objects().remove(path);
        Ok(())
    }

    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        self.objects().retain(|path, _| !path.is_below(prefix));
        Ok(())
    }
}

struct MemoryWriter {
    store: Memory,
    path: ObjectPath,
    content: BytesMut,
}

#[async_trait]
impl ObjectWriter for MemoryWriter {
    async fn append(&mut self, chunk: Bytes) -> Result<()> {
        self.content.extend_from_slice(&chunk);
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let content = self.content.freeze();
        self.store.objects().insert(self.path, content);
        Ok(())
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn memory_passes_the_conformance_suite() {
        conformance::check(&Memory::default()).await;
        conformance::check_marker(&Memory::default()).await;
    }
}
