//! What this process knows of a path, by whichever store: its threads, and whether a disk was there.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::watchdog::Watchdog;

/// One for each path that a backup storage ever had: few, and small. No directory is held open here;
/// that would keep an administrator from unmounting it.
static PLACES: LazyLock<Mutex<HashMap<PathBuf, Arc<Place>>>> = LazyLock::new(Mutex::default);

/// What all stores of one path share.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) watchdog: Watchdog,
    was_mount_point: AtomicBool,
}

impl Place {
    pub(super) fn of(path: &Path) -> Arc<Self> {
        let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(places.entry(path.to_owned()).or_default())
    }

    /// Takes note of whether something is mounted on the path now. False if something was before and
    /// nothing is now.
    pub(super) fn is_as_mounted_as_before(&self, mounted: bool) -> bool {
        let before = self.was_mount_point.fetch_or(mounted, Ordering::Relaxed);
        mounted || !before
    }
}
