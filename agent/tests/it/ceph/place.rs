//! Pools that are not the ones that are meant: of another cluster, made anew under the old name, or somebody else's.

use storage::{ObjectPath, PlaceKind, Standing};
use tidemark_agent::{
    driver::{Failure, Removed},
    operation::{Operation, Outcome, Pool, Report, RestoreSource, Volume, Work},
    report::Sighting,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Cluster, POOL, USER, backup_work, in_place, snapshot_work};
use crate::{
    place::mark,
    site::{MIB, within},
};

const SIZE: u64 = 16 * MIB;
const MARKER: &str = ".tidemark/owner.json";

impl Cluster {
    /// What became of an operation, and what the gateway hears of its places.
    async fn look(&self, work: Work) -> (Outcome, Vec<Sighting>) {
        let report = Report::default();
        let places = report.places.clone();
        let operation = Operation::new(Uuid::now_v7(), work, self.site.host.clone(), report);
        let outcome = within(operation.perform(&CancellationToken::new())).await;
        (outcome, places.take())
    }

    async fn refused(&self, work: Work) -> Failure {
        let (outcome, seen) = self.look(work).await;
        let Outcome::Failed {
            failure,
            volume_touched,
            ..
        } = outcome
        else {
            panic!("{outcome:?}")
        };
        assert!(!volume_touched);
        assert!(seen[0].problem.is_some(), "{seen:?}");
        failure
    }

    async fn proved(&self, work: Work) -> Vec<Sighting> {
        let (outcome, seen) = self.look(work).await;
        assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
        seen
    }

    fn objects(&self) -> String {
        self.ceph.rados(&["--pool", POOL, "ls"])
    }

    /// Makes the pool anew under its name.
    fn make_pool_anew(&self) {
        let really = "--yes-i-really-really-mean-it";
        let ceph = |words: &[&str]| self.ceph.ceph(&[&["osd", "pool"], words].concat());
        ceph(&["delete", POOL, POOL, really]);
        ceph(&["create", POOL, "4", "4"]);
        self.ceph.rbd(&["pool", "init", POOL]);
    }
}

fn known(volume: &Volume, standing: Standing) -> Volume {
    Volume {
        mark: Some(mark(PlaceKind::StoragePool, standing)),
        ..volume.clone()
    }
}

fn create(volume: &Volume) -> Work {
    Work::CreateVolume {
        volume: volume.clone(),
    }
}

fn delete(volume: &Volume) -> Work {
    Work::DeleteVolume {
        volume: volume.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_another_cluster_or_a_pool_that_was_made_anew_nothing_is_made_and_nothing_is_gone() {
    let (Some(cluster), Some(other)) = (Cluster::start().await, Cluster::start().await) else {
        return;
    };
    let new = known(&cluster.volume(SIZE), Standing::New);
    let seen = cluster.proved(create(&new)).await;
    assert!(seen[0].problem.is_none(), "{seen:?}");
    assert!(cluster.objects().contains(MARKER));
    assert!(cluster.objects().contains("rbd_trash"));
    let volume = known(&new, Standing::Marked);
    let (snapshot, take) = snapshot_work(&volume);
    assert_eq!(cluster.proved(take).await, []);
    let backup = cluster.backup_of(&volume);
    cluster.proved(backup_work(&volume, &backup)).await;
    let works = |volume: &Volume| {
        let another = Volume {
            id: Uuid::now_v7(),
            ..volume.clone()
        };
        let replacing = RestoreSource::BackupReplacing(Box::new(backup.clone()));
        [
            delete(volume),
            Work::DeleteSnapshot {
                volume: volume.clone(),
                snapshot: snapshot.clone(),
            },
            create(&another),
            in_place(volume, replacing),
            in_place(volume, RestoreSource::Snapshot(snapshot.clone())),
            backup_work(volume, &cluster.backup_of(volume)),
            Work::RestoreBackup {
                backup: backup.clone(),
                target: another,
            },
        ]
    };
    let refused_there = async |there: &Cluster, volume: &Volume| {
        for work in works(volume) {
            let failure = cluster.refused(work).await;
            let told = failure.to_string();
            assert!(
                failure.message.contains("another one than before"),
                "{told}"
            );
            assert!(told.contains("another cluster"), "{told}");
            assert_eq!(failure.removed, Some(Removed::Nothing));
        }
        assert_eq!(there.images(), [""; 0]);
        assert!(!there.objects().contains(MARKER));
    };
    let elsewhere = Volume {
        pool: Pool::CephRbd(other.pool.clone()),
        ..volume.clone()
    };
    refused_there(&other, &elsewhere).await;
    assert_eq!(cluster.images(), [volume.id.to_string()]);

    cluster.make_pool_anew();
    refused_there(&cluster, &volume).await;
    // It was meant: what lay in the former one is gone.
    let mut accepted = known(&volume, Standing::Accepted);
    let renewed = &mut accepted.mark.as_mut().unwrap().expected.marker;
    renewed.generation = 2;
    let seen = cluster.proved(delete(&accepted)).await;
    assert_eq!((seen[0].generation, &seen[0].problem), (2, &None));
    let failure = cluster.refused(delete(&volume)).await;
    assert!(failure.to_string().contains("generation 2"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_was_in_use_is_known_by_what_lies_there_on_a_full_cluster_too() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    // Others may keep images there.
    cluster.rbd(&["create"], "others", &["--size", "1M"]);
    let volume = cluster.filled_volume(SIZE).await;
    let last = cluster.filled_volume(SIZE).await;
    let new = known(&cluster.volume(SIZE), Standing::New);
    let failure = cluster.refused(create(&new)).await;
    assert!(failure.to_string().contains("is not empty"), "{failure}");

    let in_use = |volume: &Volume| {
        let mut volume = known(volume, Standing::New);
        let witnesses =
            [Uuid::now_v7(), last.id].map(|id| ObjectPath::new(id.to_string()).unwrap());
        volume.mark.as_mut().unwrap().expected.witnesses = witnesses.into();
        volume
    };
    cluster.rbd(&["create"], "other", &["--size", "1M"]);
    cluster.rbd(&["rm"], "other", &["--no-progress"]);
    cluster.fill().await;
    cluster.proved(delete(&in_use(&volume))).await;
    assert!(!cluster.objects().contains(MARKER), "there was no room");
    cluster.empty().await;
    let seen = cluster.proved(delete(&in_use(&last))).await;
    assert_eq!(seen.len(), 1);
    assert!(cluster.objects().contains(MARKER));

    // Another installation has nothing to do there, nor who may not look.
    let mut stranger = known(&last, Standing::New);
    let theirs = &mut stranger.mark.as_mut().unwrap().expected.marker;
    theirs.installation_id = Uuid::now_v7();
    let failure = cluster.refused(delete(&stranger)).await;
    assert!(
        failure.to_string().contains("another installation"),
        "{failure}"
    );
    let caps = ["mon", "profile rbd", "osd", "profile rbd pool=rbd"];
    let user = format!("client.{USER}");
    cluster
        .ceph
        .ceph(&[&["auth", "caps", user.as_str()], &caps[..]].concat());
    let failure = cluster
        .refused(delete(&known(&last, Standing::Marked)))
        .await;
    assert!(failure.message.contains("denies access"), "{failure}");
    assert_eq!(failure.removed, Some(Removed::Nothing));
    assert_eq!(cluster.images(), ["others"]);
}
