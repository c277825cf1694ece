//! Random histories of items, plans and rates, billed as `oracle.py` bills them: it knows what the simulator saw, and no
//! span.

use std::collections::HashMap;

use chrono::TimeDelta;
use entity::{backup, instance, snapshot, snapshot::ItemStatus, volume};
use sea_orm::{EntityTrait, Set};
use serde_json::{Value, json};
use tidemark::domain::{
    Requester,
    billing::{report::Report, tick::tick},
};

use super::python;
use crate::harness::{GB, Tenant, Work, World, on_each_database};

const STEPS: usize = 150;

/// What a simulator saw.
#[derive(Default)]
struct History {
    last: HashMap<String, Value>,
    states: Vec<Value>,
    rates: Vec<Value>,
    measured: Vec<Value>,
}

impl History {
    /// Looks at everything, and notes what differs from when it looked last.
    async fn look(&mut self, world: &World) {
        let db = world.app.database.writes();
        let plans: HashMap<_, _> = volume::Entity::find()
            .all(db)
            .await
            .unwrap()
            .into_iter()
            .map(|volume| (volume.id, volume.plan_id.to_string()))
            .collect();
        for row in snapshot::Entity::find().all(db).await.unwrap() {
            let there = row.status == ItemStatus::Available && row.deleted_at.is_none();
            let plan = &plans[&row.volume_id];
            let state = json!({ "kind": "snapshot", "plan": plan, "bytes": row.retained_bytes, "billable": there,
                                "volume": row.volume_id.to_string() });
            self.note(world, row.id.to_string(), state);
        }
        for row in backup::Entity::find().all(db).await.unwrap() {
            let there = row.status == ItemStatus::Available && row.deleted_at.is_none();
            let sound = row.verified_ok != Some(false);
            let plan = row.plan_id.to_string();
            let state = json!({ "kind": "backup", "plan": plan, "bytes": row.volume_size_bytes,
                                "billable": there && sound });
            self.note(world, row.id.to_string(), state);
        }
        for row in instance::Entity::find().all(db).await.unwrap() {
            let runs = row.status == instance::InstanceStatus::Running;
            let rate = row.credits_per_hour.to_string();
            let state = json!({ "kind": "compute", "plan": null, "rate": rate, "bytes": 0, "billable": runs });
            self.note(world, row.id.to_string(), state);
        }
    }

    fn note(&mut self, world: &World, item: String, mut state: Value) {
        if self.last.get(&item) == Some(&state) {
            return;
        }
        self.last.insert(item.clone(), state.clone());
        state["item"] = item.into();
        state["at"] = world.now().timestamp_millis().into();
        self.states.push(state);
    }

    fn rate(&mut self, at: i64, plan: &str, kind: &str, rate: &str) {
        self.rates
            .push(json!({ "at": at, "plan": plan, "kind": kind, "rate": rate }));
    }
}

/// One step of somebody's work; what is refused is nothing.
async fn step(
    world: &World,
    (alice, admin): (&Tenant, &Requester),
    chance: &mut fastrand::Rng,
    history: &mut History,
    count: usize,
) {
    let db = world.app.database.writes();
    let volumes = volume::Entity::find().all(db).await.unwrap();
    let volume = chance.choice(&volumes).unwrap().clone();
    let on = json!({ "volumeId": volume.id.to_string() });
    let by = &alice.requester;
    let _ = match chance.usize(0..9) {
        0 | 1 => world.attempt(by, "createSnapshot", on).await,
        2 | 3 => world.attempt(by, "createBackup", on).await,
        4 => {
            let snapshots = snapshot::Entity::find().all(db).await.unwrap();
            let Some(snapshot) = chance.choice(&snapshots) else {
                return;
            };
            let input =
                json!({ "snapshotId": snapshot.id.to_string(), "confirmName": snapshot.name });
            world.attempt(by, "deleteSnapshot", input).await
        }
        5 => {
            let backups = backup::Entity::find().all(db).await.unwrap();
            let Some(backup) = chance.choice(&backups) else {
                return;
            };
            let id = backup.id.to_string();
            if chance.bool() {
                let input = json!({ "backupId": id, "confirmName": backup.name });
                world.attempt(by, "deleteBackup", input).await
            } else {
                let input = json!({ "source": { "backupId": id } });
                world.attempt(by, "restoreToNewVolume", input).await
            }
        }
        6 => {
            let plan = world.plan(|_| {}).await.id.to_string();
            history.rate(-1, &plan, "snapshot", "0.05");
            history.rate(-1, &plan, "backup", "0.02");
            let input = json!({ "volumeId": volume.id.to_string(), "planId": plan });
            world.attempt(admin, "moveVolumeToPlan", input).await
        }
        7 => {
            let (kind, field) = if chance.bool() {
                ("snapshot", "snapshotCreditValue")
            } else {
                ("backup", "backupCreditValue")
            };
            // No rate comes twice.
            let rate = format!(
                "{}.{:03}{count:06}1",
                chance.u32(0..100),
                chance.u32(0..1000)
            );
            let plan = volume.plan_id.to_string();
            let input = json!({ "planId": plan, field: rate });
            let changed = world.attempt(admin, "updateVolumePlan", input).await;
            if changed.is_ok() {
                history.rate(world.now().timestamp_millis(), &plan, kind, &rate);
            }
            changed
        }
        _ => {
            let instances = instance::Entity::find().all(db).await.unwrap();
            let instance = chance.choice(&instances).unwrap();
            let mutation = if chance.bool() {
                "startInstance"
            } else {
                "stopInstance"
            };
            let input = json!({ "instanceId": instance.id.to_string() });
            world.attempt(by, mutation, input).await
        }
    };
}

