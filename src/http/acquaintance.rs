//! Whose secrets were good when they came last. A secret that comes for the first time is checked with
//! a share of the database for newcomers, so that a flood of wrong ones costs nobody else; one that was good is
//! checked, each time anew, with the share of whom it speaks for.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::database::Share;

/// So many are remembered. Then all are forgotten, and are strangers once more.
const MAX_REMEMBERED: usize = 65_536;

/// Whose secrets were good when they came last. It keeps only their hashes.
#[derive(Debug, Default)]
pub(super) struct Acquaintances(Mutex<HashMap<[u8; 32], Share>>);

impl Acquaintances {
    /// With whose share `secret` is checked.
    pub fn share(&self, secret: &str) -> Share {
        let known = self.lock().get(&hash(secret)).copied();
        known.unwrap_or(Share::Newcomers)
    }

    /// Remembers whose share the bearer of `secret` has; `None` where it speaks for nobody.
    pub fn note(&self, secret: &str, share: Option<Share>) {
        let mut known = self.lock();
        match share {
            Some(share) => {
                if known.len() >= MAX_REMEMBERED {
                    known.clear();
                }
                known.insert(hash(secret), share);
            }
            None => {
                known.remove(&hash(secret));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Share>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(secret: &str) -> [u8; 32] {
    *blake3::hash(secret.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_newcomers_until_it_was_good_and_again_once_it_is_not() {
        let known = Acquaintances::default();
        assert_eq!(known.share("a"), Share::Newcomers);
        known.note("a", Some(Share::Agents));
        assert_eq!(known.share("a"), Share::Agents);
        assert_eq!(known.share("b"), Share::Newcomers);
        known.note("a", None);
        assert_eq!(known.share("a"), Share::Newcomers);
    }

    #[test]
    fn only_so_many_are_remembered() {
        let known = Acquaintances::default();
        for at in 0..=MAX_REMEMBERED {
            known.note(&at.to_string(), Some(Share::Users));
        }
        assert_eq!(known.lock().len(), 1);
    }
}
