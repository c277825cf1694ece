//! The tick: closed hours change no more.

use chrono::TimeDelta;
use serde_json::json;
use tidemark::domain::billing::tick::tick;

use crate::harness::{GB, on_each_database, on_postgres_alone};

#[tokio::test]
async fn an_hour_is_closed_five_minutes_after_its_end_once_and_by_whoever_comes_first() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        world.to_next_hour();
        let other = world.other_gateway();
        let closed = async || {
            let report = world.usage(&alice, world.hour() - TimeDelta::hours(1), world.hour());
            report.await["closedUntil"].as_str().unwrap().to_owned()
        };
        let until = |hours: i64| {
            let at = world.hour() - TimeDelta::hours(hours);
            at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
        };
        assert!(tick(&world.app).await.unwrap());
        assert_eq!(closed().await, until(1), "it has just ended");
        world.wait_seconds(299);
        assert!(!tick(&other.app).await.unwrap());
        world.wait_seconds(1);
        assert!(tick(&other.app).await.unwrap());
        assert!(!tick(&world.app).await.unwrap());
        assert_eq!(closed().await, until(0));
        // Set back, the clock opens nothing again.
        world.wait_seconds(-7200);
        assert!(!tick(&world.app).await.unwrap());
        assert_eq!(closed().await, until(-2));
    })
    .await;
}

#[tokio::test]
async fn what_is_written_when_the_clock_was_set_back_does_not_reach_into_closed_hours() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        world.to_next_hour();
        let began = world.now();
        world.wait_seconds(400);
        assert!(tick(&world.app).await.unwrap());
        world.wait_seconds(-7200);
        let snapshot = world.snapped(&alice, volume.id, GB).await;
        assert_eq!(world.spans(began, &snapshot).await, [(GB, 0, None)]);
        let admin = world.admin().await;
        let plan = world.platform.plan.id.to_string();
        let input = json!({ "planId": plan, "snapshotCreditValue": "73" });
        world.run(&admin, "updateVolumePlan", input).await;
        world.wait_seconds(7200);
        let report = world.usage(
            &alice,
            began - TimeDelta::hours(2),
            world.hour() + TimeDelta::hours(1),
        );
        let report = report.await;
        assert_eq!(report["lines"]["totalCount"], 1, "{report:#}");
        assert_eq!(report["lines"]["nodes"][0]["hours"], 1);
        assert_eq!(report["totalCredits"], "0.1");
    })
    .await;
}

#[tokio::test]
async fn the_watermark_waits_for_facts_that_are_not_committed() {
    on_postgres_alone(async |world| {
        use sea_orm::ConnectionTrait;
        let lock = "SELECT pg_advisory_xact_lock_shared(1414877771, hashtext(current_schema()))";
        let writer = world.app.database.begin().await.unwrap();
        writer.execute_unprepared(lock).await.unwrap();
        assert!(!tick(&world.app).await.unwrap());
        writer.commit().await.unwrap();
        assert!(tick(&world.app).await.unwrap());
    })
    .await;
}
