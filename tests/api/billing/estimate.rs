//! Hours that are billed by a size that had not been measured for too long.

use chrono::TimeDelta;
use entity::{VolumeId, billing_gap};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use tidemark::domain::billing::tick::tick;

use crate::harness::{GB, Tenant, World, on_each_database};

impl World {
    async fn gaps(&self) -> Vec<(i64, i64)> {
        let gaps = billing_gap::Entity::find()
            .all(self.app.database.writes())
            .await
            .unwrap();
        let hour = self.hour().timestamp() / 3600;
        let relative = |gap: billing_gap::Model| (gap.from_hour - hour, gap.to_hour - hour);
        // The time before anything was measured at all.
        let old = |gap: &(i64, i64)| gap.0 > -1000;
        gaps.into_iter().map(relative).filter(old).collect()
    }

    /// Hours and estimated hours of the last so many hours, line by line.
    async fn estimated(&self, tenant: &Tenant, hours: i64) -> Value {
        let to = self.hour() + TimeDelta::hours(1);
        let report = self.usage(tenant, to - TimeDelta::hours(hours), to).await;
        let lines = report["lines"]["nodes"].as_array().unwrap().iter();
        lines
            .map(|line| json!([line["kind"], line["hours"], line["estimatedHours"]]))
            .collect()
    }

    async fn measure(&self, volume: VolumeId, snapshot: &str, bytes: i64) {
        let agent = self.worker();
        assert_eq!(agent.measurements().await, [volume.to_string()]);
        let snapshot = snapshot.parse().unwrap();
        assert!(agent.report_retained(volume, snapshot, bytes).await);
    }
}

#[tokio::test]
async fn an_hour_is_estimated_if_the_last_measurement_is_older_than_two_hours_at_its_first_instant()
{
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        world.to_next_hour();
        let snapshot = world.snapped(&alice, volume.id, GB).await;
        // At the stroke of the second hour the measurement is two hours old, and not older.
        for _ in 0..2 {
            world.to_next_hour();
        }
        assert_eq!(
            world.estimated(&alice, 24).await,
            json!([["SNAPSHOT", 3, 0]])
        );
        world.to_next_hour();
        world.to_next_hour();
        assert_eq!(world.gaps().await, []);
        assert_eq!(
            world.estimated(&alice, 24).await,
            json!([["SNAPSHOT", 5, 2]])
        );
        // What was estimated and is closed stays so, whatever is measured afterwards.
        world.wait_seconds(600);
        assert!(tick(&world.app).await.unwrap());
        world.measure(volume.id, &snapshot, 2 * GB).await;
        assert_eq!(world.gaps().await, [(-1, 1)]);
        assert_eq!(
            world.estimated(&alice, 24).await,
            json!([["SNAPSHOT", 5, 2]])
        );
        // Nothing is missing between measurements that come in time.
        for _ in 0..3 {
            world.to_next_hour();
            world.measure(volume.id, &snapshot, 2 * GB).await;
        }
        assert_eq!(
            world.estimated(&alice, 24).await,
            json!([["SNAPSHOT", 8, 2]])
        );
        assert_eq!(world.gaps().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_late_measurement_does_not_reach_into_closed_hours_when_the_clock_was_set_back() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        world.to_next_hour();
        let snapshot = world.snapped(&alice, volume.id, GB).await;
        for _ in 0..5 {
            world.to_next_hour();
        }
        world.wait_seconds(600);
        assert!(tick(&world.app).await.unwrap());
        let before = world.estimated(&alice, 24).await;
        assert_eq!(before, json!([["SNAPSHOT", 6, 3]]));
        world.wait_seconds(-7200);
        world.measure(volume.id, &snapshot, GB).await;
        world.wait_seconds(7200);
        // It came at the watermark, which is the stroke of the hour that is still open. The closed ones are as before.
        let after = json!([["SNAPSHOT", 6, 2]]);
        assert_eq!(world.estimated(&alice, 24).await, after);
        assert_eq!(world.gaps().await, [(-2, 0)]);
    })
    .await;
}

#[tokio::test]
async fn backups_and_instances_are_never_estimated_nor_is_what_another_volume_lacks() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        world.to_next_hour();
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createBackup", input).await;
        world.work_and_rest().await;
        for _ in 0..6 {
            world.to_next_hour();
        }
        let other = world.volume(&alice, |_| {}).await;
        world.snapped(&alice, other.id, GB).await;
        let lines = json!([["BACKUP", 7, 0], ["SNAPSHOT", 1, 0]]);
        assert_eq!(world.estimated(&alice, 24).await, lines);
    })
    .await;
}
