//! What a transaction has changed that is billed.

use std::collections::BTreeSet;

use entity::{BackupId, InstanceId, SnapshotId, VolumeId, billing_item::BillingKind};

/// Something that is billed. Its id is kept as text: a row whose id cannot be read is not billed, but hinders nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Billed {
    /// A snapshot.
    Snapshot(String),
    /// A backup.
    Backup(String),
    /// An instance.
    Instance(String),
}

impl Billed {
    fn id(&self) -> &str {
        match self {
            Self::Snapshot(id) | Self::Backup(id) | Self::Instance(id) => id,
        }
    }

    fn kind(&self) -> BillingKind {
        match self {
            Self::Snapshot(_) => BillingKind::Snapshot,
            Self::Backup(_) => BillingKind::Backup,
            Self::Instance(_) => BillingKind::Compute,
        }
    }
}

impl From<SnapshotId> for Billed {
    fn from(id: SnapshotId) -> Self {
        Self::Snapshot(id.to_string())
    }
}

impl From<BackupId> for Billed {
    fn from(id: BackupId) -> Self {
        Self::Backup(id.to_string())
    }
}

impl From<InstanceId> for Billed {
    fn from(id: InstanceId) -> Self {
        Self::Instance(id.to_string())
    }
}

/// How what is billed may have changed. Which of it has, the rows tell at the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It may be billed from now on, and was not before.
    Begins,
    /// It may be billed no more.
    Ends,
    /// It may be billed otherwise than before.
    Differs,
}

/// What a transaction has changed that is billed. Whoever marks something holds the lock of its row.
#[derive(Debug, Default)]
pub struct Marks {
    begin: BTreeSet<Billed>,
    end: BTreeSet<Billed>,
    measured: BTreeSet<VolumeId>,
}

impl Marks {
    /// Marks `billed`.
    pub fn add(&mut self, billed: Billed, change: Change) {
        if change != Change::Ends {
            self.begin.insert(billed.clone());
        }
        if change != Change::Begins {
            self.end.insert(billed);
        }
    }

    /// Marks a volume that was measured.
    pub fn add_measured(&mut self, volume: VolumeId) {
        self.measured.insert(volume);
    }

    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.begin.is_empty() && self.end.is_empty() && self.measured.is_empty()
    }

    /// The volumes that were measured.
    pub fn measured(&self) -> impl Iterator<Item = VolumeId> {
        self.measured.iter().copied()
    }

    /// The ids of those of `kind` of which a span may have to begin.
    pub fn to_begin(&self, kind: BillingKind) -> Vec<&str> {
        of_kind(&self.begin, kind)
    }

    /// The ids of those of `kind` of which a span may have to end.
    pub fn to_end(&self, kind: BillingKind) -> Vec<&str> {
        of_kind(&self.end, kind)
    }
}

fn of_kind(marked: &BTreeSet<Billed>, kind: BillingKind) -> Vec<&str> {
    let marked = marked.iter().filter(|billed| billed.kind() == kind);
    marked.map(Billed::id).collect()
}
