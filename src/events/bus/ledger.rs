//! Which events a gateway told of: where one ends between its commit and telling of it, the numbers of its events are
//! told by the sequencer, which lacks whom else they concern.

use std::{collections::BTreeMap, ops::RangeInclusive};

use crate::events::{News, news::Numbered};

/// The most serials or numbers of one message that are believed.
const MAX_TOLD: i64 = 100_000;
/// For how many looks it is remembered what was told of events whose numbers are not known yet.
const MAX_LOOKS: u64 = 120;

/// The events that were told of, and those that were numbered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ledger {
    looks: u64,
    /// The serials of those that were told of and not numbered, and at which look.
    told: BTreeMap<i64, u64>,
    /// By their serials the numbers of those that were numbered and not told of, and at which look.
    untold: BTreeMap<i64, (i64, u64)>,
    /// All up to this one were numbered, and that was heard.
    heard: i64,
    /// The first one of which that was not heard.
    missed: Option<i64>,
    /// The newest when it was last looked.
    newest: i64,
}

impl Ledger {
    /// All up to `newest` are settled.
    pub(super) fn new(newest: i64) -> Self {
        Self {
            looks: 0,
            told: BTreeMap::new(),
            untold: BTreeMap::new(),
            heard: newest,
            missed: None,
            newest,
        }
    }

    /// Was told `news`.
    pub(super) fn hear(&mut self, news: &News) {
        for serial in believable(&news.written) {
            if self.untold.remove(&serial).is_none() {
                self.told.insert(serial, self.looks);
            }
        }
        if let Some(numbered) = news.numbered.as_ref() {
            self.hear_numbered(numbered);
        }
    }

    fn hear_numbered(&mut self, numbered: &Numbered) {
        let (first, last) = (*numbered.numbers.start(), *numbered.numbers.end());
        if last <= self.heard || !is_believable(&numbered.numbers) {
            return;
        }
        if first > self.heard.saturating_add(1) {
            self.missed.get_or_insert(self.heard.saturating_add(1));
        }
        for (number, serial) in numbered.numbers.clone().zip(believable(&numbered.serials)) {
            if self.told.remove(&serial).is_none() && number > self.heard {
                self.untold.insert(serial, (number, self.looks));
            }
        }
        self.heard = last;
    }

    /// The newest event is `newest` now. Gives the numbers among which those lie that were there at the last look
    /// and of which nothing was told since.
    pub(super) fn look(&mut self, newest: i64) -> Option<RangeInclusive<i64>> {
        if newest < self.newest {
            // Another database, or an older one, stands in its place.
            *self = Self::new(newest);
            return None;
        }
        let now = self.looks;
        let mut numbers: Option<RangeInclusive<i64>> = None;
        let mut add = |first: i64, last: i64| {
            let known = numbers.take().unwrap_or(first..=last);
            numbers = Some(first.min(*known.start())..=last.max(*known.end()));
        };
        self.untold.retain(|_, (number, at)| {
            let is_new = *at == now;
            if !is_new {
                add(*number, *number);
            }
            is_new
        });
        if let Some(first) = self.missed.take() {
            add(first, self.heard);
        }
        if self.heard < self.newest {
            add(self.heard.saturating_add(1), self.newest);
            self.heard = self.newest;
        }
        self.looks += 1;
        self.told.retain(|_, at| now - *at < MAX_LOOKS);
        self.newest = newest;
        numbers
    }
}

fn believable(ranges: &[RangeInclusive<i64>]) -> impl Iterator<Item = i64> {
    let ranges = ranges.iter().filter(|range| is_believable(range));
    ranges.cloned().flatten()
}

fn is_believable(range: &RangeInclusive<i64>) -> bool {
    range.end().saturating_sub(*range.start()) < MAX_TOLD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(serials: RangeInclusive<i64>) -> News {
        News {
            written: vec![serials],
            ..News::default()
        }
    }

    fn numbered(numbers: RangeInclusive<i64>, serials: &[RangeInclusive<i64>]) -> News {
        News {
            numbered: Some(Numbered {
                numbers,
                serials: serials.to_vec(),
            }),
            ..News::default()
        }
    }

    #[test]
    fn what_was_told_in_any_order_is_not_looked_for() {
        let mut ledger = Ledger::new(10);
        ledger.hear(&written(103..=104));
        ledger.hear(&numbered(11..=13, &[101..=101, 103..=104]));
        assert_eq!(ledger.look(13), None, "what is new may be told of yet");
        ledger.hear(&written(101..=101));
        for _ in 0..3 {
            assert_eq!(ledger.look(13), None);
        }
        assert!(ledger.told.is_empty() && ledger.untold.is_empty());
    }

    #[test]
    fn what_nobody_tells_of_is_found_at_the_second_look() {
        let mut ledger = Ledger::new(0);
        ledger.hear(&written(2..=3));
        ledger.hear(&numbered(1..=5, &[1..=5]));
        assert_eq!(ledger.look(5), None);
        ledger.hear(&numbered(6..=6, &[7..=7]));
        assert_eq!(ledger.look(6), Some(1..=5));
        assert_eq!(ledger.look(6), Some(6..=6));
        assert_eq!(ledger.look(6), None);
    }

    #[test]
    fn numbers_that_were_given_and_not_heard_of_are_found() {
        let mut ledger = Ledger::new(10);
        assert_eq!(ledger.look(12), None);
        assert_eq!(ledger.look(12), Some(11..=12));
        ledger.hear(&written(1..=9));
        ledger.hear(&numbered(15..=16, &[8..=9]));
        assert_eq!(ledger.look(16), Some(13..=16));
        assert_eq!(ledger.look(16), None);
    }

    #[test]
    fn numbers_of_a_message_that_had_no_room_for_serials_are_settled() {
        let mut ledger = Ledger::new(10);
        ledger.hear(&numbered(11..=900, &[]));
        for _ in 0..3 {
            assert_eq!(ledger.look(900), None);
        }
    }

    #[test]
    fn numbers_that_go_back_or_cannot_be_are_no_trouble() {
        let mut ledger = Ledger::new(10);
        ledger.hear(&written(1..=i64::MAX));
        ledger.hear(&numbered(1..=i64::MAX, &[1..=i64::MAX]));
        ledger.hear(&numbered(1..=3, &[1..=3]));
        assert_eq!(ledger, Ledger::new(10));
        assert_eq!(ledger.look(3), None);
        assert_eq!(ledger, Ledger::new(3));
    }

    #[test]
    fn what_was_told_and_is_never_numbered_is_forgotten() {
        let mut ledger = Ledger::new(10);
        ledger.hear(&written(1..=3));
        for _ in 0..=MAX_LOOKS {
            assert_eq!(ledger.look(10), None);
        }
        assert!(ledger.told.is_empty());
    }
}
