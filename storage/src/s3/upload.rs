//! One multipart upload, from its record to its completion or to the last of its parts' end.
//!
//! A store keeps the parts of an upload that is neither completed nor aborted for ever, and shows
//! them to nobody who does not ask for them. So the upload's id is kept at the store before its first
//! part is sent, in a small record beside the object: whoever deletes the object's directory finds
//! it there, also where the store cannot list uploads. The record goes last.

use std::time::Duration;

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::{
    runtime::Handle,
    select,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{
    body::Md5Digest,
    failure::{is_no_upload, is_unsupported, sort},
    object::{self, Head, UPLOAD_MARK},
    place::{Looks, Place, silent},
};
use crate::{Error, ObjectPath, Patience, Result};

/// Putting parts together may take a store many minutes, in which it says nothing. No store takes longer.
const COMPLETION_LIMIT: Duration = Duration::from_hours(1);
/// A store that leaves so many looks in a row unanswered is away, and the connection dead.
const DEAD_LOOKS: u32 = 3;
/// A part that was on its way may arrive after the upload was aborted. Then it is aborted again.
const ABORT_ATTEMPTS: u32 = 8;
/// What the name of every record ends with.
const RECORD_ENDING: &str = ".upload";
/// No record is longer.
const MAX_RECORD_BYTES: u64 = 16 << 10;

/// What is kept at the store about an upload.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// The object's path below the root.
    object: String,
    upload_id: String,
}

/// A part that the store has confirmed.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) number: i32,
    pub(super) etag: String,
    pub(super) md5: Md5Digest,
}

/// An upload that is open. Dropping it aborts it, as far as there is a runtime that does.
#[derive(Debug)]
pub(super) struct Upload {
    place: Place,
    path: ObjectPath,
    patience: Patience,
    id: String,
    /// What the object is marked with, so that it is known again.
    mark: String,
    record_key: String,
    open: bool,
}

