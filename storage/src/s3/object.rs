//! The requests about single objects.

use std::ops::Range;

use aws_sdk_s3::{operation::get_object::GetObjectOutput, primitives::ByteStream};
use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::{
    body::{Md5Digest, body, contradicts},
    failure::{is_absent, is_beyond, no_bucket, says_absent, sort},
    place::{Place, SILENCE_LIMIT, silent},
};
use crate::{Error, ObjectPath, Patience, Result, error::Passing};

/// What a store says about an object without giving it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) size: u64,
    /// Without its quotation marks.
    pub(super) etag: String,
    /// The mark of the upload that it was made by, where the store keeps such.
    pub(super) upload: Option<String>,
}

/// What an upload's mark is called among an object's metadata.
pub(super) const UPLOAD_MARK: &str = "tidemark-upload";

pub(super) async fn head(place: &Place, path: &ObjectPath) -> Result<Head> {
    let doing = format!("looking at {path}");
    let request = place.client.head_object().bucket(&place.bucket);
    let request = request.key(place.key(path)).send();
    let Some(answer) = place.ask_unless(is_absent, &doing, request).await? else {
        // The answer to HEAD does not tell what is absent.
        check_bucket(place, &doing).await?;
        return Err(Error::NotFound { path: path.clone() });
    };
    let etag = answer.e_tag().unwrap_or_default().trim_matches('"');
    Ok(Head {
        size: length(answer.content_length(), &doing)?,
        etag: etag.to_owned(),
        upload: answer
            .metadata()
            .and_then(|metadata| metadata.get(UPLOAD_MARK))
            .cloned(),
    })
}

async fn check_bucket(place: &Place, doing: &str) -> Result<()> {
    let request = place.client.head_bucket().bucket(&place.bucket).send();
    match place.ask_unless(is_absent, doing, request).await? {
        Some(_) => Ok(()),
        None => Err(no_bucket(&place.bucket)),
    }
}

fn length(length: Option<i64>, doing: &str) -> Result<u64> {
    let length = length.and_then(|length| u64::try_from(length).ok());
    length.ok_or_else(|| Error::Unfaithful {
        reason: format!("no size came back while {doing}"),
    })
}

/// Makes sure that what was written is there; what is not as it was written goes. A store may need a moment to
/// know what it has just been given.
pub(super) async fn check(
    place: &Place,
    path: &ObjectPath,
    size: u64,
    patience: &Patience,
) -> Result<()> {
    let reason = match look(place, path, patience).await {
        Ok(found) if found.size == size => return Ok(()),
        Ok(found) => format!("{size} bytes were written to {path}, it has {}", found.size),
        Err(Error::NotFound { .. }) => {
            let reason = format!("{path} was written, and is not there");
            return Err(Error::Unfaithful { reason });
        }
        Err(error) => return Err(error),
    };
    if let Err(error) = delete(place, &place.key(path)).await {
        tracing::warn!(%path, %error, "an object that is not what was written stays");
    }
    Err(Error::Unfaithful { reason })
}

/// Looks at what should be there; if it is not, again for a while.
pub(super) async fn look(place: &Place, path: &ObjectPath, patience: &Patience) -> Result<Head> {
    let passing = |error: &Error| match error {
        Error::NotFound { .. } => Passing::Soon,
        other => other.passing(),
    };
    patience.run_while(passing, || head(place, path)).await
}

/// Writes an object by one request.
pub(super) async fn put(place: &Place, key: &str, content: Bytes, doing: &str) -> Result<()> {
    let md5 = Md5Digest::of(content.clone()).await?;
    let request = place.client.put_object().bucket(&place.bucket).key(key);
    let request = request.content_md5(md5.base64());
    let length = content.len();
    let (body, motion) = body(content);
    let request = request.content_length(signed(length)?).body(body);
    let request = Box::pin(request.customize().disable_payload_signing().send());
    let answer = motion
        .drive(request, SILENCE_LIMIT)
        .await
        .map_err(|_| silent(SILENCE_LIMIT, doing))?
        .map_err(|error| sort(&error, &place.bucket, doing))?;
    let etag = answer.e_tag().unwrap_or_default();
    let encryption = answer.server_side_encryption();
    verify(etag, encryption.map(AsRef::as_ref), md5, doing)
}

