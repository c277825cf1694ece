//! One object on its way into a bucket: by one request if it is small, in parts otherwise.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::task::{JoinError, JoinSet};

use super::{
    body::Md5Digest,
    object,
    part::Plan,
    place::Place,
    upload::{Part, Upload},
};
use crate::{Error, ObjectPath, ObjectWriter, Patience, Result};

/// Collects what is appended into parts, and sends these beside each other. Until a part has been
/// confirmed its bytes count as unconfirmed, and are kept so that it can be sent again.
pub(super) struct S3Writer {
    place: Place,
    path: ObjectPath,
    patience: Patience,
    plan: Plan,
    /// Opened when the first part is full.
    upload: Option<Upload>,
    /// The number of the part that is being filled.
    number: i32,
    filling: BytesMut,
    /// A buffer to fill next.
    spare: Option<BytesMut>,
    sending: JoinSet<Result<Sent>>,
    parts: BTreeMap<i32, Part>,
    /// An append did not come to its end.
    torn: bool,
    appended_bytes: u64,
    confirmed_bytes: u64,
}

/// A part that has arrived.
struct Sent {
    part: Part,
    content: Bytes,
}

impl S3Writer {
    pub(super) fn new(
        place: Place,
        path: ObjectPath,
        patience: Patience,
        expected_bytes: u64,
    ) -> Self {
        Self {
            place,
            path,
            patience,
            plan: Plan::new(expected_bytes),
            upload: None,
            number: 1,
            filling: BytesMut::new(),
            spare: None,
            sending: JoinSet::new(),
            parts: BTreeMap::new(),
            torn: false,
            appended_bytes: 0,
            confirmed_bytes: 0,
        }
    }

    fn ensure_whole(&self) -> Result<()> {
        if self.torn {
            return Err(Error::torn(format!("writing {}", self.path)));
        }
        Ok(())
    }

    /// The number as plans have it.
    fn number(&self) -> u64 {
        u64::from(self.number.unsigned_abs())
    }

    /// Sends what has been collected as a part.
    async fn send_part(&mut self) -> Result<()> {
        let upload_id = match &self.upload {
            Some(upload) => upload.id().to_owned(),
            None => self.begin().await?,
        };
        let (place, patience) = (self.place.clone(), self.patience.clone());
        let (key, number) = (self.place.key(&self.path), self.number);
        let content = self.filling.split().freeze();
        self.number += 1;
        self.sending.spawn(async move {
            let part = (key.as_str(), upload_id.as_str(), number);
            send(&place, &patience, part, content).await
        });
        Ok(())
    }

    /// Opens the upload. Whoever gives up waiting leaves a task that finishes opening, finds nobody
    /// interested, and drops what it opened, which aborts it.
    async fn begin(&mut self) -> Result<String> {
        let begin = Upload::begin(self.place.clone(), self.path.clone(), self.patience.clone());
        let upload = tokio::spawn(begin).await.map_err(lost)??;
        Ok(self.upload.insert(upload).id().to_owned())
    }

    /// Waits until no more than `count` parts are on their way.
    async fn wait_for_parts(&mut self, count: usize) -> Result<()> {
        while let Some(sent) = self.sending.try_join_next() {
            self.take(sent)?;
        }
        while self.sending.len() > count {
            match self.sending.join_next().await {
                Some(sent) => self.take(sent)?,
                None => break,
            }
        }
        Ok(())
    }

    fn take(&mut self, sent: std::result::Result<Result<Sent>, JoinError>) -> Result<()> {
        let Sent { part, content } = sent.map_err(lost)??;
        self.confirmed_bytes += content.len() as u64;
        self.parts.insert(part.number, part);
        if let Ok(mut buffer) = content.try_into_mut() {
            buffer.clear();
            self.spare = Some(buffer);
        }
        Ok(())
    }

    async fn put_whole(&mut self) -> Result<()> {
        let (key, doing) = (self.place.key(&self.path), format!("writing {}", self.path));
        let content = self.filling.split().freeze();
        let put = || object::put(&self.place, &key, content.clone(), &doing);
        self.patience.run_while(Error::passing_if_sent, put).await?;
        self.patience.prove();
        object::check(&self.place, &self.path, self.appended_bytes, &self.patience).await
    }
}

async fn send(
    place: &Place,
    patience: &Patience,
    (key, upload_id, number): (&str, &str, i32),
    content: Bytes,
) -> Result<Sent> {
    let md5 = Md5Digest::of(content.clone()).await?;
    let put = || object::put_part(place, (key, upload_id, number), content.clone(), md5);
    let etag = patience.run_while(Error::passing_if_sent, put).await?;
    patience.prove();
    let etag = if let Some(etag) = etag {
        etag
    } else {
        let find = || object::find_etag(place, (key, upload_id, number));
        patience.run(find).await?
    };
    let part = Part { number, etag, md5 };
    Ok(Sent { part, content })
}

fn lost(error: JoinError) -> Error {
    Error::Io {
        doing: "sending a part".into(),
        source: std::io::Error::other(error),
    }
}

#[async_trait]
impl ObjectWriter for S3Writer {
    async fn append(&mut self, chunk: Bytes) -> Result<()> {
        self.ensure_whole()?;
        self.torn = true;
        let plan = self.plan;
        if plan.is_done(self.number(), self.filling.len(), chunk.len()) {
            self.send_part().await?;
        }
        if self.filling.is_empty() {
            // Parts on their way and the part that is filled next are all that is in memory.
            self.wait_for_parts(plan.lanes(self.number())).await?;
            let capacity = plan.capacity(self.number()).max(chunk.len());
            let spare = self.spare.take();
            self.filling = spare.unwrap_or_default();
            self.filling.reserve(capacity);
        }
        self.appended_bytes += chunk.len() as u64;
        self.filling.extend_from_slice(&chunk);
        if plan.is_done(self.number(), self.filling.len(), 0) {
            self.send_part().await?;
        }
        self.torn = false;
        Ok(())
    }

    fn unconfirmed_bytes(&self) -> u64 {
        self.appended_bytes - self.confirmed_bytes
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.ensure_whole()?;
        if self.upload.is_none() {
            return self.put_whole().await;
        }
        if !self.filling.is_empty() {
            self.send_part().await?;
        }
        self.wait_for_parts(0).await?;
        let (parts, size) = (std::mem::take(&mut self.parts), self.appended_bytes);
        let parts: Vec<_> = parts.into_values().collect();
        match self.upload.take() {
            Some(upload) => upload.complete(&parts, size).await,
            None => Ok(()),
        }
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.sending.shutdown().await;
        match self.upload.take() {
            Some(upload) => upload.discard().await,
            None => Ok(()),
        }
    }
}
