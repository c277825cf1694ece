//! The body of an upload: memory that is sent in slices, so that one can see whether it moves.

use std::{
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use aws_sdk_s3::primitives::ByteStream;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use md5::{Digest as _, Md5};
use tokio::{
    select,
    sync::watch,
    time::{sleep, timeout},
};

use crate::{Error, Result};

const SLICE_BYTES: usize = 256 << 10;
/// What has been taken may lie in the host's buffers still. As much of it leaves as slowly as this
/// without being taken for a store that says nothing.
const HOST_BUFFER_BYTES: u64 = 4 << 20;
const SLOWEST_BYTES_PER_SECOND: u64 = 128 << 10;

/// An MD5 digest, by which stores notice what a network or a proxy did to a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Md5Digest(pub(super) [u8; 16]);

impl Md5Digest {
    pub(super) async fn of(content: Bytes) -> Result<Self> {
        let digest = tokio::task::spawn_blocking(move || Self(Md5::digest(&content).into()));
        digest.await.map_err(|lost| Error::Io {
            doing: "computing a digest".into(),
            source: std::io::Error::other(lost),
        })
    }

    /// As `Content-MD5` has it.
    pub(super) fn base64(self) -> String {
        BASE64.encode(self.0)
    }

    /// As an `ETag` has it.
    pub(super) fn hex(self) -> String {
        hex(&self.0)
    }

    /// The `ETag` of an object of several parts: the digest of their digests, and how many they are.
    pub(super) fn of_parts(parts: &[Self]) -> String {
        let mut digest = Md5::new();
        for part in parts {
            digest.update(part.0);
        }
        format!("{}-{}", hex(&digest.finalize()), parts.len())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        text.extend(
            [byte >> 4, byte & 15]
                .map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)])),
        );
        text
    })
}

/// Whether the store's `ETag` contradicts the digest of what was sent. Stores are free to use other
/// `ETag`s, and must where they encrypt with a key of somebody else's; then this says nothing.
pub(super) fn contradicts(etag: &str, encryption: Option<&str>, sent: Md5Digest) -> bool {
    let etag = etag.trim_matches('"');
    let is_md5 = etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let told_by_content = encryption.is_none_or(|algorithm| algorithm == "AES256");
    is_md5 && told_by_content && !etag.eq_ignore_ascii_case(&sent.hex())
}

/// A body, and a way to see whether it moves.
pub(super) fn body(content: Bytes) -> (ByteStream, Motion) {
    let (taken, receiver) = watch::channel(0);
    let motion = Motion {
        length: content.len() as u64,
        taken: receiver,
    };
    let body = ByteStream::from_body_1_x(Sliced { content, taken });
    (body, motion)
}

/// How much of a body has been taken.
#[derive(Debug, Clone)]
pub(super) struct Motion {
    length: u64,
    taken: watch::Receiver<usize>,
}

struct Sliced {
    content: Bytes,
    taken: watch::Sender<usize>,
}

impl Body for Sliced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.content.is_empty() {
            return Poll::Ready(None);
        }
        let slice = this.content.split_to(this.content.len().min(SLICE_BYTES));
        this.taken.send_modify(|taken| *taken += slice.len());
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content.len() as u64)
    }
}

/// The request has stood still for too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stalled;

impl Motion {
    /// Drives a request as long as its body moves, however slowly, and for `silence` without that.
    pub(super) async fn drive<T>(
        mut self,
        request: impl Future<Output = T>,
        silence: Duration,
    ) -> std::result::Result<T, Stalled> {
        let mut request = pin!(request);
        loop {
            select! {
                biased;
                outcome = &mut request => return Ok(outcome),
                moved = self.taken.changed() => if moved.is_err() {
                    // The body is gone: all of it has been taken, or the request is over.
                    let buffered = self.length.min(HOST_BUFFER_BYTES);
                    let leaving = Duration::from_secs(buffered / SLOWEST_BYTES_PER_SECOND);
                    return timeout(silence + leaving, request).await.map_err(|_| Stalled);
                },
                () = sleep(silence) => return Err(Stalled),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    const SILENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn digests_are_written_as_stores_write_them() {
        let digest = Md5Digest::of(Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(digest.hex(), "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(digest.base64(), "XUFAKrxLKna5cZ2REBfFkg==");
        assert!(Md5Digest::of_parts(&[digest, digest]).ends_with("-2"));
    }

    #[tokio::test]
    async fn only_an_etag_that_is_an_md5_can_contradict() {
        let digest = Md5Digest::of(Bytes::from_static(b"hello")).await.unwrap();
        let other = format!("\"{}\"", "0".repeat(32));
        assert!(!contradicts(&format!("\"{}\"", digest.hex()), None, digest));
        assert!(contradicts(&other, None, digest));
        assert!(contradicts(&other, Some("AES256"), digest));
        assert!(!contradicts(&other, Some("aws:kms"), digest));
        assert!(!contradicts("\"an opaque tag\"", None, digest));
    }

    fn motion(length: u64) -> (watch::Sender<usize>, Motion) {
        let (sender, taken) = watch::channel(0);
        (sender, Motion { length, taken })
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_may_take_long_while_its_body_moves() {
        let (taken, motion) = motion(10);
        let begun = Instant::now();
        let request = async move {
            for _ in 0..10 {
                sleep(SILENCE * 3 / 4).await;
                taken.send_modify(|taken| *taken += 1);
            }
            drop(taken);
            sleep(SILENCE * 3 / 4).await;
            "done"
        };
        assert_eq!(motion.drive(request, SILENCE).await, Ok("done"));
        assert!(begun.elapsed() > SILENCE * 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_stands_still_is_given_up_on() {
        let (taken, motion) = motion(10);
        let begun = Instant::now();
        let outcome = motion.clone().drive(pending::<()>(), SILENCE).await;
        assert_eq!((outcome, begun.elapsed()), (Err(Stalled), SILENCE));
        drop(taken);
        let outcome = motion.drive(pending::<()>(), SILENCE).await;
        assert_eq!((outcome, begun.elapsed()), (Err(Stalled), SILENCE * 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_been_taken_has_time_to_leave_the_host() {
        for (length, seconds) in [(1 << 20, 28), (1 << 30, 52)] {
            let (taken, motion) = motion(length);
            drop(taken);
            let begun = Instant::now();
            motion.drive(pending::<()>(), SILENCE).await.unwrap_err();
            assert_eq!(begun.elapsed().as_secs(), seconds);
        }
    }
}
