//! Whatever happens in whatever order, the rules hold: random sequences of verbs, and after each of
//! them every invariant is checked against the database.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use entity::{
    operation::{self, OperationKind, OperationStatus},
    operation_event::{self, OperationEventKind},
    snapshot::{self, ItemStatus},
    volume,
};
use proptest::{
    prelude::*,
    sample::Index,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sea_orm::{EntityTrait, Iterable, QueryOrder, Set};
use serde_json::json;
use tidemark::domain::Requester;

use crate::harness::{Tenant, Work, World, on, on_each_database};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Verb {
    CreateSnapshot(Index),
    CreateBackup(Index),
    DeleteSnapshot(Index),
    DeleteBackup(Index),
    RestoreInPlace(Index),
    RestoreToNewVolume(Index),
    Claim,
    Complete(Index),
    Fail(Index),
    Stop(Index),
    Renew(Index),
    Cancel(Index),
    GiveUp(Index),
    AgentStarts,
    Clean,
    Wait(i64),
}

fn verbs() -> impl Strategy<Value = Vec<Verb>> {
    let index = any::<Index>;
    let verb = prop_oneof![
        4 => index().prop_map(Verb::CreateSnapshot),
        3 => index().prop_map(Verb::CreateBackup),
        2 => index().prop_map(Verb::DeleteSnapshot),
        2 => index().prop_map(Verb::DeleteBackup),
        2 => index().prop_map(Verb::RestoreInPlace),
        2 => index().prop_map(Verb::RestoreToNewVolume),
        6 => Just(Verb::Claim),
        5 => index().prop_map(Verb::Complete),
        2 => index().prop_map(Verb::Fail),
        2 => index().prop_map(Verb::Stop),
        1 => index().prop_map(Verb::Renew),
        2 => index().prop_map(Verb::Cancel),
        1 => index().prop_map(Verb::GiveUp),
        1 => Just(Verb::AgentStarts),
        2 => Just(Verb::Clean),
        3 => prop_oneof![Just(30), Just(95), Just(301), Just(7201), Just(-60)].prop_map(Verb::Wait),
    ];
    prop::collection::vec(verb, 60)
}

/// A fixed seed: a failure is repeated by running the test again.
fn sequences(count: usize) -> Vec<Vec<Verb>> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let draw = |_| verbs().new_tree(&mut runner).unwrap().current();
    (0..count).map(draw).collect()
}

#[tokio::test]
async fn the_invariants_hold_whatever_happens_in_whatever_order() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        for (number, verbs) in sequences(6).into_iter().enumerate() {
            let plan = world.plan(|row| row.max_snapshots = Set(2)).await;
            let tenant = world.tenant(&format!("tenant{number}")).await;
            for _ in 0..4 {
                world
                    .volume(&tenant, |row| row.plan_id = Set(plan.id))
                    .await;
            }
            let mut game = Play {
                world: &world,
                tenant: &tenant,
                admin: &admin,
                held: Vec::new(),
            };
            for (step, verb) in verbs.iter().enumerate() {
                game.perform(verb).await;
                game.check(&format!("sequence {number}, step {step}: {verb:?}"))
                    .await;
            }
            // In the end everything comes to rest.
            for _ in 0..4 {
                world.clock.advance(TimeDelta::seconds(7201));
                world.clean_up().await;
            }
            game.check(&format!("sequence {number}, at rest")).await;
            assert!(
                game.volumes()
                    .await
                    .iter()
                    .all(|row| row.active_operation_id.is_none())
            );
        }
        world.settle().await;
        let db = world.app.database.writes();
        let events = operation_event::Entity::find().all(db).await.unwrap();
        for kind in
            OperationEventKind::iter().filter(|kind| *kind != OperationEventKind::Progressed)
        {
            let seen = events.iter().any(|event| event.kind == kind);
            assert!(seen, "no sequence led to {kind:?}: they prove too little");
        }
    })
    .await;
}

struct Play<'a> {
    world: &'a World,
    tenant: &'a Tenant,
    admin: &'a Requester,
    /// All that the agent ever claimed: it may speak of what is long lost.
    held: Vec<Work>,
}

