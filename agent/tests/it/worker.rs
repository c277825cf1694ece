//! Claims, leases and reports, against a gateway that is a table in memory.

mod errand;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use storage::{
    Local,
    fault::{Fault, Faulty},
};
use tidemark_agent::{
    driver::{Code, Failure, Removed},
    link::{Assignment, Lease, LeaseState, Link},
    operation::{Image, Outcome, Work},
    work::Worker,
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    fake_gateway::{FakeGateway, LEASE, Table},
    site::{MIB, Site, within},
};

struct Scene {
    site: Site,
    gateway: Arc<FakeGateway>,
    shutdown: CancellationToken,
    worker: JoinHandle<()>,
}

impl Scene {
    async fn new(site: Site, concurrency: usize) -> Self {
        let gateway = Arc::new(FakeGateway(watch::Sender::new(Table::default())));
        let shutdown = CancellationToken::new();
        let welcome = gateway.hello().await.unwrap();
        let link: Arc<dyn Link> = gateway.clone();
        let worker = Worker::new(
            link,
            site.host.clone(),
            welcome,
            concurrency,
            shutdown.clone(),
        );
        let worker = tokio::spawn(worker.run());
        Self {
            site,
            gateway,
            shutdown,
            worker,
        }
    }

    /// One whose backups never end, and a volume to try it on.
    async fn hanging(concurrency: usize) -> (Self, Work) {
        let mut site = Site::new();
        let volume = site.filled_volume(32 * MIB).await;
        let local = Arc::new(Local::new(site.path("backups")));
        site.use_store(Arc::new(Faulty::new(local, Fault::Hangs)));
        let backup = site.backup_of(&volume);
        (
            Self::new(site, concurrency).await,
            Work::CreateBackup { volume, backup },
        )
    }

