//! Which bytes of an object are read in one go: frames that lie together, several MiB of them.
//!
//! A destination behind a network answers each request after a round trip, so that one for every
//! frame would wait more than it reads.

use std::ops::Range;

use bytes::Bytes;
use storage::format::Frame;

/// What one read asks for, unless a single frame is larger.
const SPAN_BYTES: u64 = 4 << 20;

/// Frames that are neighbours in the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    frames: Vec<Frame>,
    start: u64,
    end: u64,
}

impl Span {
    fn new(frame: Frame) -> Self {
        Self {
            start: frame.object_offset,
            end: end_of(&frame),
            frames: vec![frame],
        }
    }

    /// Where it lies in the object.
    pub(super) fn range(&self) -> Range<u64> {
        self.start..self.end
    }

    /// Its frames, each with its part of the bytes that were read.
    pub(super) fn split(self, mut bytes: Bytes) -> impl Iterator<Item = (Frame, Bytes)> + Send {
        self.frames.into_iter().map(move |frame| {
            let length = bytes.len().min(frame.object_bytes as usize);
            (frame, bytes.split_to(length))
        })
    }
}

/// Groups the frames of an object, in their order.
pub(super) fn spans(mut frames: impl Iterator<Item = Frame>) -> impl Iterator<Item = Span> {
    let mut next = frames.next().map(Span::new);
    std::iter::from_fn(move || {
        let mut span = next.take()?;
        for frame in frames.by_ref() {
            if end_of(&frame) - span.start > SPAN_BYTES {
                next = Some(Span::new(frame));
                break;
            }
            span.end = end_of(&frame);
            span.frames.push(frame);
        }
        Some(span)
    })
}

fn end_of(frame: &Frame) -> u64 {
    frame.object_offset + u64::from(frame.object_bytes)
}

#[cfg(test)]
mod tests {
    use storage::format::{BLOCK_BYTES, SeekTable};

    use super::*;

    fn spans_of(sizes: &[u32]) -> Vec<Span> {
        let mut table = SeekTable::new();
        for size in sizes {
            table.push(*size, BLOCK_BYTES);
        }
        spans(table.frames()).collect()
    }

    #[test]
    fn spans_are_as_large_as_one_read_and_leave_nothing_out() {
        let mib = 1 << 20;
        let spans = spans_of(&[3 * mib, mib, 1, 5 * mib, mib, mib]);
        let ranges: Vec<_> = spans.iter().map(Span::range).collect();
        let mib = u64::from(mib);
        assert_eq!(
            ranges,
            [
                0..4 * mib,
                4 * mib..4 * mib + 1,
                4 * mib + 1..9 * mib + 1,
                9 * mib + 1..11 * mib + 1
            ]
        );
        assert_eq!(spans_of(&[]), []);
    }

    #[test]
    fn a_span_gives_each_frame_its_own_bytes() {
        let mut spans = spans_of(&[2, 3]);
        let parts: Vec<_> = spans
            .remove(0)
            .split(Bytes::from_static(b"aabbb"))
            .map(|(frame, bytes)| (frame.index, bytes))
            .collect();
        assert_eq!(
            parts,
            [
                (0, Bytes::from_static(b"aa")),
                (1, Bytes::from_static(b"bbb"))
            ]
        );
    }
}
