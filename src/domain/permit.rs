//! That those who watch may still do so. It is looked up once for each token, however many streams it has: when something
//! becomes of its user's rights, and every few seconds for all tokens together.
//!
//! ```text
//!            looked up                    its user's topic woke, or it expired
//!  unknown ─────────────▶ known ──────────────────────────────────────────────▶ unknown
//!     │                     every few seconds, by a few statements for all ─┐
//!     │                     known ◀─────────────────────────────────────────┘
//!     └──────────▶ ended: for good
//! ```

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use entity::TokenId;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout_at},
};

use super::{Requester, Result, requester::Rights, token};
use crate::{app::App, events::Watch};

/// How soon it is tried again where the database could not be asked.
const RETRY: Duration = Duration::from_secs(1);

/// The permits that somebody keeps. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Permits(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Known>,
    /// Something is to be looked up at once.
    asked: Notify,
}

#[derive(Debug, Default)]
struct Known {
    entries: HashMap<TokenId, Weak<Entry>>,
    /// Those that are to be looked up at once.
    asked: Vec<Arc<Entry>>,
    /// Whether somebody looks them up.
    is_kept: bool,
}

/// What is known of one token.
#[derive(Debug)]
struct Entry {
    token: TokenId,
    state: watch::Sender<State>,
    /// Rises whenever it has to be looked up anew.
    doubts: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Known {
        rights: Rights,
        ends: Option<Instant>,
        since: Instant,
    },
    Ended,
}

/// That the bearer of a token may watch.
#[derive(Debug)]
pub struct Permit {
    all: Permits,
    entry: Arc<Entry>,
    state: watch::Receiver<State>,
    /// Wakes when something becomes of the user's rights.
    user: Watch,
}

impl Permits {
    /// The permit of `requester`; `None` where they are no user.
    pub fn of(&self, app: &App, requester: &Requester) -> Option<Permit> {
        requester.user().ok()?;
        // Watched before it is looked up, so that no change falls between the two.
        let user = app.hub.watch(requester.topic()?);
        let token = requester.token()?;
        let mut known = self.known();
        let kept = known.entries.get(&token).and_then(Weak::upgrade);
        let entry = kept.unwrap_or_else(|| {
            let entry = Arc::new(Entry {
                token,
                state: watch::Sender::new(State::Unknown),
                doubts: AtomicU64::new(1),
            });
            known.entries.insert(token, Arc::downgrade(&entry));
            known.asked.push(Arc::clone(&entry));
            self.0.asked.notify_one();
            entry
        });
        if !std::mem::replace(&mut known.is_kept, true) {
            tokio::spawn(self.clone().keep(app.clone()));
        }
        drop(known);
        let permit = Permit {
            all: self.clone(),
            state: entry.state.subscribe(),
            entry,
            user,
        };
        // They were looked up since: what is kept is out of date.
        let state = *permit.entry.state.borrow();
        if matches!(state, State::Known { rights, .. } if Some(rights) != requester.rights()) {
            permit.doubt();
        }
        Some(permit)
    }

    /// Looks them up until nobody keeps one.
    async fn keep(self, app: App) {
        let refresh = app.settings.stream_refresh;
        let mut due = Instant::now() + refresh;
        loop {
            let is_due = timeout_at(due, self.0.asked.notified()).await.is_err();
            let mut meant = std::mem::take(&mut self.known().asked);
            if is_due {
                due = Instant::now() + refresh;
                match self.kept() {
                    Some(kept) => meant = kept,
                    None => return,
                }
            }
            meant.retain(|entry| *entry.state.borrow() != State::Ended);
            if let Err(error) = look_up(&app, &meant).await {
                tracing::debug!(%error, "it cannot be seen now who may still watch");
                for entry in &meant {
                    entry.grow_old(refresh);
                }
                sleep(RETRY).await;
                self.known().asked.extend(meant);
                self.0.asked.notify_one();
            }
        }
    }

    /// Those that somebody keeps. Where there are none, nobody looks them up any more.
    fn kept(&self) -> Option<Vec<Arc<Entry>>> {
        let mut known = self.known();
        let kept = known.entries.values().filter_map(Weak::upgrade);
        let kept: Vec<_> = kept.collect();
        known.entries.retain(|_, entry| entry.strong_count() > 0);
        known.is_kept = !kept.is_empty();
        known.is_kept.then_some(kept)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look_up(app: &App, entries: &[Arc<Entry>]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let doubts = entries
        .iter()
        .map(|entry| entry.doubts.load(Ordering::Acquire));
    let doubts: Vec<_> = doubts.collect();
    let tokens: Vec<_> = entries.iter().map(|entry| entry.token).collect();
    let since = Instant::now();
    let live = token::list_rights(app, &tokens).await?;
    for (entry, doubts) in entries.iter().zip(doubts) {
        let state = match live.get(&entry.token) {
            Some((rights, ends_in)) => State::Known {
                rights: *rights,
                ends: ends_in.map(|ends_in| since + ends_in),
                since,
            },
            None => State::Ended,
        };
        entry.state.send_if_modified(|known| {
            // What was doubted meanwhile is looked up once more.
            let is_sure = state == State::Ended || entry.doubts.load(Ordering::Acquire) == doubts;
            if !is_sure || *known == State::Ended {
                return false;
            }
            let is_news = match (*known, state) {
                (State::Known { rights, .. }, State::Known { rights: now, .. }) => rights != now,
                (known, now) => known != now,
            };
            *known = state;
            is_news
        });
    }
    Ok(())
}

impl Entry {
    /// What is known is forgotten: it has to be looked up.
    fn doubt(&self) {
        self.state.send_if_modified(|state| {
            self.doubts.fetch_add(1, Ordering::AcqRel);
            let is_known = matches!(state, State::Known { .. });
            if is_known {
                *state = State::Unknown;
            }
            is_known
        });
    }

    /// The same where it was looked up longer than `age` ago.
    fn grow_old(&self, age: Duration) {
        let state = *self.state.borrow();
        if matches!(state, State::Known { since, .. } if since.elapsed() > age) {
            self.doubt();
        }
    }
}

impl Permit {
    /// What its bearer may see now, as soon as that is known; `None` once their token has ended.
    pub async fn rights(&mut self) -> Option<Rights> {
        loop {
            let state = *self.state.borrow_and_update();
            match state {
                State::Ended => return None,
                State::Known { ends, .. } if ends.is_some_and(|ends| ends <= Instant::now()) => {
                    self.doubt();
                }
                State::Known { rights, .. } => return Some(rights),
                State::Unknown => {}
            }
            self.changed().await;
        }
    }

    /// Waits until something may have become of it.
    pub async fn changed(&mut self) {
        tokio::select! {
            biased;
            () = self.user.changed() => {}
            () = changed(&mut self.state) => return,
        }
        self.doubt();
    }

    fn doubt(&self) {
        self.entry.doubt();
        self.all.known().asked.push(Arc::clone(&self.entry));
        self.all.0.asked.notify_one();
    }
}

async fn changed(state: &mut watch::Receiver<State>) {
    if state.changed().await.is_err() {
        // Who waits keeps the sender.
        std::future::pending::<()>().await;
    }
}