    async fn end(self) {
        self.shutdown.cancel();
        within(self.worker).await.unwrap();
        self.site.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_claimed_is_done_and_finished() {
    let scene = Scene::new(Site::new(), 4).await;
    let volume = scene.site.volume(32 * MIB);
    let lease = scene.gateway.offer(Work::CreateVolume {
        volume: volume.clone(),
    });
    let outcome = scene.gateway.finished(lease).await;
    assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
    assert!(scene.site.image(&volume).is_file());
    let told = scene
        .gateway
        .0
        .borrow()
        .log
        .iter()
        .any(|entry| entry.public);
    assert!(told, "the log is there before the end");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_this_agent_does_not_know_fails_and_says_why() {
    let scene = Scene::new(Site::new(), 4).await;
    let lease = Lease {
        operation_id: Uuid::now_v7(),
        epoch: 1,
    };
    let failure = Failure::new(Code::AgentOutdated, "unknown");
    let work = Err(failure.clone());
    let assignment = Assignment {
        lease,
        lease_time: LEASE,
        work,
    };
    scene.gateway.change(|table| table.pending.push(assignment));
    let outcome = scene.gateway.finished(lease).await;
    assert_eq!(
        outcome,
        Outcome::Failed {
            failure: failure.having_removed(Removed::Nothing).before_change(),
            volume_touched: false,
            image: Image::Kept,
        }
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_claimed_than_can_be_worked_on() {
    let (scene, work) = Scene::hanging(1).await;
    let first = scene.gateway.offer(work);
    scene.gateway.started(first).await;
    let second = scene.gateway.offer(Work::CreateVolume {
        volume: scene.site.volume(MIB),
    });
    scene.gateway.change(|table| {
        assert_eq!(table.claimed, [first]);
        table.states.insert(first, LeaseState::Cancel);
    });
    assert!(matches!(
        scene.gateway.finished(second).await,
        Outcome::Completed(_)
    ));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_or_lost_operation_stops_and_says_so() {
    for state in [LeaseState::Cancel, LeaseState::Lost] {
        let (scene, work) = Scene::hanging(4).await;
        let lease = scene.gateway.offer(work);
        scene.gateway.started(lease).await;
        let asked_at = Instant::now();
        scene
            .gateway
            .change(|table| table.states.insert(lease, state));
        let outcome = scene.gateway.finished(lease).await;
        assert!(
            asked_at.elapsed() < Duration::from_secs(3),
            "{:?}",
            asked_at.elapsed()
        );
        assert_eq!(
            outcome,
            Outcome::Stopped {
                volume_touched: false
            }
        );
        scene.site.assert_clean();
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_stops_before_its_lease_ends_unrenewed() {
    let (scene, work) = Scene::hanging(4).await;
    let volume = work.volumes().next().unwrap().id;
    let lease = scene.gateway.offer(work);
    scene.gateway.started(lease).await;
    scene.gateway.change(|table| table.unreachable = true);
    let cut_at = Instant::now();
    // What the agent does about it is to be seen on its host only.
    drop(within(scene.site.host.locks.volumes.lock(volume)).await);
    let took = cut_at.elapsed();
    assert!(took < LEASE, "the lease was over: {took:?}");
    assert!(
        took > LEASE / 2,
        "a lease is not given up at once: {took:?}"
    );
    scene.gateway.change(|table| table.unreachable = false);
    let outcome = scene.gateway.finished(lease).await;
    assert_eq!(
        outcome,
        Outcome::Stopped {
            volume_touched: false
        }
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn renewed_leases_outlast_their_first_end() {
    let (scene, work) = Scene::hanging(4).await;
    let lease = scene.gateway.offer(work);
    scene.gateway.started(lease).await;
    let mut volumes = 0;
    let until = Instant::now() + LEASE + LEASE / 4;
    // Other work goes on beside it for longer than the lease was given.
    while Instant::now() < until {
        let volume = scene.site.volume(MIB);
        let other = scene.gateway.offer(Work::CreateVolume { volume });
        scene.gateway.finished(other).await;
        volumes += 1;
    }
    assert!(volumes > 1);
    assert!(
        !scene
            .gateway
            .0
            .borrow()
            .finished
            .iter()
            .any(|(finished, _)| *finished == lease)
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_is_reported_until_the_gateway_answers() {
    let scene = Scene::new(Site::new(), 4).await;
    scene.gateway.change(|table| table.finish_failures = 3);
    let lease = scene.gateway.offer(Work::CreateVolume {
        volume: scene.site.volume(MIB),
    });
    assert!(matches!(
        scene.gateway.finished(lease).await,
        Outcome::Completed(_)
    ));
    assert_eq!(scene.gateway.0.borrow().finish_failures, 0);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_is_being_reported_when_the_agent_is_stopped_still_arrives() {
    let scene = Scene::new(Site::new(), 4).await;
    scene
        .gateway
        .change(|table| table.finish_failures = u32::MAX);
    let volume = scene.site.volume(32 * MIB);
    let lease = scene.gateway.offer(Work::CreateVolume { volume });
    scene
        .gateway
        .wait_for(|table| table.finish_failures < u32::MAX)
        .await;
    scene.shutdown.cancel();
    scene.gateway.change(|table| table.finish_failures = 0);
    let outcome = scene.gateway.finished(lease).await;
    assert!(matches!(outcome, Outcome::Completed(_)), "{outcome:?}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_says_what_it_holds_when_it_asks_for_more() {
    let (scene, work) = Scene::hanging(4).await;
    let lease = scene.gateway.offer(work);
    scene.gateway.started(lease).await;
    let holds = |table: &Table| table.holding == [lease];
    scene.gateway.wait_for(holds).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_attempt_waits_until_the_old_one_has_stopped() {
    let (scene, work) = Scene::hanging(4).await;
    let old = scene.gateway.offer(work.clone());
    scene.gateway.started(old).await;
    let new = Lease { epoch: 2, ..old };
    scene.gateway.offer_again(new, work);
    let outcome = scene.gateway.finished(old).await;
    assert_eq!(
        outcome,
        Outcome::Stopped {
            volume_touched: false
        }
    );
    scene
        .gateway
        .change(|table| table.states.insert(new, LeaseState::Cancel));
    let outcome = scene.gateway.finished(new).await;
    assert_eq!(
        outcome,
        Outcome::Stopped {
            volume_touched: false
        }
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_stops_the_work_and_says_so() {
    let (scene, work) = Scene::hanging(4).await;
    let lease = scene.gateway.offer(work);
    scene.gateway.started(lease).await;
    let gateway = Arc::clone(&scene.gateway);
    scene.end().await;
    assert_eq!(
        gateway.finished(lease).await,
        Outcome::Stopped {
            volume_touched: false
        },
        "the next start takes it up again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_watches_only_phases_and_ends_are_reported_at_once() {
    let site = Site::new();
    let volume = site.filled_volume(256 * MIB).await;
    let backup = site.backup_of(&volume);
    let scene = Scene::new(site, 4).await;
    scene.gateway.change(|table| table.nobody_watches = true);
    let lease = scene.gateway.offer(Work::CreateBackup { volume, backup });
    assert!(matches!(
        scene.gateway.finished(lease).await,
        Outcome::Completed(_)
    ));
    let table = scene.gateway.0.borrow();
    let told: Vec<_> = table.progress.iter().collect();
    let (_, last) = told.last().unwrap();
    assert_eq!(last.bytes_done, last.bytes_total);
    let mut hurried = 0;
    for pair in told[..told.len() - 1].windows(2) {
        let [(at, before), (next_at, after)] = pair else {
            continue;
        };
        let is_seldom = *next_at - *at > Duration::from_secs(4);
        hurried += usize::from(before.phase == after.phase && !is_seldom);
    }
    // What is logged is sent at once, and progress with it.
    assert!(hurried <= table.log.len(), "{told:?}");
    drop(table);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_reported_at_most_four_times_a_second() {
    let site = Site::new();
    let volume = site.filled_volume(256 * MIB).await;
    let backup = site.backup_of(&volume);
    let scene = Scene::new(site, 4).await;
    let lease = scene.gateway.offer(Work::CreateBackup { volume, backup });
    assert!(matches!(
        scene.gateway.finished(lease).await,
        Outcome::Completed(_)
    ));
    let table = scene.gateway.0.borrow();
    let mut reports = table.progress.iter().peekable();
    let mut close = 0;
    while let (Some((at, before)), Some((next_at, after))) = (reports.next(), reports.peek()) {
        assert!(before.bytes_done <= after.bytes_done);
        close += usize::from(*next_at - *at < Duration::from_millis(240));
    }
    // The last words may follow closely.
    assert!(
        close <= 1,
        "{close} reports of {} were too close",
        table.progress.len()
    );
    let (_, last) = table.progress.last().unwrap();
    assert_eq!(last.bytes_done, last.bytes_total);
    drop(table);
    scene.end().await;
}