/// Sends a part of an upload. Gives its `ETag`, which the store may leave out.
pub(super) async fn put_part(
    place: &Place,
    (key, upload_id, number): (&str, &str, i32),
    content: Bytes,
    md5: Md5Digest,
) -> Result<Option<String>> {
    let doing = format!(
        "writing part {number} of {}",
        place.relative(key).unwrap_or(key)
    );
    let request = place.client.upload_part().bucket(&place.bucket).key(key);
    let request = request.upload_id(upload_id).part_number(number);
    let length = content.len();
    let (body, motion) = body(content);
    let request = request.content_length(signed(length)?).body(body);
    let request = request.content_md5(md5.base64()).customize();
    let request = Box::pin(request.disable_payload_signing().send());
    let answer = motion
        .drive(request, SILENCE_LIMIT)
        .await
        .map_err(|_| silent(SILENCE_LIMIT, &doing))?
        .map_err(|error| sort(&error, &place.bucket, &doing))?;
    let etag = answer.e_tag().unwrap_or_default();
    let encryption = answer.server_side_encryption();
    verify(etag, encryption.map(AsRef::as_ref), md5, &doing)?;
    Ok((!etag.is_empty()).then(|| etag.to_owned()))
}

/// The `ETag` of a part that the store has taken and not named: its list of parts has it.
pub(super) async fn find_etag(
    place: &Place,
    (key, upload_id, number): (&str, &str, i32),
) -> Result<String> {
    let path = place.relative(key).unwrap_or(key);
    let doing = format!("looking for part {number} of {path}");
    let request = place.client.list_parts().bucket(&place.bucket).key(key);
    let request = request
        .upload_id(upload_id)
        .part_number_marker((number - 1).to_string())
        .max_parts(1)
        .send();
    let answer = place.ask(&doing, request).await?;
    let part = answer
        .parts()
        .iter()
        .find(|part| part.part_number() == Some(number));
    part.and_then(|part| part.e_tag())
        .filter(|etag| !etag.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Error::Unfaithful {
            reason: format!(
                "the store confirmed part {number} of {path} without an ETag, and lists none"
            ),
        })
}

fn verify(etag: &str, encryption: Option<&str>, sent: Md5Digest, doing: &str) -> Result<()> {
    if contradicts(etag, encryption, sent) {
        return Err(Error::Unfaithful {
            reason: format!("the store confirmed other bytes than were sent while {doing}"),
        });
    }
    Ok(())
}

fn signed(length: usize) -> Result<i64> {
    i64::try_from(length).map_err(|error| Error::Io {
        doing: "sending an object".into(),
        source: std::io::Error::other(error),
    })
}

/// Deletes what has a key, if anything does.
pub(super) async fn delete(place: &Place, key: &str) -> Result<()> {
    let doing = format!("deleting {}", place.relative(key).unwrap_or(key));
    let request = place.client.delete_object().bucket(&place.bucket);
    let request = request.key(key).send();
    place
        .ask_unless(says_absent, &doing, request)
        .await
        .map(drop)
}

/// Reads exactly a range of an object. It is one answer, so all of it is of one version.
pub(super) async fn read(place: &Place, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
    let doing = format!("reading {path}");
    let too_far = |size| Error::OutOfRange {
        path: path.clone(),
        size,
        end: range.end,
    };
    if range.is_empty() {
        let size = head(place, path).await?.size;
        return if range.end <= size {
            Ok(Bytes::new())
        } else {
            Err(too_far(size))
        };
    }
    let request = place.client.get_object().bucket(&place.bucket);
    let request = request
        .key(place.key(path))
        .range(format!("bytes={}-{}", range.start, range.end - 1))
        .send();
    let answer = match timeout(SILENCE_LIMIT, Box::pin(request)).await {
        Ok(Err(error)) if is_absent(&error) => {
            // It may be who stands before the store that knows nothing of it.
            head(place, path).await?;
            return Err(Error::Transient {
                reason: format!("{path} was said not to be there, and is"),
            });
        }
        Ok(Err(error)) if is_beyond(&error) => {
            return Err(too_far(head(place, path).await?.size));
        }
        Ok(answer) => answer.map_err(|error| sort(&error, &place.bucket, &doing))?,
        Err(_) => return Err(silent(SILENCE_LIMIT, &doing)),
    };
    let given = answer.content_range().unwrap_or_default();
    if given.is_empty() {
        return collect_beginning(answer, path, range, &doing).await;
    }
    match ContentRange::parse(given) {
        Some(given) if given.range == range => {}
        Some(given) if given.range.start == range.start && given.size < range.end => {
            return Err(too_far(given.size));
        }
        _ => {
            return Err(Error::Unfaithful {
                reason: format!("a range of {path} was asked for and something else came"),
            });
        }
    }
    collect(answer.body, range.end - range.start, &doing).await
}

