//! Which events this gateway was told of: those that nobody tells of are found by their numbers, which have no gaps.

use std::{collections::BTreeSet, ops::RangeInclusive};

/// The most numbers of one message that are believed.
const MAX_TOLD: i64 = 100_000;

/// The numbers of the events that were told of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ledger {
    /// All up to this one are settled.
    settled: i64,
    /// Those behind it that were told of.
    told: BTreeSet<i64>,
    /// The newest when it was last looked.
    newest: i64,
}

impl Ledger {
    /// All up to `newest` are settled.
    pub(super) fn new(newest: i64) -> Self {
        Self {
            settled: newest,
            told: BTreeSet::new(),
            newest,
        }
    }

    /// Was told of these.
    pub(super) fn hear(&mut self, numbers: &RangeInclusive<i64>) {
        let (start, end) = (*numbers.start().max(&(self.settled + 1)), *numbers.end());
        if end.saturating_sub(start) < MAX_TOLD {
            self.told.extend(start..=end);
        }
    }

    /// The newest event is `newest` now. Gives the numbers among which those lie that were there at the last look
    /// and of which nothing was told since.
    pub(super) fn look(&mut self, newest: i64) -> Option<RangeInclusive<i64>> {
        if newest < self.settled {
            // Another database, or an older one, stands in its place.
            *self = Self::new(newest);
            return None;
        }
        let is_untold = |number: &i64| !self.told.contains(number);
        let untold = self.settled + 1..=self.newest;
        let first = untold.clone().find(is_untold);
        let last = untold.rev().find(is_untold);
        self.settled = self.newest;
        self.told = self.told.split_off(&(self.settled + 1));
        self.newest = newest;
        first.zip(last).map(|(first, last)| first..=last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_in_any_order_is_not_looked_for() {
        let mut ledger = Ledger::new(10);
        ledger.hear(&(13..=14));
        assert_eq!(ledger.look(14), None, "what is new may be told of yet");
        ledger.hear(&(11..=12));
        ledger.hear(&(5..=11));
        assert_eq!(ledger.look(14), None);
        assert_eq!(ledger, Ledger::new(14));
    }

    #[test]
    fn what_nobody_tells_of_is_found_at_the_second_look() {
        let mut ledger = Ledger::new(0);
        ledger.hear(&(2..=3));
        assert_eq!(ledger.look(6), None);
        ledger.hear(&(6..=6));
        assert_eq!(ledger.look(8), Some(1..=5));
        assert_eq!(ledger.look(8), Some(7..=8));
        assert_eq!(ledger.look(8), None);
    }

    #[test]
    fn numbers_that_go_back_or_cannot_be_are_no_trouble() {
        let mut ledger = Ledger::new(10);
        ledger.hear(&(1..=i64::MAX));
        assert_eq!(ledger, Ledger::new(10));
        assert_eq!(ledger.look(3), None);
        assert_eq!(ledger, Ledger::new(3));
    }
}
