//! Subscriptions that ask the same with the same rights, and are carried out once for all of them.
//!
//! ```text
//!  a socket ─┐                        ┌─ a task: the executor, one event after the other,
//!  a socket ─┼─ Joined ── log ── Share┤  each written as JSON once
//!  a stream ─┘                        └─ ends with the last that follows it, or by itself
//! ```
//!
//! Nobody waits for anybody: what is told is put into a log, from which each takes what it has not had. It holds the newest
//! state, and of those before it a few that the newest does not replace: an end that was told is not lost to who is slow.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_graphql::{Request, Response, Variables};
use futures_util::{StreamExt, stream::BoxStream};
use tokio::{sync::watch, task::AbortHandle, time::Instant};

use super::{
    document::Prepared,
    subscription::joint::{Joint, Mark},
    told::Told,
};
use crate::domain::Rights;

/// So many states are kept for who is slow, beside the newest.
const MAX_KEPT: usize = 8;
/// And for so long: who takes nothing for longer is given up.
const KEPT: Duration = Duration::from_secs(30);

/// What is asked, by what rights. Who asks the same is told the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    document: Box<str>,
    operation_name: Option<Box<str>>,
    /// As JSON.
    variables: Box<str>,
    rights: Rights,
}

/// The subscriptions that are carried out now.
#[derive(Clone, Debug, Default)]
pub struct Shares(Arc<Mutex<Known>>);

type Known = HashMap<Arc<Question>, Weak<Share>>;

/// A subscription that is carried out for as long as somebody follows it.
#[derive(Debug)]
struct Share {
    question: Arc<Question>,
    prepared: Arc<Prepared>,
    joint: Arc<Joint>,
    log: watch::Receiver<Log>,
    task: AbortHandle,
    all: Shares,
}

/// What is to be carried out.
pub struct Execution {
    /// Its document.
    pub prepared: Arc<Prepared>,
    /// What it answers.
    pub responses: BoxStream<'static, Response>,
}

/// One who follows a subscription.
#[derive(Debug)]
pub struct Joined {
    share: Arc<Share>,
    log: watch::Receiver<Log>,
    /// Whether it was the first.
    is_first: bool,
    place: Place,
}

/// Where in the log somebody is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// It waits for a state that was read since it joined as this one.
    Joining(u64),
    /// It has been told all up to this one.
    Behind(u64),
}

/// What comes next.
#[derive(Debug)]
pub enum News {
    /// This is told.
    Told(Told),
    /// It is over.
    Over,
    /// It is over, but who joins too late has to ask for themselves.
    Missed,
}

#[derive(Debug, Default)]
struct Log {
    kept: VecDeque<Message>,
    last: u64,
    is_over: bool,
}

#[derive(Debug)]
struct Message {
    number: u64,
    mark: Mark,
    at: Instant,
    told: Told,
}

impl Question {
    /// What `request` asks by `rights`.
    pub fn of(request: &Request, rights: Rights) -> Option<Self> {
        let name = request.operation_name.as_deref();
        Some(Self {
            document: request.query.as_str().into(),
            operation_name: name.filter(|name| !name.is_empty()).map(Into::into),
            variables: serde_json::to_string(&request.variables).ok()?.into(),
            rights,
        })
    }

    /// The same by other rights.
    pub fn by(&self, rights: Rights) -> Self {
        Self {
            rights,
            ..self.clone()
        }
    }

    /// By what rights it is asked.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// The request that asks it, of nobody yet.
    pub fn request(&self) -> Request {
        let variables = serde_json::from_str(&self.variables).unwrap_or_default();
        let request = Request::new(&*self.document).variables(Variables::from_json(variables));
        match &self.operation_name {
            Some(name) => request.operation_name(&**name),
            None => request,
        }
    }
}

impl Shares {
    /// Joins who asks `question` already. Where nobody does, what `begin` gives is carried out, if that can be shared.
    pub fn join(
        &self,
        question: Question,
        begin: impl FnOnce(&Question, Arc<Joint>) -> Option<Execution>,
    ) -> Option<Joined> {
        if let Some(share) = self.lookup(&question) {
            return Some(share.join(false));
        }
        let joint = Arc::new(Joint::default());
        let execution = begin(&question, Arc::clone(&joint))?;
        let mut known = self.known();
        // Somebody may have been quicker.
        let quicker = known.get(&question).and_then(Weak::upgrade);
        if let Some(share) = &quicker
            && share.is_going_on()
        {
            drop(known);
            return Some(Arc::clone(share).join(false));
        }
        let share = Share::begin(self.clone(), question, joint, execution);
        known.insert(Arc::clone(&share.question), Arc::downgrade(&share));
        // One that is over is let go of behind that: the last to do so looks for it there.
        drop(known);
        drop(quicker);
        Some(share.join(true))
    }

