//! How an object is cut into parts, and how many of them are in memory at once.
//!
//! A store takes at most 10,000 parts of 5 MiB to 5 GiB, the last of which may be shorter.

const MIB: u64 = 1 << 20;
/// Fewer bytes only the last part may have.
const SMALLEST: u64 = 5 * MIB;
const LARGEST: u64 = 5 << 30;
/// A part of an object of ordinary size.
const USUAL: u64 = 8 * MIB;
/// No part is larger than the expected bytes in this many, as long as no more come.
const FULL_PARTS: u64 = 9_000;
/// The parts before grow to that size, since few objects become as large as they may. They lack half
/// as many full parts.
const GROWING_PARTS: u64 = 1_200;
/// The expected bytes fit into this many parts; the rest is for what nobody expected.
const EXPECTED_PARTS: u64 = FULL_PARTS + GROWING_PARTS / 2;
/// As many unexpected parts have the same size before it doubles.
const STEP: u64 = 25;
/// What parts may take in memory together, as long as one of them does not take more.
const BUFFERED: u64 = 48 * MIB;

/// The sizes of an object's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// The first part is smaller where the whole object is expected to be.
    first: u64,
    /// Where parts stop growing.
    full: u64,
}

impl Plan {
    pub(super) fn new(expected_bytes: u64) -> Self {
        let full = expected_bytes.div_ceil(FULL_PARTS).clamp(USUAL, LARGEST);
        Self {
            first: expected_bytes.clamp(SMALLEST, USUAL),
            full,
        }
    }

    /// The bytes of a part, the first of which has the number 1. Past what was expected parts grow
    /// again, so that there is no end to an object before the store's own.
    fn part_bytes(self, number: u64) -> u64 {
        match number {
            0 | 1 => self.first,
            _ if number < GROWING_PARTS => {
                let grown = (self.full - USUAL) * number / GROWING_PARTS;
                // Whole MiB, so that a buffer is good for more than one part.
                (USUAL + grown).next_multiple_of(MIB).min(self.full)
            }
            _ if number <= EXPECTED_PARTS => self.full,
            _ => {
                let doublings = (number - EXPECTED_PARTS).div_ceil(STEP);
                let doublings = u32::try_from(doublings).unwrap_or(u32::MAX);
                self.full
                    .saturating_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX))
                    .min(LARGEST)
            }
        }
    }

    /// How much room a part's buffer needs.
    pub(super) fn capacity(self, number: u64) -> usize {
        usize::try_from(self.part_bytes(number)).unwrap_or(usize::MAX)
    }

    /// Whether a part is done before `next` bytes come to the `filled` ones. Bytes that come
    /// together stay together.
    pub(super) fn is_done(self, number: u64, filled: usize, next: usize) -> bool {
        let (filled, next) = (filled as u64, next as u64);
        let full = filled >= self.part_bytes(number);
        full || (filled >= SMALLEST && filled + next > self.part_bytes(number))
    }

    /// How many parts may be on their way while another is filled.
    pub(super) fn lanes(self, number: u64) -> usize {
        let buffers = (BUFFERED / self.part_bytes(number)).clamp(1, 3);
        usize::try_from(buffers - 1).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;
    const TIB: u64 = 1 << 40;

    fn plan_bytes(plan: Plan) -> u64 {
        (1..=10_000).map(|number| plan.part_bytes(number)).sum()
    }

    #[test]
    fn what_is_expected_fits_and_so_does_much_more() {
        for expected in [0, MIB, 100 * GIB, TIB, 5 * TIB] {
            let plan = Plan::new(expected);
            let within: u64 = (1..=EXPECTED_PARTS + 1).map(|n| plan.part_bytes(n)).sum();
            assert!(within >= expected, "{expected}: {within}");
            assert!(plan_bytes(plan) >= expected + TIB, "{expected}");
            for number in 1..=10_000 {
                assert!((SMALLEST..=LARGEST).contains(&plan.part_bytes(number)));
            }
        }
    }

    #[test]
    fn usual_objects_take_24_mib_and_a_large_one_a_single_part() {
        for (expected, part, lanes) in [
            (0, 8 * MIB, 2),
            (70 * GIB, 8 * MIB, 2),
            (140 * GIB, 140 * GIB / 9000 + 1, 2),
            (200 * GIB, 200 * GIB / 9000 + 1, 1),
            (430 * GIB, 430 * GIB / 9000 + 1, 0),
            (TIB, TIB / 9000 + 1, 0),
        ] {
            let plan = Plan::new(expected);
            assert_eq!((plan.part_bytes(1200), plan.lanes(1200)), (part, lanes));
            assert_eq!(plan.part_bytes(EXPECTED_PARTS), part);
        }
    }

    #[test]
    fn parts_of_a_large_object_grow_as_it_does() {
        let plan = Plan::new(TIB);
        assert_eq!((plan.part_bytes(1), plan.lanes(1)), (8 * MIB, 2));
        for number in 1..EXPECTED_PARTS {
            assert!(plan.part_bytes(number) <= plan.part_bytes(number + 1));
        }
        // What compresses to a 100th stays within 48 MiB.
        let (mut number, mut bytes) = (0, 0);
        while bytes < TIB / 100 {
            number += 1;
            bytes += plan.part_bytes(number);
        }
        assert!(plan.part_bytes(number) < 48 * MIB, "{number}");
    }

    #[test]
    fn a_part_ends_between_chunks() {
        let plan = Plan::new(0);
        let mib = |n: usize| n << 20;
        assert!(!plan.is_done(2, 0, mib(9)), "an empty part takes anything");
        assert!(!plan.is_done(2, mib(6), mib(2)));
        assert!(plan.is_done(2, mib(6), mib(2) + 1));
        assert!(plan.is_done(2, mib(8), 0));
        assert!(
            !plan.is_done(2, mib(4), mib(8)),
            "a part of 4 MiB would be too small"
        );
    }

    #[test]
    fn a_small_object_has_a_small_buffer() {
        assert_eq!(Plan::new(1000).capacity(1), 5 << 20);
        assert_eq!(Plan::new(6 * MIB).capacity(1), 6 << 20);
        assert_eq!(Plan::new(6 * MIB).capacity(2), 8 << 20);
    }
}