/// What the agent does: it measures, takes what waits, and ends some of what it has.
async fn work(
    world: &World,
    chance: &mut fastrand::Rng,
    held: &mut Vec<Work>,
    history: &mut History,
) {
    let agent = world.worker();
    let db = world.app.database.writes();
    for volume in agent.measurements().await {
        let snapshots = snapshot::Entity::find().all(db).await.unwrap();
        let of_it = snapshots
            .iter()
            .filter(|snapshot| snapshot.volume_id.to_string() == volume);
        let sizes: Vec<_> = of_it
            .map(|snapshot| (snapshot.id, chance.i64(0..50) * GB + chance.i64(0..3)))
            .collect();
        // At times what was measured does not get through.
        if chance.usize(0..8) > 0
            && agent
                .report_all_retained(volume.parse().unwrap(), &sizes)
                .await
        {
            let at = world.now().timestamp_millis();
            history.measured.push(json!({ "at": at, "volume": volume }));
        }
    }
    held.extend(agent.claim().await);
    for work in std::mem::take(held) {
        match chance.usize(0..6) {
            0 => held.push(work),
            1 => _ = agent.fail(&work, false).await,
            2 if work.kind.starts_with("RESTORE") => {
                let corrupt =
                    json!({ "code": "BACKUP_CORRUPT", "message": "No.", "volumeTouched": false });
                agent.finish(&work, json!({ "failed": corrupt })).await;
            }
            _ => _ = agent.complete(&work).await,
        }
    }
}

async fn by_the_oracle(question: &Value) -> Value {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/billing/oracle.py");
    let answer = python(&[program], question).await;
    serde_json::from_str(&answer).unwrap()
}

#[tokio::test]
async fn a_month_of_random_histories_costs_what_an_independent_calculation_says() {
    on_each_database(async |world| {
        let seed = 20_261_130;
        let mut chance = fastrand::Rng::with_seed(seed);
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let october = "2026-10-01T00:00:00Z"
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap();
        world.clock.advance(october - world.now());
        let mut history = History::default();
        let plan = world.platform.plan.id.to_string();
        history.rate(-1, &plan, "snapshot", "0.05");
        history.rate(-1, &plan, "backup", "0.02");
        for _ in 0..6 {
            world.volume(&alice, |_| {}).await;
        }
        for _ in 0..3 {
            world
                .instance(&alice, |row| {
                    row.status = Set(instance::InstanceStatus::Stopped);
                    row.credits_per_hour = Set("0.25".parse().unwrap());
                })
                .await;
        }
        let (other, mut held) = (world.other_gateway(), Vec::new());
        for count in 0..STEPS {
            if chance.usize(0..3) == 0 {
                world.to_next_hour();
            } else {
                world.wait_seconds(chance.i64(0..30_000));
            }
            let gateway = if chance.bool() { &world } else { &other };
            tick(&gateway.app).await.unwrap();
            step(gateway, (&alice, &admin), &mut chance, &mut history, count).await;
            history.look(&world).await;
            world.wait_seconds(chance.i64(0..400));
            work(gateway, &mut chance, &mut held, &mut history).await;
            history.look(&world).await;
        }
        world.clock.advance(TimeDelta::days(1));
        let november = "2026-11-01T00:00:00Z".parse().unwrap();
        let to = world.hour().min(november);
        let report = Report::of(&world.app, &alice.requester, (october, to), None)
            .await
            .unwrap();
        let part = report.lines(&world.app, 0, usize::MAX).await.unwrap();
        let mut lines: Vec<_> = part
            .lines
            .iter()
            .map(|line| {
                let plan = line
                    .plan_id
                    .map_or_else(String::new, |plan| plan.to_string());
                let byte_hours: i64 = line.byte_hours.to_string().parse().unwrap();
                (
                    line.resource_id.clone().unwrap(),
                    plan,
                    line.rate.unwrap().to_string(),
                    line.hours,
                    line.estimated_hours,
                    byte_hours,
                    line.credits.to_string(),
                )
            })
            .collect();
        lines.sort();
        let question = json!({
            "from": october.timestamp() / 3600, "to": to.timestamp() / 3600,
            "states": history.states, "rates": history.rates, "measured": history.measured,
        });
        let answer = by_the_oracle(&question).await;
        let expected = answer["lines"].as_array().unwrap();
        assert!(
            expected.len() > 50,
            "the history is too short: {}",
            expected.len()
        );
        assert_eq!(json!(lines), answer["lines"], "seed {seed}");
        assert_eq!(part.total.to_string(), answer["total"], "seed {seed}");
    })
    .await;
}
