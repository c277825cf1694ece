//! The audit trail: who changed what, when, from where, and how it ended.

use entity::{AuditEventId, audit_event};
use sea_orm::{ActiveModelTrait, ActiveValue::Set};

use super::{
    Requester, Result,
    text::{MAX_REASON_CHARS, printable},
};
use crate::app::App;

/// The most characters of the ids that an input named; what is longer names nothing of ours.
const MAX_RESOURCE_IDS_CHARS: usize = 200;

/// One change, whether it was carried out or refused.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Who.
    pub requester: &'a Requester,
    /// Which mutation.
    pub mutation: &'a str,
    /// The ids that its input named.
    pub resource_ids: String,
    /// Why, where its input says so.
    pub reason: Option<String>,
    /// The address that it came from.
    pub remote: Option<String>,
    /// The request's id, as in the logs.
    pub request_id: Option<String>,
    /// `OK`, or the code of the error.
    pub outcome: &'a str,
}

/// Keeps an entry.
pub async fn record(app: &App, entry: Entry<'_>) -> Result<()> {
    let db = app.database.writes();
    let reason = entry.reason.as_deref();
    let event = audit_event::ActiveModel {
        id: Set(app.ids.next(AuditEventId::from_uuid)),
        at: Set(app.clock.now(db).await?),
        account_id: Set(entry.requester.account_id()),
        actor: Set(entry.requester.actor()),
        mutation: Set(entry.mutation.to_owned()),
        resource_ids: Set(printable(&entry.resource_ids, MAX_RESOURCE_IDS_CHARS)),
        reason: Set(reason.map(|reason| printable(reason, MAX_REASON_CHARS))),
        remote: Set(entry.remote),
        request_id: Set(entry.request_id),
        outcome: Set(entry.outcome.to_owned()),
    };
    event.insert(db).await?;
    Ok(())
}
