//! The audit trail: who changed what, when, from where, and how it ended.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};
use entity::{AccountId, AuditEventId, audit_event};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};

use super::{
    Requester, Result,
    text::{MAX_REASON_CHARS, printable},
};
use crate::app::App;

/// The most characters of the ids that an input named; what is longer names nothing of ours.
const MAX_RESOURCE_IDS_CHARS: usize = 200;

/// Who asks for which change, and from where.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The requester's account.
    pub account_id: Option<AccountId>,
    /// Who.
    pub actor: String,
    /// Which mutation.
    pub mutation: String,
    /// The ids that its input named.
    pub resource_ids: String,
    /// Why, where its input says so.
    pub reason: Option<String>,
    /// The address that it came from.
    pub remote: Option<String>,
    /// The request's id, as in the logs.
    pub request_id: Option<String>,
}

/// How a change that was carried out has ended.
const DONE: &str = "OK";

tokio::task_local! {
    /// The change that is being carried out.
    static CARRIED_OUT: Change;
}

/// A change whose event is written by the transaction that makes it.
#[derive(Clone, Debug)]
pub(super) struct Change(Arc<State>);

#[derive(Debug)]
struct State {
    entry: Entry,
    /// Who asked, where that is known only since.
    by: OnceLock<Requester>,
    is_written: AtomicBool,
}

impl Change {
    fn new(entry: Entry, is_written: bool) -> Self {
        Self(Arc::new(State {
            entry,
            by: OnceLock::new(),
            is_written: AtomicBool::new(is_written),
        }))
    }
}

/// Does `work`. The first transaction that it commits writes the event as well, that `entry` was carried out:
/// neither is there without the other. Tells whether there was one.
pub async fn carry_out<T>(entry: Entry, work: impl Future<Output = T>) -> (T, bool) {
    let change = Change::new(entry, false);
    let result = CARRIED_OUT.scope(change.clone(), work).await;
    (result, change.is_written())
}

/// Does `work`, whose transactions are not the change that is being carried out: they may be committed, and it be
/// refused all the same.
pub async fn aside<T>(work: impl Future<Output = T>) -> T {
    let Ok(change) = CARRIED_OUT.try_with(Change::clone) else {
        return work.await;
    };
    let entry = change.0.entry.clone();
    CARRIED_OUT.scope(Change::new(entry, true), work).await
}

/// The change that is being carried out is `requester`'s: who signs in is known only when the password was right.
pub(super) fn made_by(requester: &Requester) {
    // There is none outside a mutation, and one has one requester.
    let _ = CARRIED_OUT.try_with(|change| change.0.by.set(requester.clone()));
}

/// The change that the transaction which is committed now has to write.
pub(super) fn unwritten() -> Option<Change> {
    let change = CARRIED_OUT.try_with(Change::clone).ok()?;
    (!change.is_written()).then_some(change)
}

impl Change {
    fn is_written(&self) -> bool {
        self.0.is_written.load(Ordering::Acquire)
    }

    /// The event of it, for the transaction that makes it.
    pub(super) fn event(&self, app: &App, at: DateTime<Utc>) -> audit_event::ActiveModel {
        let mut entry = self.0.entry.clone();
        if let Some(requester) = self.0.by.get() {
            entry.account_id = requester.account_id();
            entry.actor = requester.actor();
        }
        event(app, at, &entry, DONE)
    }

    /// That transaction is committed.
    pub(super) fn written(&self) {
        self.0.is_written.store(true, Ordering::Release);
    }
}

/// Keeps an entry apart from any transaction: of what was refused, or changed nothing. `refusal` is the code of the
/// error.
pub async fn record(app: &App, entry: &Entry, refusal: Option<&str>) -> Result<()> {
    let db = app.database.writes();
    let now = app.clock.now(db).await?;
    let event = event(app, now, entry, refusal.unwrap_or(DONE));
    write(db, Some(event)).await
}

/// Writes an event, if there is one.
pub(super) async fn write(
    db: &impl ConnectionTrait,
    event: Option<audit_event::ActiveModel>,
) -> Result<()> {
    if let Some(event) = event {
        let event = audit_event::Entity::insert(event);
        event.exec_without_returning(db).await?;
    }
    Ok(())
}

fn event(app: &App, at: DateTime<Utc>, entry: &Entry, outcome: &str) -> audit_event::ActiveModel {
    let reason = entry.reason.as_deref();
    audit_event::ActiveModel {
        id: Set(app.ids.next(AuditEventId::from_uuid)),
        at: Set(at),
        account_id: Set(entry.account_id),
        actor: Set(entry.actor.clone()),
        mutation: Set(entry.mutation.clone()),
        resource_ids: Set(printable(&entry.resource_ids, MAX_RESOURCE_IDS_CHARS)),
        reason: Set(reason.map(|reason| printable(reason, MAX_REASON_CHARS))),
        remote: Set(entry.remote.clone()),
        request_id: Set(entry.request_id.clone()),
        outcome: Set(outcome.to_owned()),
    }
}
