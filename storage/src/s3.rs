//! A destination in a bucket of an S3-compatible store.
//!
//! ```text
//! volumes/{volume}/{backup}/disk.raw.zst             the object, once it is whole
//!                           .disk.raw.zst.{id}.upload   while it is not: its upload's id
//! ```
//!
//! Every method asks once; [`Retry`](crate::Retry) asks again. Only parts and what else a writer sends
//! are repeated in here, since appending cannot be repeated from outside.

mod body;
mod bucket;
mod failure;
mod object;
mod part;
mod place;
mod upload;
mod writer;

use std::{ops::Range, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

pub use self::bucket::S3Bucket;
use self::{
    place::{Looks, Place},
    writer::S3Writer,
};
use crate::{
    Error, Object, ObjectPath, ObjectWriter, Patience, Policy, Result, Store, path::is_nothing,
};

/// Deletions that are asked for at once.
const DELETIONS: usize = 8;
/// How often what is below a prefix is deleted before it is a lie that it was.
const DELETE_ROUNDS: usize = 4;

/// Objects below a prefix of a bucket.
#[derive(Debug, Clone)]
pub struct S3 {
    place: Place,
    patience: Patience,
}

impl S3 {
    /// A destination in `bucket`. Nothing is asked of it before the first use.
    pub fn new(bucket: &S3Bucket) -> Self {
        Self {
            place: Place::new(bucket),
            patience: Policy::default().into(),
        }
    }

    /// Looks whether an upload is complete after `first`, where its completion is not answered by then, and then
    /// each `every`. By itself that is after a minute, and every 20 seconds.
    #[must_use]
    pub fn looking(mut self, first: Duration, every: Duration) -> Self {
        self.place.looks = Looks { first, every };
        self
    }

    /// Repeats parts as `patience` says.
    #[must_use]
    pub fn with_patience(self, patience: impl Into<Patience>) -> Self {
        let patience = patience.into();
        Self { patience, ..self }
    }

    /// Every key that begins with `prefix`, with the size of what it has.
    async fn keys(&self, prefix: &str) -> Result<Vec<(String, u64)>> {
        let place = &self.place;
        let doing = format!("listing {}", place.relative(prefix).unwrap_or(prefix));
        let (mut keys, mut token) = (Vec::new(), None);
        loop {
            let request = place.client.list_objects_v2().bucket(&place.bucket);
            let request = request
                .prefix(prefix)
                .set_continuation_token(token.clone())
                .send();
            let answer = place.ask(&doing, request).await?;
            keys.extend(answer.contents().iter().filter_map(|object| {
                let size = u64::try_from(object.size()?).ok()?;
                Some((object.key()?.to_owned(), size))
            }));
            if answer.is_truncated() != Some(true) {
                return Ok(keys);
            }
            let next = answer.next_continuation_token;
            if next.is_none() || next == token {
                return Err(Error::Unfaithful {
                    reason: format!("a part of an answer came twice while {doing}"),
                });
            }
            token = next;
        }
    }

    /// Whether no key counts. One that does ends the search.
    async fn has_nothing(&self) -> Result<bool> {
        let (place, doing) = (&self.place, "looking whether the bucket is empty");
        let mut token = None;
        loop {
            let request = place.client.list_objects_v2().bucket(&place.bucket);
            let request = request
                .prefix(place.root())
                .set_continuation_token(token.clone())
                .send();
            let answer = place.ask(doing, request).await?;
            let mut keys = answer
                .contents()
                .iter()
                .filter_map(aws_sdk_s3::types::Object::key);
            let counts = |key: &str| {
                let name = place.relative(key).and_then(|key| key.split('/').next());
                // Some tools make an object that stands for the prefix.
                name.is_some_and(|name| !name.is_empty() && !is_nothing(name))
            };
            if keys.any(counts) {
                return Ok(false);
            }
            let next = answer.next_continuation_token().map(str::to_owned);
            if answer.is_truncated() != Some(true) || next.is_none() || next == token {
                return Ok(true);
            }
            token = next;
        }
    }

    /// What lies at or below a prefix, hidden or not.
    async fn keys_below(&self, prefix: &ObjectPath) -> Result<Vec<String>> {
        let mut keys = self.keys(&self.place.key(prefix)).await?;
        keys.retain(|(key, _)| self.place.is_below(key, prefix));
        // The prefix may be an object itself. Then its records lie beside it.
        keys.extend(self.keys(&self.place.hidden_key(prefix, "")).await?);
        Ok(keys.into_iter().map(|(key, _)| key).collect())
    }

    async fn delete_keys(&self, keys: Vec<String>) -> Result<()> {
        stream::iter(keys)
            .map(|key| async move { object::delete(&self.place, &key).await })
            .buffer_unordered(DELETIONS)
            .try_collect()
            .await
    }
}

#[async_trait]
impl Store for S3 {
    async fn create(
        &self,
        path: &ObjectPath,
        expected_bytes: u64,
    ) -> Result<Box<dyn ObjectWriter>> {
        Ok(Box::new(S3Writer::new(
            self.place.clone(),
            path.clone(),
            self.patience.clone(),
            expected_bytes,
        )))
    }

    async fn read(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        object::read(&self.place, path, range).await
    }

    async fn size(&self, path: &ObjectPath) -> Result<u64> {
        Ok(object::head(&self.place, path).await?.size)
    }

    async fn list(&self, prefix: &ObjectPath) -> Result<Vec<Object>> {
        let keys = self.keys(&self.place.key(prefix)).await?;
        let mut objects: Vec<_> = keys
            .into_iter()
            .filter(|(key, _)| self.place.is_below(key, prefix))
            .filter_map(|(key, size_bytes)| {
                let path = self.place.path(&key)?;
                Some(Object { path, size_bytes })
            })
            .collect();
        objects.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(objects)
    }

    async fn is_vacant(&self) -> Result<bool> {
        self.has_nothing().await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        object::delete(&self.place, &self.place.key(path)).await
    }

    /// Uploads go before their records, and the objects last.
    async fn delete_prefix(&self, prefix: &ObjectPath) -> Result<()> {
        for _ in 0..DELETE_ROUNDS {
            let keys = self.keys_below(prefix).await?;
            let (records, objects): (Vec<_>, Vec<_>) =
                keys.into_iter().partition(|key| upload::is_record(key));
            for record in &records {
                upload::abort_recorded(&self.place, record).await?;
            }
            let aborted = upload::abort_listed(&self.place, prefix).await?;
            if records.is_empty() && objects.is_empty() && !aborted {
                return Ok(());
            }
            self.delete_keys(records).await?;
            self.delete_keys(objects).await?;
        }
        Err(Error::Unfaithful {
            reason: format!("{prefix} is still listed once deleted"),
        })
    }

    async fn put(&self, path: &ObjectPath, content: Bytes) -> Result<()> {
        let (key, size) = (self.place.key(path), content.len() as u64);
        object::put(&self.place, &key, content, &format!("writing {path}")).await?;
        object::check(&self.place, path, size, &Policy::ONCE.into()).await
    }
}