    fn lookup(&self, question: &Question) -> Option<Arc<Share>> {
        let share = self.known().get(question).and_then(Weak::upgrade);
        share.filter(|share| share.is_going_on())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    fn begin(
        all: Shares,
        question: Question,
        joint: Arc<Joint>,
        execution: Execution,
    ) -> Arc<Self> {
        let Execution {
            prepared,
            mut responses,
        } = execution;
        let (sender, log) = watch::channel(Log::default());
        let marks = Arc::clone(&joint);
        let task = async move {
            while let Some(response) = responses.next().await {
                let (mark, told) = (marks.take_mark(), Told::of(&response));
                sender.send_modify(|log| log.put(mark, told));
            }
            sender.send_modify(|log| log.is_over = true);
        };
        Arc::new(Self {
            question: Arc::new(question),
            prepared,
            joint,
            log,
            task: tokio::spawn(task).abort_handle(),
            all,
        })
    }

    fn is_going_on(&self) -> bool {
        !self.log.borrow().is_over && self.log.has_changed().is_ok()
    }

    fn join(self: Arc<Self>, is_first: bool) -> Joined {
        Joined {
            log: self.log.clone(),
            is_first,
            place: Place::Joining(self.joint.ask()),
            share: self,
        }
    }
}

/// Nobody follows it any more.
impl Drop for Share {
    fn drop(&mut self) {
        self.task.abort();
        let mut known = self.all.known();
        let own = known.get(&self.question);
        if own.is_some_and(|share| share.strong_count() == 0) {
            known.remove(&self.question);
        }
    }
}

impl Joined {
    /// What it asks.
    pub fn question(&self) -> &Question {
        &self.share.question
    }

    /// Its document.
    pub fn prepared(&self) -> &Prepared {
        &self.share.prepared
    }

    /// What is told next. Nothing is lost where it is not waited for to the end.
    pub async fn next(&mut self) -> News {
        loop {
            if let Some(news) = self.take() {
                return news;
            }
            if self.log.changed().await.is_err() {
                return self.take().unwrap_or_else(|| self.over());
            }
        }
    }

    fn take(&mut self) -> Option<News> {
        let log = self.log.borrow_and_update();
        if let Some(message) = log.behind(self.place) {
            self.place = Place::Behind(message.number);
            return Some(News::Told(message.told.clone()));
        }
        let is_over = log.is_over;
        drop(log);
        is_over.then(|| self.over())
    }

    fn over(&self) -> News {
        match self.place {
            Place::Joining(_) if !self.is_first => News::Missed,
            Place::Joining(_) | Place::Behind(_) => News::Over,
        }
    }
}

impl Log {
    /// Puts what is told behind all that was.
    fn put(&mut self, mark: Mark, told: Told) {
        let now = Instant::now();
        let is_repeat = |message: Option<&Message>| message.is_some_and(|last| last.mark.is_repeat);
        while is_repeat(self.kept.back()) {
            self.kept.pop_back();
        }
        if mark.replaces && !mark.is_repeat {
            self.kept.pop_back();
        }
        while self.kept.len() > MAX_KEPT || (self.kept.len() > 1 && is_old(self.kept.front(), now))
        {
            self.kept.pop_front();
        }
        self.last += 1;
        self.kept.push_back(Message {
            number: self.last,
            mark,
            at: now,
            told,
        });
    }

    /// What is to be told to who is at `place`.
    fn behind(&self, place: Place) -> Option<&Message> {
        self.kept.iter().find(|message| match place {
            Place::Joining(number) => message.mark.answers >= number,
            Place::Behind(last) => message.number > last && !message.mark.is_repeat,
        })
    }
}

fn is_old(message: Option<&Message>, now: Instant) -> bool {
    message.is_some_and(|message| now - message.at > KEPT)
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;

    use super::*;

    fn mark(answers: u64, is_repeat: bool, replaces: bool) -> Mark {
        Mark {
            answers,
            is_repeat,
            replaces,
        }
    }

    fn told(state: i32) -> Told {
        Told::of(&Response::new(Value::from(state)))
    }

    fn read(log: &Log, mut place: Place) -> Vec<Told> {
        let mut read = Vec::new();
        while let Some(message) = log.behind(place) {
            place = Place::Behind(message.number);
            read.push(message.told.clone());
        }
        read
    }

    #[test]
    fn who_is_slow_is_told_the_newest_progress_and_each_state_that_it_does_not_replace() {
        let mut log = Log::default();
        log.put(mark(1, false, false), told(1));
        for progress in 2..=5 {
            log.put(mark(1, false, true), told(progress));
        }
        log.put(mark(1, false, false), told(6));
        log.put(mark(1, false, false), told(7));
        assert_eq!(read(&log, Place::Behind(1)), [told(5), told(6), told(7)]);
        assert_eq!(read(&log, Place::Behind(6)), [told(7)]);
        assert_eq!(read(&log, Place::Joining(1)), [told(5), told(6), told(7)]);
    }

    #[test]
    fn a_state_that_is_told_again_is_told_to_who_joins_only() {
        let mut log = Log::default();
        log.put(mark(1, false, false), told(1));
        assert!(read(&log, Place::Joining(2)).is_empty());
        log.put(mark(2, true, true), told(2));
        log.put(mark(3, true, true), told(3));
        assert_eq!(read(&log, Place::Joining(2)), [told(3)]);
        assert_eq!(read(&log, Place::Behind(0)), [told(1)]);
        log.put(mark(3, false, true), told(4));
        assert_eq!(read(&log, Place::Joining(3)), [told(4)]);
        assert_eq!(read(&log, Place::Behind(1)), [told(4)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_for_who_is_slow_has_an_end() {
        let mut log = Log::default();
        for state in 0..100 {
            log.put(mark(1, false, false), told(state));
        }
        assert_eq!(log.kept.len(), MAX_KEPT + 1);
        tokio::time::advance(2 * KEPT).await;
        log.put(mark(1, false, false), told(100));
        assert_eq!(log.kept.len(), 2);
        assert_eq!(read(&log, Place::Behind(0)).last(), Some(&told(100)));
    }
}
