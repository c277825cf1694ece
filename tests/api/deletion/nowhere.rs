//! Deletions of what failed before anything of it was made: they need no agent.

use entity::operation::OperationStatus;
use serde_json::{Value, json};

use super::{Subject, failed};
use crate::harness::{Tenant, World, id, on, on_each_database};

/// By what something is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Making {
    Snapshot,
    Backup,
    Volume,
    VolumeOfSnapshot,
    VolumeOfBackup,
}

impl Making {
    const ALL: [Self; 5] = [
        Self::Snapshot,
        Self::Backup,
        Self::Volume,
        Self::VolumeOfSnapshot,
        Self::VolumeOfBackup,
    ];

    /// What was asked for.
    async fn ask(self, world: &World, alice: &Tenant) -> Subject {
        let volume = world.volume(alice, |_| {}).await;
        let named = |name: &str| json!({ "volumeId": volume.id.to_string(), "name": name });
        let (mutation, input) = match self {
            Self::Snapshot => ("createSnapshot", named("snapshot")),
            Self::Backup => ("createBackup", named("backup")),
            Self::Volume => ("createVolume", world.new_volume("volume")),
            Self::VolumeOfSnapshot => {
                let id = world.snapshot(&volume, |_| {}).await.id;
                let source = on("snapshotId", id);
                let input = json!({ "source": source, "name": "volume" });
                ("restoreToNewVolume", input)
            }
            Self::VolumeOfBackup => {
                let id = world.backup(&volume, |_| {}).await.id;
                let source = on("backupId", id);
                let input = json!({ "source": source, "name": "volume" });
                ("restoreToNewVolume", input)
            }
        };
        let payload = world.run(&alice.requester, mutation, input).await;
        match self {
            Self::Snapshot => Subject::Snapshot(id(&payload["snapshot"])),
            Self::Backup => Subject::Backup(id(&payload["backup"])),
            _ => Subject::Volume(id(&payload["volume"])),
        }
    }

    /// What an agent says that it did not begin.
    async fn refused(self, world: &World, alice: &Tenant) -> Subject {
        let subject = self.ask(world, alice).await;
        let agent = world.worker();
        assert!(agent.finish(&agent.claim_one().await, not_begun()).await);
        assert!(subject.state(world).await.is_failed, "{self:?}");
        subject
    }

    /// What no agent has ever taken.
    async fn never_taken(self, world: &World, alice: &Tenant) -> Subject {
        let subject = self.ask(world, alice).await;
        world.wait_seconds(7200);
        world.clean_up().await;
        assert!(subject.state(world).await.is_failed, "{self:?}");
        subject
    }

    /// What an agent may have begun.
    async fn broken_off(self, world: &World, alice: &Tenant) -> Subject {
        let subject = self.ask(world, alice).await;
        let agent = world.worker();
        assert!(agent.fail(&agent.claim_one().await, false).await);
        subject
    }
}

fn not_begun() -> Value {
    let mut outcome = failed(None);
    outcome["failed"]["begun"] = json!(false);
    outcome
}

#[tokio::test]
async fn what_failed_before_anything_of_it_was_made_is_deleted_at_once() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        for making in Making::ALL {
            for subject in [
                making.refused(&world, &alice).await,
                making.never_taken(&world, &alice).await,
            ] {
                let operation = subject.delete(&world, &alice).await;
                assert_eq!(operation["status"], "COMPLETED", "{making:?}");
                assert!(subject.state(&world).await.is_gone);
            }
            assert!(world.worker().claim().await.is_empty());
            let locked = world.count("volumes WHERE active_operation_id IS NOT NULL");
            assert_eq!(locked.await, 0);
        }
    })
    .await;
}