impl Upload {
    /// Opens an upload and keeps its id at the store.
    pub(super) async fn begin(place: Place, path: ObjectPath, patience: Patience) -> Result<Self> {
        let key = place.key(&path);
        let doing = format!("beginning an upload of {path}");
        #[expect(
            clippy::disallowed_methods,
            reason = "a name that nobody else has, seen by nobody"
        )]
        let mark = Uuid::now_v7().simple().to_string();
        let id = patience
            .run(|| {
                let request = place.client.create_multipart_upload();
                let request = request.bucket(&place.bucket).key(&key);
                let request = request.metadata(UPLOAD_MARK, &mark).send();
                place.ask(&doing, request)
            })
            .await?
            .upload_id
            .ok_or_else(|| Error::Unfaithful {
                reason: format!("no upload id came back while {doing}"),
            })?;
        let record_key = place.hidden_key(&path, &format!("{mark}{RECORD_ENDING}"));
        // From here on there is something to abort.
        let upload = Self {
            place,
            path,
            patience: patience.clone(),
            id,
            mark,
            record_key,
            open: true,
        };
        let record = Record {
            object: upload.path.to_string(),
            upload_id: upload.id.clone(),
        };
        let record = Bytes::from(serde_json::to_vec(&record).map_err(|error| Error::Io {
            doing,
            source: error.into(),
        })?);
        let put = || {
            let doing = "keeping the record of an upload";
            object::put(&upload.place, &upload.record_key, record.clone(), doing)
        };
        patience.run_while(Error::passing_if_sent, put).await?;
        Ok(upload)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Puts the parts together, and makes sure that they are an object of `size` bytes. If that
    /// fails for good, the upload is aborted in the background; where nobody knows whether it is done, whoever
    /// deletes the object's directory finds it, done or not.
    pub(super) async fn complete(mut self, parts: &[Part], size: u64) -> Result<()> {
        let attempt = || self.try_to_complete(parts, size);
        let completed = self.patience.run(attempt).await;
        if let Err(error) = &completed {
            // The answer may have been lost, and the upload is over for whoever asks again. A store may need a
            // moment to know what it has put together.
            let found = object::look(&self.place, &self.path, &self.patience.anew()).await;
            let unknown = matches!(error, Error::Unreachable { .. }) || is_unanswered(&found);
            if !found.is_ok_and(|head| self.is_made_of(parts, size, &head)) {
                self.open = !unknown;
                return completed;
            }
        }
        self.open = false;
        object::check(&self.place, &self.path, size, &self.patience).await?;
        // The object is there. A record that stays is invisible, and says nothing wrong.
        if let Err(error) = self.delete_record().await {
            tracing::warn!(path = %self.path, %error, "the record of a completed upload stays");
        }
        Ok(())
    }

    /// Asks for the completion, and waits as long as the connection lives. Meanwhile, and where the answer says
    /// nothing, it is looked whether the object is there.
    async fn try_to_complete(&self, parts: &[Part], size: u64) -> Result<()> {
        let asked = async {
            let asked = timeout(COMPLETION_LIMIT, self.request_completion(parts)).await;
            asked.unwrap_or_else(|_| Err(silent(COMPLETION_LIMIT, "completing an upload")))
        };
        let answer = select! {
            biased;
            answer = asked => answer,
            found = self.appears(parts, size) => found,
        };
        match answer {
            Err(error) if error.is_transient() && self.is_there(parts, size).await => {
                tracing::info!(path = %self.path, %error, "an upload is complete all the same");
                Ok(())
            }
            answer => answer,
        }
    }

    /// Waits until the object is there. That the store does not even say whether it is, is an error.
    async fn appears(&self, parts: &[Part], size: u64) -> Result<()> {
        let Looks { first, every } = self.place.looks;
        sleep(first).await;
        let mut unanswered = 0;
        loop {
            match object::head(&self.place, &self.path).await {
                Ok(head) if self.is_made_of(parts, size, &head) => return Ok(()),
                Err(error) if error.is_transient() => {
                    unanswered += 1;
                    if unanswered == DEAD_LOOKS {
                        return Err(error);
                    }
                }
                _ => unanswered = 0,
            }
            sleep(every).await;
        }
    }

    async fn is_there(&self, parts: &[Part], size: u64) -> bool {
        let head = object::head(&self.place, &self.path).await;
        head.is_ok_and(|head| self.is_made_of(parts, size, &head))
    }

    /// Whether an object is the one of these parts: by the mark of the upload, and where the store keeps no such, by
    /// an `ETag` that is the digest of its parts' digests. Another upload may have made the same: then this one is
    /// open still, and would stay so.
    fn is_made_of(&self, parts: &[Part], size: u64, head: &Head) -> bool {
        let digests = || parts.iter().map(|part| part.md5).collect::<Vec<_>>();
        let is_ours = match &head.upload {
            Some(mark) => *mark == self.mark,
            None => head.etag == Md5Digest::of_parts(&digests()),
        };
        is_ours && head.size == size
    }

    async fn request_completion(&self, parts: &[Part]) -> Result<()> {
        let parts = parts
            .iter()
            .map(|part| {
                CompletedPart::builder()
                    .part_number(part.number)
                    .e_tag(&part.etag)
                    .build()
            })
            .collect();
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let request = self.place.client.complete_multipart_upload();
        let request = request
            .bucket(&self.place.bucket)
            .key(self.place.key(&self.path))
            .upload_id(&self.id)
            .multipart_upload(parts);
        let doing = format!("completing the upload of {}", self.path);
        let answer = Box::pin(request.send()).await;
        answer
            .map(drop)
            .map_err(|error| sort(&error, &self.place.bucket, &doing))
    }

    /// Aborts the upload and forgets it.
    pub(super) async fn discard(mut self) -> Result<()> {
        self.open = false;
        let (place, key) = (&self.place, self.place.key(&self.path));
        self.patience.run(|| abort(place, &key, &self.id)).await?;
        self.delete_record().await
    }

    async fn delete_record(&self) -> Result<()> {
        let (place, key) = (&self.place, &self.record_key);
        let patience = self.patience.anew();
        patience.run(|| object::delete(place, key)).await
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        self.open = false;
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let rest = Self {
            place: self.place.clone(),
            path: self.path.clone(),
            // Nobody waits for it.
            patience: self.patience.anew(),
            id: std::mem::take(&mut self.id),
            mark: std::mem::take(&mut self.mark),
            record_key: std::mem::take(&mut self.record_key),
            open: false,
        };
        runtime.spawn(async move {
            let path = rest.path.clone();
            if let Err(error) = rest.discard().await {
                tracing::warn!(%path, %error, "an abandoned upload stays until its directory is deleted");
            }
        });
    }
}

