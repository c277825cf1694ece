//! Deletions that are refused, and those of which nobody knows how far they came.

mod late;
mod nowhere;

use entity::{
    BackupId, SnapshotId, VolumeId,
    operation::OperationStatus,
    snapshot::ItemStatus,
    volume::{self, VolumeState},
};
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::harness::{Tenant, Work, World, id, on_each_database};

/// What is deleted.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Snapshot(SnapshotId),
    Backup(BackupId),
    Volume(VolumeId),
}

/// What something is before and after a deletion: its status, and why it failed.
#[derive(Debug, PartialEq)]
struct State {
    is_failed: bool,
    is_deleting: bool,
    is_gone: bool,
    failure: Option<String>,
}

impl Subject {
    /// One of each, in a volume of its own, failed or available.
    async fn each(world: &World, alice: &Tenant, failed: bool) -> [Self; 3] {
        let volume = async || world.volume(alice, |_| {}).await;
        let (status, failure) = if failed {
            (ItemStatus::Failed, Some("broken".to_owned()))
        } else {
            (ItemStatus::Available, None)
        };
        let (of_snapshot, of_backup) = (volume().await, volume().await);
        let snapshot = world.snapshot(&of_snapshot, |row| {
            row.status = Set(status);
            row.failure = Set(failure.clone());
        });
        let snapshot = snapshot.await.id;
        let backup = world.backup(&of_backup, |row| {
            row.status = Set(status);
            row.failure = Set(failure.clone());
        });
        let backup = backup.await.id;
        let made: volume::Model = world
            .volume(alice, |row| {
                if failed {
                    row.state = Set(VolumeState::Failed);
                }
            })
            .await;
        [
            Self::Snapshot(snapshot),
            Self::Backup(backup),
            Self::Volume(made.id),
        ]
    }

    /// By which field it is named, its id, and its name.
    fn named(self) -> (&'static str, String, &'static str) {
        match self {
            Self::Snapshot(id) => ("snapshotId", id.to_string(), "snapshot"),
            Self::Backup(id) => ("backupId", id.to_string(), "backup"),
            Self::Volume(id) => ("volumeId", id.to_string(), "volume"),
        }
    }

    /// The mutation that deletes it, with its input.
    fn deletion(self) -> (&'static str, Value) {
        let mutation = match self {
            Self::Snapshot(_) => "deleteSnapshot",
            Self::Backup(_) => "deleteBackup",
            Self::Volume(_) => "deleteVolume",
        };
        let (field, id, name) = self.named();
        (mutation, json!({ field: id, "confirmName": name }))
    }

    async fn delete(self, world: &World, alice: &Tenant) -> Value {
        let (mutation, input) = self.deletion();
        let mut payload = world.run(&alice.requester, mutation, input).await;
        payload["operation"].take()
    }

    /// By which code its deletion is refused.
    async fn refused(self, world: &World, alice: &Tenant) -> String {
        let (mutation, input) = self.deletion();
        world.refusal(&alice.requester, mutation, input).await.0
    }

    async fn state(self, world: &World) -> State {
        match self {
            Self::Snapshot(id) => {
                let row = world.snapshot_row(id).await;
                State {
                    is_failed: row.status == ItemStatus::Failed,
                    is_deleting: row.status == ItemStatus::Deleting,
                    is_gone: row.deleted_at.is_some(),
                    failure: row.failure,
                }
            }
            Self::Backup(id) => {
                let row = world.backup_row(id).await;
                State {
                    is_failed: row.status == ItemStatus::Failed,
                    is_deleting: row.status == ItemStatus::Deleting,
                    is_gone: row.deleted_at.is_some(),
                    failure: row.failure,
                }
            }
            Self::Volume(id) => {
                let row = world.volume_row(id).await;
                State {
                    is_failed: row.state == VolumeState::Failed,
                    is_deleting: row.state == VolumeState::Deleting,
                    is_gone: row.deleted_at.is_some(),
                    failure: None,
                }
            }
        }
    }

    /// Deletes it once more, and for good.
    async fn assert_deletable(self, world: &World, alice: &Tenant) {
        self.delete(world, alice).await;
        assert!(self.state(world).await.is_deleting, "{self:?}");
        world.work().await;
        assert!(self.state(world).await.is_gone, "{self:?}");
    }
}

/// How an agent fails, by what it says that it removed.
fn failed(removed: Option<&str>) -> Value {
    let mut failed = json!({
        "code": "STORAGE_FAILED", "message": "Somebody holds it", "volumeTouched": false,
    });
    if let Some(removed) = removed {
        failed["removed"] = json!(removed);
    }
    json!({ "failed": failed })
}

