//! The QEMU that has an image open, and the two changes that it makes for us.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::node;
use crate::{
    driver::{
        Failure, Removed, Result, SnapshotName,
        failure::speaks_of_space,
        qcow2_file::{Editor, Qcow2File},
    },
    lock::{Held, Keyed},
    qmp::{self, Monitor},
};

/// What a snapshot takes at least, however loaded the host is.
const CHANGE_LIMIT: Duration = Duration::from_secs(30);
/// Taking and removing one reads and writes tables that grow with the disk: a second for each of so
/// many bytes is a hundred times what it took when it was measured.
const CHANGED_PER_SECOND: u64 = 8 << 30;

/// A running QEMU with the image as one of its disks.
pub(super) struct Attachment {
    monitor: Monitor,
    /// The node to name: the topmost one over the image.
    root: String,
    change_limit: Duration,
    has_ended: bool,
    is_full: bool,
    _turn: Held,
}

impl Attachment {
    /// Finds out whether there is a QEMU at `socket`, and whether it has the image open.
    pub(super) async fn find(
        file: &Qcow2File,
        socket: &Path,
        monitors: &Keyed<PathBuf>,
    ) -> Result<Option<Self>> {
        let turn = monitors.lock(socket.to_owned()).await;
        let (monitor, root) = match look(socket, file.image()).await {
            Ok((monitor, Some(root))) => (monitor, root),
            // A QEMU that ends under our eyes has the image no more; if it does, its lock says so.
            Ok((_, None)) | Err(qmp::Error::Absent | qmp::Error::Closed { .. }) => return Ok(None),
            Err(error) => return Err(failure(error)),
        };
        let change = file.size_bytes() / CHANGED_PER_SECOND;
        Ok(Some(Self {
            monitor,
            root,
            change_limit: CHANGE_LIMIT + Duration::from_secs(change),
            has_ended: false,
            is_full: false,
            _turn: turn,
        }))
    }

    /// Whether QEMU was found to have ended.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether a change was broken off, so that space may be lost.
    pub(super) fn may_have_leaked(&self) -> bool {
        self.has_ended || self.is_full
    }

    async fn change(&mut self, command: &str, name: SnapshotName) -> Result<()> {
        let arguments = json!({ "device": self.root, "name": name.to_string() });
        let changed = self.monitor.execute(command, arguments, self.change_limit);
        changed.await.map(|_: Value| ()).map_err(|error| {
            self.has_ended = matches!(error, qmp::Error::Closed { .. });
            self.is_full = is_full(&error);
            failure(error)
        })
    }
}

#[async_trait]
impl Editor for Attachment {
    fn is_alone(&self) -> bool {
        false
    }

    async fn create(&mut self, name: SnapshotName) -> Result<()> {
        self.change("blockdev-snapshot-internal-sync", name).await
    }

    async fn delete(&mut self, name: SnapshotName) -> Result<()> {
        self.change("blockdev-snapshot-delete-internal-sync", name)
            .await
    }
}

async fn look(
    socket: &Path,
    image: &Path,
) -> std::result::Result<(Monitor, Option<String>), qmp::Error> {
    let mut monitor = Monitor::connect(socket).await?;
    let root = node::find_root(&mut monitor, image).await?;
    Ok((monitor, root))
}

fn is_full(error: &qmp::Error) -> bool {
    matches!(error, qmp::Error::Refused { reason, .. } if speaks_of_space(reason))
}

/// What QEMU did not do, for the customer.
fn failure(error: qmp::Error) -> Failure {
    let message = match &error {
        _ if is_full(&error) => return Failure::pool_full().because(error),
        qmp::Error::Refused { .. } => "The instance that the volume is attached to refuses this.",
        qmp::Error::Silent { .. } => "The instance that the volume is attached to does not answer.",
        qmp::Error::Closed { .. } => {
            "The instance that the volume is attached to was stopped meanwhile."
        }
        qmp::Error::Absent | qmp::Error::Unusable(_) | qmp::Error::Nonsense { .. } => {
            "The instance that the volume is attached to cannot be spoken to."
        }
    };
    // Who hangs, or cannot be understood, may do it yet.
    let may_be_done = matches!(
        error,
        qmp::Error::Silent { .. } | qmp::Error::Nonsense { .. }
    );
    let failure = Failure::storage(message).because(error);
    if may_be_done {
        return failure.having_removed(Removed::Unknown);
    }
    failure
}
