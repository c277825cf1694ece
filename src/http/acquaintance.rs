//! Who bears which secret, as it was found out when the secret came last.
//!
//! For a second it is known from memory who asks, and is forgotten at once where the hub tells that a token of theirs
//! ended, or what they may do changed. The database is asked before somebody is remembered for the first time, and once
//! more before they are believed without it: only what was read while the hub was listened to can be trusted.
//!
//! A secret that comes for the first time is checked with a share of the database for newcomers, so that a flood of wrong
//! ones costs nobody else; one that was good is checked with the share of whom it speaks for.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use tokio::task::unconstrained;

use super::payer::share;
use crate::{
    database::Share,
    domain::{Clock, Requester, token::Authenticated},
    events::{Hub, Watch},
};

/// So many are remembered. Then all are forgotten, and are strangers once more.
const MAX_REMEMBERED: usize = 65_536;
/// How long nobody has to ask the database who somebody is.
const MEMORY: TimeDelta = TimeDelta::seconds(1);

/// Whose secrets were good when they came last. It keeps only their hashes.
#[derive(Debug, Default)]
pub(super) struct Acquaintances(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    bearers: HashMap<Hash, Bearer>,
    /// The last revision of a bearer: no two of any bearers are the same.
    revision: u64,
}

type Hash = [u8; 32];

/// Whom a secret speaks for.
#[derive(Debug)]
struct Bearer {
    share: Share,
    /// Wakes when a token of theirs ends, or what they may do changes.
    watch: Watch,
    /// Another one since it last woke.
    revision: u64,
    last: Option<Remembered>,
}

#[derive(Debug)]
struct Remembered {
    authenticated: Authenticated,
    /// Before the database was asked.
    asked: Instant,
}

/// What is known of a secret without asking the database.
#[derive(Debug)]
pub(super) enum Recalled {
    /// Whom it speaks for.
    Bearer(Requester),
    /// Too little: the database has to be asked.
    Nothing(Question),
}

/// What the database is asked. Its answer may be remembered if nothing happened meanwhile.
#[derive(Debug)]
pub(super) struct Question {
    /// With whose share it is asked.
    pub share: Share,
    hash: Hash,
    revision: Option<u64>,
    asked: Instant,
}

impl Acquaintances {
    /// Whom `secret` speaks for, as far as that is known.
    pub fn recall(&self, clock: &Clock, secret: &str) -> Recalled {
        let mut question = Question {
            share: Share::Newcomers,
            hash: *blake3::hash(secret.as_bytes()).as_bytes(),
            revision: None,
            asked: Instant::now(),
        };
        let mut known = self.lock();
        let Known { bearers, revision } = &mut *known;
        let Some(bearer) = bearers.get_mut(&question.hash) else {
            return Recalled::Nothing(question);
        };
        bearer.notice(revision);
        if let Some(requester) = bearer.last.as_ref().and_then(|last| last.requester(clock)) {
            return Recalled::Bearer(requester.clone());
        }
        question.share = bearer.share;
        question.revision = Some(bearer.revision);
        Recalled::Nothing(question)
    }