#[tokio::test]
async fn a_refused_deletion_leaves_everything_as_it_was() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for was_failed in [false, true] {
            for subject in Subject::each(&world, &alice, was_failed).await {
                let before = subject.state(&world).await;
                assert_eq!(before.is_failed, was_failed);
                // It may be refused any number of times.
                for _ in 0..2 {
                    let operation = subject.delete(&world, &alice).await;
                    assert!(subject.state(&world).await.is_deleting, "{subject:?}");
                    let agent = world.worker();
                    let work = agent.claim_one().await;
                    assert!(agent.finish(&work, failed(Some("NOTHING"))).await);
                    assert_eq!(subject.state(&world).await, before, "{subject:?}");
                    let row = world.operation_row(id(&operation)).await;
                    assert_eq!(row.status, OperationStatus::Failed);
                    assert_eq!(row.error_code.as_deref(), Some("DELETE_REFUSED"));
                    let told = "Somebody holds it. Nothing was deleted.";
                    assert_eq!(row.error_message.as_deref(), Some(told));
                }
                subject.assert_deletable(&world, &alice).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_may_be_half_deleted_has_failed_and_can_be_deleted_again() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for removed in [Some("SOME"), Some("UNKNOWN"), None] {
            for subject in Subject::each(&world, &alice, false).await {
                let operation = subject.delete(&world, &alice).await;
                let agent = world.worker();
                let work = agent.claim_one().await;
                assert!(agent.finish(&work, failed(removed)).await);
                let row = world.operation_row(id(&operation)).await;
                assert_eq!(row.error_code.as_deref(), Some("STORAGE_FAILED"));
                let told = "Somebody holds it. Some of it may be gone: delete it again.";
                assert_eq!(row.error_message.as_deref(), Some(told));
                let after = subject.state(&world).await;
                assert!(after.is_failed, "{removed:?}: {subject:?}");
                if !matches!(subject, Subject::Volume(_)) {
                    assert_eq!(after.failure.as_deref(), Some(told));
                }
                subject.assert_deletable(&world, &alice).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_that_a_damaged_image_holds_has_failed_and_goes_with_its_volume() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let [subject, ..] = Subject::each(&world, &alice, false).await;
        let Subject::Snapshot(id_of_it) = subject else {
            panic!("{subject:?}")
        };
        let operation = subject.delete(&world, &alice).await;
        let agent = world.worker();
        let work = agent.claim_one().await;
        let mut outcome = failed(Some("NOTHING"));
        outcome["failed"]["code"] = json!("IMAGE_DAMAGED");
        outcome["failed"]["message"] = json!("QEMU has marked the image corrupt.");
        assert!(agent.finish(&work, outcome).await);
        let row = world.operation_row(id(&operation)).await;
        assert_eq!(row.error_code.as_deref(), Some("IMAGE_DAMAGED"));
        let told = row.error_message.unwrap();
        assert!(told.contains("It goes with its volume"), "{told}");
        let state = subject.state(&world).await;
        assert!(state.is_failed);
        assert_eq!(state.failure, Some(told));
        let volume = Subject::Volume(world.snapshot_row(id_of_it).await.volume_id);
        volume.assert_deletable(&world, &alice).await;
        assert!(subject.state(&world).await.is_gone);
    })
    .await;
}

/// Ends a deletion from outside after its agent began it.
type Ending =
    for<'a> fn(&'a World, &'a Requester, Work) -> futures_util::future::BoxFuture<'a, &'static str>;

const ENDINGS: [Ending; 3] = [
    |world, _, work| {
        Box::pin(async move {
            let agent = world.worker();
            agent.renew(&work).await;
            for _ in 1..=3 {
                world.wait_seconds(90);
                world.clean_up().await;
                for work in agent.claim().await {
                    agent.renew(&work).await;
                }
            }
            "AGENT_LOST"
        })
    },
    |world, _, _| {
        Box::pin(async move {
            world.wait_seconds(7200);
            world.clean_up().await;
            "TIMED_OUT"
        })
    },
    |world, admin, work| {
        Box::pin(async move {
            let input = json!({ "operationId": work.operation, "reason": "stuck" });
            world.run(admin, "failOperation", input).await;
            assert!(!world.worker().stop(&work, false).await);
            "FAILED_BY_ADMINISTRATOR"
        })
    },
];

#[tokio::test]
async fn a_deletion_that_was_ended_from_outside_has_failed_what_it_may_have_removed() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        for end in ENDINGS {
            for subject in Subject::each(&world, &alice, false).await {
                let operation = subject.delete(&world, &alice).await;
                let work = world.worker().claim_one().await;
                let code = end(&world, &admin, work).await;
                let row = world.operation_row(id(&operation)).await;
                assert_eq!(row.error_code.as_deref(), Some(code));
                let told = row.error_message.unwrap();
                let again = " Some of it may be gone: delete it again.";
                assert!(told.ends_with(again), "{told}");
                assert!(subject.state(&world).await.is_failed, "{code}: {subject:?}");
                subject.assert_deletable(&world, &alice).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_deletion_that_an_administrator_ends_before_any_agent_came_leaves_everything_as_it_was() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        for was_failed in [false, true] {
            for subject in Subject::each(&world, &alice, was_failed).await {
                let before = subject.state(&world).await;
                let operation = subject.delete(&world, &alice).await;
                let input = json!({ "operationId": operation["id"], "reason": "not now" });
                let payload = world.run(&admin, "failOperation", input).await;
                let told = &payload["operation"]["error"]["message"];
                assert_eq!(told, "Marked failed by an administrator: not now");
                assert_eq!(subject.state(&world).await, before, "{subject:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn of_a_deletion_that_is_refused_to_a_later_attempt_the_agent_has_the_last_word() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let [_, backup, _] = Subject::each(&world, &alice, false).await;
        backup.delete(&world, &alice).await;
        let agent = world.worker();
        agent.claim_one().await;
        agent.hello().await;
        let work = agent.claim_one().await;
        assert_eq!(work.epoch, 2);
        // It saw it whole.
        assert!(agent.finish(&work, failed(Some("NOTHING"))).await);
        assert!(!backup.state(&world).await.is_failed);
    })
    .await;
}