impl Play<'_> {
    /// Does it, or is refused: both are right, as long as the invariants hold.
    async fn perform(&mut self, verb: &Verb) {
        let world = self.world;
        let agent = world.worker();
        match verb {
            Verb::CreateSnapshot(index) => {
                self.ask("createSnapshot", self.on_volume(*index).await)
                    .await;
            }
            Verb::CreateBackup(index) => {
                self.ask("createBackup", self.on_volume(*index).await).await;
            }
            Verb::DeleteSnapshot(index) => {
                if let Some(row) = pick(&self.snapshots().await, *index) {
                    let input =
                        json!({ "snapshotId": row.id.to_string(), "confirmName": row.name });
                    self.ask("deleteSnapshot", input).await;
                }
            }
            Verb::DeleteBackup(index) => {
                if let Some(row) = pick(&self.backups().await, *index) {
                    let input = json!({ "backupId": row.id.to_string(), "confirmName": row.name });
                    self.ask("deleteBackup", input).await;
                }
            }
            Verb::RestoreInPlace(index) => {
                if let Some(row) = pick(&self.snapshots().await, *index) {
                    let input = json!({
                        "volumeId": row.volume_id.to_string(),
                        "source": { "snapshotId": row.id.to_string() },
                        "confirmName": world.volume_row(row.volume_id).await.name,
                    });
                    self.ask("restoreInPlace", input).await;
                }
            }
            Verb::RestoreToNewVolume(index) => {
                if let Some(row) = pick(&self.backups().await, *index) {
                    let input = json!({ "source": { "backupId": row.id.to_string() } });
                    self.ask("restoreToNewVolume", input).await;
                }
            }
            Verb::Claim => self.held.extend(agent.claim_up_to(1).await),
            Verb::Complete(index) => {
                if let Some(work) = pick(&self.held, *index) {
                    agent.complete(&work).await;
                }
            }
            Verb::Fail(index) => {
                if let Some(work) = pick(&self.held, *index) {
                    agent.fail(&work, true).await;
                }
            }
            Verb::Stop(index) => {
                if let Some(work) = pick(&self.held, *index) {
                    agent.stop(&work, false).await;
                }
            }
            Verb::Renew(index) => {
                if let Some(work) = pick(&self.held, *index) {
                    agent.renew(&work).await;
                }
            }
            Verb::Cancel(index) => {
                if let Some(row) = pick(&self.operations().await, *index) {
                    self.ask("cancelOperation", on("operationId", row.id)).await;
                }
            }
            Verb::GiveUp(index) => {
                if let Some(row) = pick(&self.operations().await, *index) {
                    let input = json!({ "operationId": row.id.to_string(), "reason": "enough" });
                    let _ = world.attempt(self.admin, "failOperation", input).await;
                }
            }
            Verb::AgentStarts => agent.hello().await,
            Verb::Clean => drop(world.clean_up().await),
            Verb::Wait(seconds) => world.wait_seconds(*seconds),
        }
    }

    async fn ask(&self, mutation: &str, input: serde_json::Value) {
        let answer = self
            .world
            .attempt(&self.tenant.requester, mutation, input)
            .await;
        if let Err(error) = answer {
            assert_ne!(
                error["extensions"]["code"], "INTERNAL",
                "{mutation}: {error:#}"
            );
        }
    }

    async fn on_volume(&self, index: Index) -> serde_json::Value {
        let volumes = self.volumes().await;
        on("volumeId", index.get(&volumes).id)
    }

    async fn check(&self, when: &str) {
        let volumes = self.volumes().await;
        let operations: HashMap<_, _> = self
            .operations()
            .await
            .into_iter()
            .map(|row| (row.id, row))
            .collect();
        let in_flight = |row: &&operation::Model| {
            matches!(
                row.status,
                OperationStatus::Pending | OperationStatus::Started
            )
        };

        // A lock belongs to an operation in flight, or to one whose agent may still be working.
        let mut locks = HashSet::new();
        for volume in &volumes {
            assert_eq!(
                volume.active_operation.is_some(),
                volume.active_operation_id.is_some(),
                "{when}"
            );
            let Some(id) = volume.active_operation_id else {
                continue;
            };
            let holder = &operations[&id];
            assert_eq!(Some(holder.kind), volume.active_operation, "{when}");
            let alive = in_flight(&holder) || holder.lease_expires_at.is_some();
            assert!(alive, "{when}: {id} has ended and holds a lock");
            locks.insert((volume.id, id));
        }
        // And what is in flight holds the locks that it needs.
        for row in operations.values().filter(in_flight) {
            let needs_source = row.kind != OperationKind::DeleteBackup
                && (row.kind != OperationKind::RestoreToNewVolume || row.snapshot_id.is_some());
            let needed = needs_source
                .then_some(row.volume_id)
                .into_iter()
                .chain(row.target_volume_id);
            for volume in needed {
                assert!(
                    locks.contains(&(volume, row.id)),
                    "{when}: {row:?} lacks a lock"
                );
            }
            assert_eq!(
                row.status == OperationStatus::Started,
                row.lease_expires_at.is_some(),
                "{when}"
            );
        }

        // Limits are never passed.
        let protecting = operations.values().filter(in_flight).filter(|row| {
            use OperationKind::{CreateBackup, CreateSnapshot, RestoreInPlace, RestoreToNewVolume};
            matches!(
                row.kind,
                CreateSnapshot | CreateBackup | RestoreInPlace | RestoreToNewVolume
            )
        });
        assert!(protecting.count() <= 3, "{when}: too many in flight");
        let mut counts: HashMap<_, usize> = HashMap::new();
        for row in self.snapshots().await {
            if row.status != ItemStatus::Failed {
                *counts.entry(row.volume_id).or_default() += 1;
            }
            let works = operations
                .get(&row.operation_id)
                .is_some_and(|row| in_flight(&row));
            let moves = matches!(
                row.status,
                ItemStatus::Pending
                    | ItemStatus::Creating
                    | ItemStatus::Restoring
                    | ItemStatus::Deleting
            );
            assert_eq!(moves, works, "{when}: {row:?}");
        }
        assert!(
            counts.values().all(|count| *count <= 2),
            "{when}: a cap is passed"
        );

        // The timeline has no gaps, and every operation ends once, as its row says.
        self.world.settle().await;
        let events = operation_event::Entity::find()
            .order_by_asc(operation_event::Column::Seq)
            .all(self.world.app.database.writes())
            .await
            .unwrap();
        for (event, number) in events.iter().zip(1..) {
            assert_eq!(event.seq, number, "{when}");
        }
        let mut ends: HashMap<_, Vec<_>> = HashMap::new();
        for event in &events {
            use OperationEventKind::{Cancelled, Completed, Failed};
            if matches!(event.kind, Completed | Failed | Cancelled) {
                ends.entry(event.operation_id).or_default().push(event.kind);
            }
        }
        for row in operations.values() {
            let expected = match row.status {
                OperationStatus::Pending | OperationStatus::Started => vec![],
                OperationStatus::Completed => vec![OperationEventKind::Completed],
                OperationStatus::Failed => vec![OperationEventKind::Failed],
                OperationStatus::Cancelled => vec![OperationEventKind::Cancelled],
            };
            let there = ends.get(&row.id).cloned().unwrap_or_default();
            assert_eq!(there, expected, "{when}: {row:?}");
            assert_eq!(row.finished_at.is_some(), !expected.is_empty(), "{when}");
        }
    }

    async fn volumes(&self) -> Vec<volume::Model> {
        let mut rows = volume::Entity::find()
            .order_by_asc(volume::Column::Id)
            .all(self.world.app.database.writes())
            .await
            .unwrap();
        rows.retain(|row| row.account_id == self.tenant.account.id);
        rows
    }

    async fn snapshots(&self) -> Vec<snapshot::Model> {
        let mut rows = snapshot::Entity::find()
            .order_by_asc(snapshot::Column::Id)
            .all(self.world.app.database.writes())
            .await
            .unwrap();
        rows.retain(|row| row.account_id == self.tenant.account.id && row.deleted_at.is_none());
        rows
    }

    async fn backups(&self) -> Vec<entity::backup::Model> {
        let mut rows = entity::backup::Entity::find()
            .order_by_asc(entity::backup::Column::Id)
            .all(self.world.app.database.writes())
            .await
            .unwrap();
        rows.retain(|row| row.account_id == self.tenant.account.id && row.deleted_at.is_none());
        rows
    }

    async fn operations(&self) -> Vec<operation::Model> {
        let mut rows = operation::Entity::find()
            .order_by_asc(operation::Column::Id)
            .all(self.world.app.database.writes())
            .await
            .unwrap();
        rows.retain(|row| row.account_id == self.tenant.account.id);
        rows
    }
}

fn pick<T: Clone>(rows: &[T], index: Index) -> Option<T> {
    (!rows.is_empty()).then(|| index.get(rows).clone())
}
