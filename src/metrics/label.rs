//! The words that label figures.

use std::{
    fmt::{self, Write},
    sync::Arc,
};

use entity::{
    operation::{OperationKind, OperationStatus},
    operation_event::OperationEventKind,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{family::Family, histogram::Histogram},
};

use super::{Label, Times};

/// The labels of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    pub operation: &'static str,
    pub field: Field,
    pub outcome: &'static str,
}

/// A root field of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field(Arc<str>);

impl Field {
    /// The root field `name`.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }
}

impl EncodeLabelValue for Field {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(&self.0)
    }
}

/// Every kind of operation.
pub(super) const KINDS: [OperationKind; 8] = [
    OperationKind::CreateSnapshot,
    OperationKind::CreateBackup,
    OperationKind::RestoreInPlace,
    OperationKind::RestoreToNewVolume,
    OperationKind::DeleteSnapshot,
    OperationKind::DeleteBackup,
    OperationKind::CreateVolume,
    OperationKind::DeleteVolume,
];

/// A kind of operation as the API writes it.
pub(super) fn kind(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::CreateSnapshot => "CREATE_SNAPSHOT",
        OperationKind::CreateBackup => "CREATE_BACKUP",
        OperationKind::RestoreInPlace => "RESTORE_IN_PLACE",
        OperationKind::RestoreToNewVolume => "RESTORE_TO_NEW_VOLUME",
        OperationKind::DeleteSnapshot => "DELETE_SNAPSHOT",
        OperationKind::DeleteBackup => "DELETE_BACKUP",
        OperationKind::CreateVolume => "CREATE_VOLUME",
        OperationKind::DeleteVolume => "DELETE_VOLUME",
    }
}

/// A status of an operation as the API writes it.
pub(super) fn status(status: OperationStatus) -> &'static str {
    match status {
        OperationStatus::Pending => "PENDING",
        OperationStatus::Started => "STARTED",
        OperationStatus::Completed => "COMPLETED",
        OperationStatus::Failed => "FAILED",
        OperationStatus::Cancelled => "CANCELLED",
    }
}

/// What happened to an operation, as the API writes it.
pub(super) fn transition(kind: OperationEventKind) -> &'static str {
    match kind {
        OperationEventKind::Accepted => "ACCEPTED",
        OperationEventKind::Started => "STARTED",
        OperationEventKind::Progressed => "PROGRESSED",
        OperationEventKind::Requeued => "REQUEUED",
        OperationEventKind::Completed => "COMPLETED",
        OperationEventKind::Failed => "FAILED",
        OperationEventKind::Cancelled => "CANCELLED",
    }
}

/// The times of statements by what they do: each is at hand, as there are many statements.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    select: Histogram,
    insert: Histogram,
    update: Histogram,
    delete: Histogram,
    other: Histogram,
}

impl Statements {
    pub fn new(times: &Family<[Label; 1], Histogram, Times>) -> Self {
        let of = |verb| times.get_or_create_owned(&[("verb", verb)]);
        Self {
            select: of("select"),
            insert: of("insert"),
            update: of("update"),
            delete: of("delete"),
            other: of("other"),
        }
    }

    /// Those of statements like `sql`.
    pub fn of(&self, sql: &str) -> &Histogram {
        match sql.get(..6) {
            Some("SELECT") => &self.select,
            Some("INSERT") => &self.insert,
            Some("UPDATE") => &self.update,
            Some("DELETE") => &self.delete,
            _ => &self.other,
        }
    }
}
