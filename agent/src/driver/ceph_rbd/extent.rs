//! What changed between an image's snapshots, and what they keep of it.

use serde::Deserialize;

/// A stretch of an image that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Extent {
    offset: u64,
    length: u64,
    #[serde(deserialize_with = "words")]
    exists: bool,
}

/// Ceph says "true" and "false" in words.
fn words<'de, D: serde::Deserializer<'de>>(source: D) -> Result<bool, D::Error> {
    Ok(String::deserialize(source)? == "true")
}

impl Extent {
    fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// Extents out of the array that Ceph writes, however it is cut into pieces.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pending: Vec<u8>,
    extents: Vec<Extent>,
}

impl Reader {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) -> serde_json::Result<()> {
        self.pending.extend_from_slice(piece);
        let mut used = 0;
        while let Some(length) = self.pending[used..].iter().position(|byte| *byte == b'}') {
            let object = &self.pending[used..=used + length];
            used += object.len();
            let start = object.iter().position(|byte| *byte == b'{');
            let extent = serde_json::from_slice(&object[start.unwrap_or_default()..])?;
            push(&mut self.extents, extent);
        }
        self.pending.drain(..used);
        Ok(())
    }

    /// The extents, in order, if nothing is missing.
    pub(super) fn finish(self) -> Option<Vec<Extent>> {
        self.pending
            .trim_ascii()
            .ends_with(b"]")
            .then_some(self.extents)
    }
}

/// Adds an extent, to the last one if they are neighbours: Ceph names each object by itself.
fn push(extents: &mut Vec<Extent>, next: Extent) {
    match extents.last_mut() {
        Some(last) if last.end() == next.offset && last.exists == next.exists => {
            last.length += next.length;
        }
        _ => extents.push(next),
    }
}

/// How many bytes of what exists have changed. Both lists are in order.
pub(super) fn in_common(existing: &[Extent], changed: &[Extent]) -> u64 {
    let mut total = 0;
    let mut changed = changed.iter().peekable();
    for extent in existing {
        while let Some(change) = changed.peek() {
            let start = extent.offset.max(change.offset);
            let end = extent.end().min(change.end());
            total += end.saturating_sub(start);
            if change.end() > extent.end() {
                break;
            }
            changed.next();
        }
    }
    total
}

/// What exists once it has changed: what was written, and of what existed all that was neither written nor discarded.
/// All lists are in order.
pub(super) fn after(existing: &[Extent], changed: &[Extent]) -> Vec<Extent> {
    let mut left = Vec::with_capacity(existing.len() + changed.len());
    let mut existing = existing.iter().copied().peekable();
    for change in changed {
        while let Some(extent) = existing.peek_mut() {
            if extent.offset >= change.end() {
                break;
            }
            let before = change
                .offset
                .saturating_sub(extent.offset)
                .min(extent.length);
            if before > 0 {
                push(
                    &mut left,
                    Extent {
                        length: before,
                        ..*extent
                    },
                );
            }
            if extent.end() > change.end() {
                extent.length = extent.end() - change.end();
                extent.offset = change.end();
                break;
            }
            existing.next();
        }
        if change.exists {
            push(&mut left, *change);
        }
    }
    for extent in existing {
        push(&mut left, extent);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(offset: u64, length: u64) -> Extent {
        let exists = true;
        Extent {
            offset,
            length,
            exists,
        }
    }

    fn discarded(offset: u64, length: u64) -> Extent {
        let exists = false;
        Extent {
            offset,
            length,
            exists,
        }
    }

    #[test]
    fn what_there_was_and_has_changed_is_kept() {
        assert_eq!(in_common(&[], &[written(0, 10)]), 0, "nothing there");
        assert_eq!(in_common(&[written(0, 10)], &[]), 0, "nothing changed");
        assert_eq!(in_common(&[written(0, 10)], &[written(4, 10)]), 6);
        assert_eq!(in_common(&[written(0, 10)], &[discarded(4, 2)]), 2);
    }

    #[test]
    fn what_was_written_exists_and_what_was_discarded_does_not() {
        assert_eq!(after(&[], &[written(0, 10)]), [written(0, 10)]);
        assert_eq!(after(&[written(0, 10)], &[]), [written(0, 10)]);
        let cut = after(&[written(0, 10)], &[discarded(4, 2)]);
        assert_eq!(cut, [written(0, 4), written(6, 4)]);
        assert_eq!(after(&cut, &[written(4, 2)]), [written(0, 10)]);
    }

    #[test]
    fn extents_of_any_pattern_are_counted_like_bytes() {
        // A model of single bytes, fed by a small generator of numbers.
        let mut state = 1_u64;
        let mut next = |bound: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % bound
        };
        for _ in 0..500 {
            let mut extents = || {
                let mut list = Vec::new();
                let mut offset = next(4);
                while offset < 60 {
                    let length = 1 + next(9);
                    let exists = next(3) > 0;
                    list.push(Extent {
                        offset,
                        length,
                        exists,
                    });
                    offset += length + next(5);
                }
                list
            };
            let (before, changed) = (extents(), extents());
            let covers = |extent: &Extent, byte: u64| extent.offset <= byte && byte < extent.end();
            let existing: Vec<_> = before.into_iter().filter(|extent| extent.exists).collect();
            let was = |byte: u64| existing.iter().any(|e| covers(e, byte));
            let change = |byte: u64| changed.iter().find(|e| covers(e, byte));
            let common = (0..80).filter(|byte| was(*byte) && change(*byte).is_some());
            assert_eq!(in_common(&existing, &changed), common.count() as u64);
            let left = after(&existing, &changed);
            assert!(
                left.is_sorted_by(|one, next| one.end() < next.offset),
                "{left:?}"
            );
            for byte in 0..80 {
                let is = change(byte).map_or(was(byte), |change| change.exists);
                assert_eq!(
                    left.iter().any(|e| covers(e, byte)),
                    is,
                    "{byte} of {left:?}"
                );
            }
        }
    }

    fn read(text: &str, step: usize) -> Option<Vec<Extent>> {
        let mut reader = Reader::default();
        for piece in text.as_bytes().chunks(step) {
            reader.feed(piece).unwrap();
        }
        reader.finish()
    }

    #[test]
    fn what_rbd_prints_is_understood_in_pieces_of_any_size() {
        let text = r#"[{"offset":0,"length":512,"exists":"true"},
            {"offset":512,"length":512,"exists":"true"},
            {"offset":1024,"length":512,"exists":"false"},
            {"offset":4096,"length":512,"exists":"false"}]
            "#;
        let expected = [written(0, 1024), discarded(1024, 512), discarded(4096, 512)];
        for step in 1..=text.len() {
            assert_eq!(read(text, step).unwrap(), expected, "{step}");
            assert_eq!(read("[]", step).unwrap(), []);
        }
    }

    #[test]
    fn what_rbd_did_not_finish_is_no_answer() {
        let text = r#"[{"offset":0,"length":512,"exists":"true"},{"offset":512]"#;
        for end in 0..text.len() - 1 {
            assert_eq!(read(&text[..end], 7), None, "{end}");
        }
        let mut reader = Reader::default();
        reader.feed(br#"[{"offset":-1}"#).unwrap_err();
    }
}
