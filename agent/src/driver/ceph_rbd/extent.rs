//! What changed between an image's snapshots, and what each of them alone keeps of it.

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

/// Bytes that only one snapshot keeps: those that were written after the snapshot before it, or
/// ever if it is the first, and written over or discarded before the one after it, or by now if it
/// is the last. Deleting it would free them.
///
/// `before` is what changed up to the snapshot, `after` what changed from it on; both in order.
pub(super) fn retained_bytes(before: &[Extent], after: &[Extent]) -> u64 {
    let mut total = 0;
    let mut after = after.iter().peekable();
    for written in before.iter().filter(|extent| extent.exists) {
        while let Some(changed) = after.peek() {
            let start = written.offset.max(changed.offset);
            let end = written.end().min(changed.end());
            total += end.saturating_sub(start);
            if changed.end() > written.end() {
                break;
            }
            after.next();
        }
    }
    total
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
    fn only_what_was_new_and_has_changed_since_is_kept_by_one_snapshot() {
        assert_eq!(retained_bytes(&[], &[written(0, 10)]), 0, "nothing new");
        assert_eq!(retained_bytes(&[written(0, 10)], &[]), 0, "nothing changed");
        assert_eq!(retained_bytes(&[written(0, 10)], &[written(4, 10)]), 6);
        assert_eq!(retained_bytes(&[written(0, 10)], &[discarded(4, 2)]), 2);
        assert_eq!(retained_bytes(&[discarded(0, 10)], &[written(0, 10)]), 0);
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
            let (before, after) = (extents(), extents());
            let covers = |extent: &Extent, byte: u64| extent.offset <= byte && byte < extent.end();
            let kept = (0..80).filter(|byte| {
                before.iter().any(|e| e.exists && covers(e, *byte))
                    && after.iter().any(|e| covers(e, *byte))
            });
            assert_eq!(retained_bytes(&before, &after), kept.count() as u64);
        }
    }

    #[test]
    fn what_rbd_prints_is_understood() {
        let text = r#"[{"offset":4096,"length":512,"exists":"false"}]"#;
        let extents: Vec<Extent> = serde_json::from_str(text).unwrap();
        assert_eq!(extents, [discarded(4096, 512)]);
    }
}