/// Whether nobody knows what is there.
fn is_unanswered(found: &Result<Head>) -> bool {
    let error = found.as_ref().err();
    error.is_some_and(|error| !matches!(error, Error::NotFound { .. }))
}

/// Whether a key is that of a record.
pub(super) fn is_record(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    name.starts_with('.') && name.ends_with(RECORD_ENDING)
}

/// Aborts the upload that a record is about. The record itself stays.
pub(super) async fn abort_recorded(place: &Place, record_key: &str) -> Result<()> {
    let Some(content) = object::read_small(place, record_key, MAX_RECORD_BYTES).await? else {
        return Ok(());
    };
    let record: Record = match serde_json::from_slice(&content) {
        Ok(record) => record,
        Err(error) => {
            tracing::warn!(record_key, %error, "the record of an upload cannot be read");
            return Ok(());
        }
    };
    let Ok(path) = ObjectPath::new(record.object) else {
        tracing::warn!(record_key, "the record of an upload names no object");
        return Ok(());
    };
    abort(place, &place.key(&path), &record.upload_id).await
}

/// Aborts every upload below `prefix` that the store itself tells of.
pub(super) async fn abort_listed(place: &Place, prefix: &ObjectPath) -> Result<bool> {
    let doing = format!("listing the uploads of {prefix}");
    let (mut key_marker, mut id_marker) = (None, None);
    let mut found = false;
    loop {
        let request = place.client.list_multipart_uploads().bucket(&place.bucket);
        let request = request
            .prefix(place.key(prefix))
            .set_key_marker(key_marker.take())
            .set_upload_id_marker(id_marker.take());
        let answer = place.ask_unless(is_unsupported, &doing, request.send());
        let Some(answer) = answer.await? else {
            return Ok(found);
        };
        for upload in answer.uploads() {
            if let (Some(key), Some(id)) = (upload.key(), upload.upload_id())
                && place.is_below(key, prefix)
            {
                found = true;
                abort(place, key, id).await?;
            }
        }
        if answer.is_truncated() != Some(true) || answer.next_key_marker().is_none() {
            return Ok(found);
        }
        key_marker = answer.next_key_marker;
        id_marker = answer.next_upload_id_marker;
    }
}

/// Aborts an upload until none of its parts is left.
pub(super) async fn abort(place: &Place, key: &str, id: &str) -> Result<()> {
    let doing = format!(
        "aborting the upload of {}",
        place.relative(key).unwrap_or(key)
    );
    let mut pause = Duration::from_millis(50);
    for _ in 0..ABORT_ATTEMPTS {
        let request = place.client.abort_multipart_upload();
        let request = request.bucket(&place.bucket).key(key).upload_id(id).send();
        let aborted = place.ask_unless(is_no_upload, &doing, request).await?;
        if aborted.is_none() || !has_parts(place, key, id, &doing).await? {
            return Ok(());
        }
        sleep(pause).await;
        pause *= 2;
    }
    Err(Error::Unfaithful {
        reason: format!("parts are still there after {doing}"),
    })
}

async fn has_parts(place: &Place, key: &str, id: &str, doing: &str) -> Result<bool> {
    let request = place.client.list_parts().bucket(&place.bucket).key(key);
    let request = request.upload_id(id).max_parts(1).send();
    let gone = |error: &_| is_no_upload(error) || is_unsupported(error);
    let answer = place.ask_unless(gone, doing, request).await?;
    Ok(answer.is_some_and(|answer| !answer.parts().is_empty()))
}