    /// Remembers the answer to `question`; `None` where the secret speaks for nobody.
    pub fn note(&self, hub: &Hub, question: &Question, answer: Option<&Authenticated>) {
        let mut known = self.lock();
        let Known { bearers, revision } = &mut *known;
        let Some((answer, topic)) = answer.and_then(|it| Some((it, it.requester.topic()?))) else {
            bearers.remove(&question.hash);
            return;
        };
        let Some(bearer) = bearers.get_mut(&question.hash) else {
            if bearers.len() >= MAX_REMEMBERED {
                bearers.clear();
            }
            *revision += 1;
            let bearer = Bearer {
                share: share(&answer.requester),
                watch: hub.watch(topic),
                revision: *revision,
                // What was read before the hub was listened to may be old by now.
                last: None,
            };
            bearers.insert(question.hash, bearer);
            return;
        };
        bearer.notice(revision);
        if question.revision == Some(bearer.revision) {
            bearer.last = Some(Remembered {
                authenticated: answer.clone(),
                asked: question.asked,
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bearer {
    /// Forgets what is remembered if the hub told of a change.
    fn notice(&mut self, revision: &mut u64) {
        // Whatever else the task has done, this is looked at.
        if unconstrained(self.watch.changed()).now_or_never().is_some() {
            *revision += 1;
            self.revision = *revision;
            self.last = None;
        }
    }
}

impl Remembered {
    /// Who it is, if that is still to be believed.
    fn requester(&self, clock: &Clock) -> Option<&Requester> {
        let Authenticated {
            requester,
            at,
            ends,
        } = &self.authenticated;
        let now: DateTime<Utc> = clock.later(*at, self.asked.elapsed());
        let is_fresh = (TimeDelta::zero()..MEMORY).contains(&(now - at));
        let has_ended = ends.is_some_and(|ends| ends <= now);
        (is_fresh && !has_ended).then_some(requester)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::ManualClock;

    struct World {
        known: Acquaintances,
        hub: Hub,
        hands: ManualClock,
        clock: Clock,
        agent: Requester,
    }

    impl World {
        fn new() -> Self {
            let hands = ManualClock::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
            Self {
                known: Acquaintances::default(),
                hub: Hub::default(),
                clock: Clock::Manual(hands.clone()),
                hands,
                agent: Requester::some_agent(),
            }
        }

        /// Whether "secret" is known without a question.
        fn is_known(&self) -> bool {
            matches!(
                self.known.recall(&self.clock, "secret"),
                Recalled::Bearer(_)
            )
        }

        fn question(&self) -> Question {
            match self.known.recall(&self.clock, "secret") {
                Recalled::Nothing(question) => question,
                Recalled::Bearer(requester) => panic!("{requester:?} is known"),
            }
        }

        fn answer(&self, question: &Question, ends: Option<DateTime<Utc>>) {
            let answer = Authenticated {
                requester: self.agent.clone(),
                at: self.hands.now(),
                ends,
            };
            self.known.note(&self.hub, question, Some(&answer));
        }

        /// Asks twice, after which the bearer is known.
        fn acquaint(&self, ends: Option<DateTime<Utc>>) {
            for _ in 0..2 {
                self.answer(&self.question(), ends);
            }
            assert!(self.is_known());
        }

        fn wake(&self) {
            self.hub.wake(self.agent.topic());
        }
    }

    #[tokio::test]
    async fn a_secret_is_a_newcomers_until_it_was_good_and_again_once_it_is_not() {
        let world = World::new();
        assert_eq!(world.question().share, Share::Newcomers);
        world.answer(&world.question(), None);
        assert_eq!(world.question().share, Share::Agents);
        world.known.note(&world.hub, &world.question(), None);
        assert_eq!(world.question().share, Share::Newcomers);
    }

    #[tokio::test]
    async fn a_bearer_is_known_for_a_second() {
        let world = World::new();
        world.acquaint(None);
        world.hands.advance(TimeDelta::milliseconds(999));
        assert!(world.is_known());
        world.hands.advance(TimeDelta::milliseconds(1));
        assert!(!world.is_known());
    }

    #[tokio::test]
    async fn a_token_that_has_expired_meanwhile_is_not_believed() {
        let world = World::new();
        world.acquaint(Some(world.hands.now() + TimeDelta::milliseconds(300)));
        world.hands.advance(TimeDelta::milliseconds(299));
        assert!(world.is_known());
        world.hands.advance(TimeDelta::milliseconds(1));
        assert!(!world.is_known());
    }

    #[tokio::test]
    async fn a_bearer_is_forgotten_at_once_when_something_of_theirs_changed() {
        let world = World::new();
        world.acquaint(None);
        world.wake();
        assert!(!world.is_known());
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_believed_after_it() {
        let world = World::new();
        let first = world.question();
        world.wake();
        world.answer(&first, None);
        assert!(!world.is_known(), "nobody listened when it was read");
        for is_noticed_by_another in [false, true] {
            let question = world.question();
            world.wake();
            if is_noticed_by_another {
                assert!(!world.is_known());
            }
            world.answer(&question, None);
            assert!(!world.is_known());
        }
    }

    #[tokio::test]
    async fn only_so_many_are_remembered() {
        let world = World::new();
        for at in 0..=MAX_REMEMBERED {
            let Recalled::Nothing(question) = world.known.recall(&world.clock, &at.to_string())
            else {
                panic!("{at} is known");
            };
            world.answer(&question, None);
        }
        assert_eq!(world.known.lock().bearers.len(), 1);
    }
}
