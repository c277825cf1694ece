//! How much room a pool has, and how much of it an image may take.
//!
//! A full pool does not refuse what is written, it lets it wait: a volume would be overwritten half way.

use serde::Deserialize;

use super::CephRbd;
use crate::{
    driver::{Failure, Result},
    report::Level,
};

/// What `ceph df detail` says.
#[derive(Debug, Deserialize)]
pub(super) struct Figures {
    stats: Whole,
    pools: Vec<Pool>,
}

#[derive(Debug, Deserialize)]
struct Whole {
    total_bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Pool {
    name: String,
    stats: OfPool,
}

#[derive(Debug, Deserialize)]
struct OfPool {
    /// What may be written yet, before each byte is kept several times.
    max_avail: u64,
    stored: u64,
    /// Nothing, or zero, where there is none.
    quota_bytes: Option<u64>,
}

impl Figures {
    /// How many bytes a pool takes yet. That is not known while nobody gathers figures.
    fn free_bytes(&self, pool: &str) -> Option<u64> {
        if self.stats.total_bytes == 0 {
            return None;
        }
        let stats = &self.pools.iter().find(|known| known.name == pool)?.stats;
        let quota = stats.quota_bytes.filter(|quota| *quota > 0);
        let left = quota.map(|quota| quota.saturating_sub(stats.stored));
        Some(stats.max_avail.min(left.unwrap_or(u64::MAX)))
    }
}

/// What `rbd du` says.
#[derive(Debug, Deserialize)]
pub(super) struct Usage {
    images: Vec<Used>,
}

#[derive(Debug, Deserialize)]
struct Used {
    /// None where it is the image itself.
    snapshot: Option<String>,
    used_size: u64,
}

impl Usage {
    /// What is the image's own, and would be written over: what it shares with a snapshot is kept beside that.
    fn own_bytes(&self) -> u64 {
        let own = self.images.iter().filter(|used| used.snapshot.is_none());
        own.map(|used| used.used_size).sum()
    }
}

impl CephRbd {
    /// Refuses what the pool has no room for, beside what the volume's image has already, if that is written over.
    pub(super) async fn ensure_room_for(&self, bytes: u64, is_in_place: bool) -> Result<()> {
        let pool = self.command.pool();
        let free = match self.command.figures().await? {
            Ok(figures) => figures.free_bytes(pool),
            Err(defect) => {
                let message = format!("How much room the pool has is not known: {defect}");
                self.journal.private(Level::Info, message);
                None
            }
        };
        // Where that is not known, the cluster has the last word.
        let Some(free) = free.filter(|free| *free < bytes) else {
            return Ok(());
        };
        let own = if is_in_place {
            match self.command.usage(self.image()).await? {
                Ok(usage) => usage.own_bytes(),
                Err(defect) => {
                    // Such as where the note of which objects there are is missing.
                    let message = format!("How much the image takes is not known: {defect}");
                    self.journal.private(Level::Info, message);
                    return Ok(());
                }
            }
        } else {
            0
        };
        let needed = bytes.saturating_sub(own);
        if needed <= free {
            return Ok(());
        }
        let detail = format!("{needed} bytes are needed, and {free} are free in {pool}");
        Err(Failure::pool_full().because(detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(total: u64, available: u64, quota: &str) -> Option<u64> {
        let text = format!(
            r#"{{"stats": {{"total_bytes": {total}, "other": 1}}, "pools": [
                {{"name": "x", "id": 1, "stats": {{"max_avail": 7, "stored": 0}}}},
                {{"name": "volumes", "id": 2, "stats": {{"max_avail": {available}, "stored": 40{quota}}}}}
            ]}}"#
        );
        let figures: Figures = serde_json::from_str(&text).unwrap();
        figures.free_bytes("volumes")
    }

    #[test]
    fn a_pool_takes_what_its_disks_and_its_quota_take() {
        for (total, available, quota, expected) in [
            (1000, 100, "", Some(100)),
            (1000, 100, r#", "quota_bytes": 0"#, Some(100)),
            (1000, 100, r#", "quota_bytes": 60"#, Some(20)),
            (1000, 10, r#", "quota_bytes": 60"#, Some(10)),
            (1000, 100, r#", "quota_bytes": 30"#, Some(0)),
            (0, 0, "", None),
        ] {
            assert_eq!(free(total, available, quota), expected, "{quota}");
        }
    }
}