/// Takes the range out of an answer that is the whole object: only its beginning can be had without what comes
/// before.
async fn collect_beginning(
    answer: GetObjectOutput,
    path: &ObjectPath,
    range: Range<u64>,
    doing: &str,
) -> Result<Bytes> {
    let size = length(answer.content_length(), doing)?;
    if range.end > size {
        let (path, end) = (path.clone(), range.end);
        return Err(Error::OutOfRange { path, size, end });
    }
    if range.start > 0 {
        return Err(Error::Unfaithful {
            reason: format!(
                "a range of {path} was asked for and all of it came: the store, or what stands before it, \
                 ignores ranges"
            ),
        });
    }
    let mut body = answer.body;
    let content = fill(&mut body, range.end, doing).await?;
    let end = usize::try_from(range.end).unwrap_or(usize::MAX);
    Ok(content.slice(..end.min(content.len())))
}

/// Reads what has a key whole, if it is there and no longer than `limit`.
pub(super) async fn read_small(place: &Place, key: &str, limit: u64) -> Result<Option<Bytes>> {
    let doing = format!("reading {}", place.relative(key).unwrap_or(key));
    let request = place.client.get_object().bucket(&place.bucket).key(key);
    let answer = place.ask_unless(is_absent, &doing, request.send()).await?;
    let Some(answer) = answer else {
        return Ok(None);
    };
    let size = length(answer.content_length(), &doing)?;
    if size > limit {
        return Err(Error::Unfaithful {
            reason: format!("{size} bytes came back while {doing}"),
        });
    }
    collect(answer.body, size, &doing).await.map(Some)
}

/// Takes a body of exactly `length` bytes.
async fn collect(mut body: ByteStream, length: u64, doing: &str) -> Result<Bytes> {
    let content = fill(&mut body, length, doing).await?;
    if content.len() as u64 > length || next(&mut body, doing).await?.is_some() {
        let reason = format!("more bytes came than were asked for while {doing}");
        return Err(Error::Unfaithful { reason });
    }
    Ok(content)
}

/// Takes at least `length` bytes of a body, and no piece more than that needs.
async fn fill(body: &mut ByteStream, length: u64, doing: &str) -> Result<Bytes> {
    let length = usize::try_from(length).map_err(|error| Error::Io {
        doing: doing.into(),
        source: std::io::Error::other(error),
    })?;
    let mut content = BytesMut::with_capacity(length);
    while content.len() < length {
        let Some(chunk) = next(body, doing).await? else {
            let reason = format!("the answer was cut short while {doing}");
            return Err(Error::Transient { reason });
        };
        content.extend_from_slice(&chunk);
    }
    Ok(content.freeze())
}

/// The next piece of a body, if there is one.
async fn next(body: &mut ByteStream, doing: &str) -> Result<Option<Bytes>> {
    match timeout(SILENCE_LIMIT, body.try_next()).await {
        Ok(Ok(chunk)) => Ok(chunk),
        Ok(Err(error)) => {
            let reason = format!("the answer was cut short while {doing}: {error}");
            Err(Error::Transient { reason })
        }
        Err(_) => Err(silent(SILENCE_LIMIT, doing)),
    }
}

/// A header such as `bytes 0-9/100`.
struct ContentRange {
    range: Range<u64>,
    size: u64,
}

impl ContentRange {
    fn parse(header: &str) -> Option<Self> {
        let (range, size) = header.strip_prefix("bytes ")?.split_once('/')?;
        let (start, last) = range.split_once('-')?;
        let last: u64 = last.parse().ok()?;
        Some(Self {
            range: start.parse().ok()?..last.checked_add(1)?,
            size: size.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_strictly() {
        let parsed = ContentRange::parse("bytes 5-9/100").unwrap();
        assert_eq!((parsed.range, parsed.size), (5..10, 100));
        for header in [
            "",
            "bytes */100",
            "bytes 5-9/*",
            "bytes 5/100",
            "items 5-9/100",
        ] {
            assert!(ContentRange::parse(header).is_none(), "{header}");
        }
    }
}
