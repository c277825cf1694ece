//! Space is looked at before the first byte of a volume changes.

use super::{Cluster, POOL, from_backup, in_place, snapshot_work};
use crate::site::{MIB, text};

const SIZE: u64 = 16 * MIB;

impl Cluster {
    /// Has `ceph` say how much room the pool has: in this cluster nobody gathers figures.
    fn tell_room(&mut self, max_avail: u64, quota: u64, stored: u64) {
        let figures = format!(
            r#"{{"stats":{{"total_bytes":1099511627776,"total_avail_bytes":{max_avail}}},"pools":[{{"name":"{POOL}","id":2,
            "stats":{{"stored":{stored},"objects":5,"max_avail":{max_avail},"quota_objects":0,"quota_bytes":{quota}}}}}]}}"#
        );
        let body = format!("cat <<END\n{figures}\nEND");
        let real = self.site.host.tools.ceph.clone();
        self.site.host.tools.ceph = self.site.script(text(&real), &body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_without_room_for_a_backup_is_refused_before_the_volume_changes() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    // Four MiB of data, in four objects that they fill in part.
    let volume = cluster.filled_volume(SIZE).await;
    let kept = cluster.digest(&volume);
    let backup = cluster.take_backup(&volume).await;
    let work = in_place(&volume, from_backup(&backup));
    // What it has itself is written over.
    cluster.tell_room(0, 0, 0);
    cluster.site.complete(work.clone()).await;
    // What it shares with a snapshot is not.
    let (_, take) = snapshot_work(&volume);
    cluster.site.complete(take).await;
    let before = cluster.digest(&volume);
    for (max_avail, quota, stored) in [(MIB, 0, 0), (64 * MIB, 8 * MIB, 7 * MIB)] {
        cluster.tell_room(max_avail, quota, stored);
        let (failure, touched) = cluster.site.fail(work.clone()).await;
        assert!(failure.message.contains("full"), "{failure}");
        assert!(!touched);
        assert_eq!(cluster.digest(&volume), before);
        assert_eq!(cluster.images(), [volume.id.to_string()]);
    }
    cluster.scribble(&volume, 7, 0, SIZE);
    cluster.tell_room(64 * MIB, 0, 0);
    cluster.site.complete(work.clone()).await;
    // Nor is anything known where nobody tells it.
    cluster.site.host.tools.ceph = "/nowhere/ceph".into();
    cluster.site.complete(work).await;
    assert_eq!(cluster.digest(&volume), kept);
    cluster.assert_clean();
}