#[tokio::test]
async fn what_may_have_been_begun_is_deleted_by_an_agent() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let agent = world.worker();
        for making in Making::ALL {
            let plainly = making.broken_off(&world, &alice).await;
            // An attempt before it may have begun.
            let later = making.ask(&world, &alice).await;
            agent.claim_one().await;
            agent.hello().await;
            assert!(agent.finish(&agent.claim_one().await, not_begun()).await);
            for subject in [plainly, later] {
                let operation = subject.delete(&world, &alice).await;
                assert_eq!(operation["status"], "PENDING", "{making:?}");
                assert!(agent.complete(&agent.claim_one().await).await);
                assert!(subject.state(&world).await.is_gone);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn where_no_agent_is_needed_it_does_not_matter_what_agents_can_do_nor_how_many_deletes_wait()
{
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let mut nowhere = Vec::new();
        let mut somewhere = Vec::new();
        for making in [Making::Snapshot, Making::Backup, Making::Volume] {
            nowhere.push(making.refused(&world, &alice).await);
            somewhere.push(making.broken_off(&world, &alice).await);
        }
        for number in 0..20 {
            let input = world.new_volume(&format!("volume-{number}"));
            world.run(&alice.requester, "createVolume", input).await;
        }
        for subject in somewhere {
            let code = subject.refused(&world, &alice).await;
            assert_eq!(code, "TOO_MANY_WAITING", "{subject:?}");
        }
        world
            .by_hand("UPDATE hypervisors SET can_snapshot = FALSE, can_backup = FALSE")
            .await;
        for subject in nowhere {
            let operation = subject.delete(&world, &alice).await;
            assert_eq!(operation["status"], "COMPLETED", "{subject:?}");
            assert!(subject.state(&world).await.is_gone);
        }
    })
    .await;
}

#[tokio::test]
async fn what_may_have_been_begun_by_an_agent_that_is_gone_waits_for_it_or_is_written_off() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        for making in [Making::Snapshot, Making::Backup, Making::Volume] {
            let subject = making.broken_off(&world, &alice).await;
            world.wait_seconds(3600);
            let operation = subject.delete(&world, &alice).await;
            assert_eq!(operation["status"], "PENDING", "{making:?}");
            let (field, id_of_it, name) = subject.named();
            let input = json!({
                "target": on(field, id_of_it), "confirmName": name, "reason": "Its host burnt down.",
            });
            world.run(&admin, "writeOff", input).await;
            assert!(subject.state(&world).await.is_gone);
            let row = world.operation_row(id(&operation)).await;
            assert_eq!(row.status, OperationStatus::Failed);
        }
    })
    .await;
}

/// Before it was kept whether anything is on storage, it was taken to be there.
#[tokio::test]
async fn of_what_failed_before_this_was_kept_it_is_known_whether_an_agent_ever_had_it() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let mut never_taken = Vec::new();
        let mut refused = Vec::new();
        for making in Making::ALL {
            never_taken.push(making.never_taken(&world, &alice).await);
            refused.push(making.refused(&world, &alice).await);
        }
        let waiting = Making::Volume.ask(&world, &alice).await;
        let whole = Subject::each(&world, &alice, false).await;
        for statement in [
            "UPDATE snapshots SET on_storage = TRUE",
            "UPDATE backups SET on_storage = TRUE",
            "ALTER TABLE volumes DROP COLUMN on_storage",
            "DELETE FROM seaql_migrations WHERE version = 'm20261130_000040_unbegun_volumes'",
        ] {
            world.by_hand(statement).await;
        }
        world.app.database.migrate().await.unwrap();
        for subject in never_taken {
            let operation = subject.delete(&world, &alice).await;
            assert_eq!(operation["status"], "COMPLETED", "{subject:?}");
        }
        // It waited meanwhile, and is made now.
        world.work().await;
        for subject in refused.into_iter().chain(whole).chain([waiting]) {
            let operation = subject.delete(&world, &alice).await;
            assert_eq!(operation["status"], "PENDING", "{subject:?}");
            world.work().await;
            assert!(subject.state(&world).await.is_gone, "{subject:?}");
        }
    })
    .await;
}
