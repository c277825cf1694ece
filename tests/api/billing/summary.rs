//! Sums of reports, what single snapshots and backups cost, and the history of rates.

use chrono::{TimeDelta, Utc};
use sea_orm::Set;
use serde_json::{Value, json};
use tidemark::domain::Requester;

use crate::harness::{GB, World, on_each_database};

/// The groups of a report, by `by`: `first` of them.
async fn groups(
    world: &World,
    requester: &Requester,
    (from, to): (chrono::DateTime<Utc>, chrono::DateTime<Utc>),
    by: &str,
    first: u32,
) -> Value {
    let document = "query($from: DateTime!, $to: DateTime!, $by: UsageGrouping!, $first: Int) {
        usageReport(from: $from, to: $to) { totalCredits groups(by: $by, first: $first) {
            totalCount
            nodes { from kind volumeId accountId planId name lineCount byteHours credits }
            rest { lineCount byteHours credits name }
        } } }";
    let variables = json!({ "from": from, "to": to, "by": by, "first": first });
    let mut data = world.data_with(requester, document, variables).await;
    data["usageReport"].take()
}

/// One field of all groups.
fn each<'a>(report: &'a Value, field: &str) -> Vec<&'a Value> {
    let nodes = report["groups"]["nodes"].as_array().unwrap();
    nodes.iter().map(|group| &group[field]).collect()
}

#[tokio::test]
async fn a_report_is_summed_by_day_kind_volume_account_and_plan() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let admin = world.admin().await;
        let plan = world
            .plan(|row| row.snapshot_credit_value = Set("7.3".parse().unwrap()))
            .await;
        world.to_next_hour();
        let from = world.hour();
        world.wait_seconds(1);
        for (tenant, name, bytes) in [
            (&alice, "small", 1),
            (&alice, "large", 2),
            (&bob, "other", 4),
        ] {
            let volume = world
                .volume(tenant, |row| {
                    row.plan_id = Set(plan.id);
                    row.name = Set(name.to_owned());
                })
                .await;
            world.snapped(tenant, volume.id, 100 * bytes * GB).await;
            world.wait_seconds(1);
        }
        let instance = |row: &mut entity::instance::ActiveModel| {
            row.status = Set(entity::instance::InstanceStatus::Stopped);
            row.credits_per_hour = Set("0.25".parse().unwrap());
        };
        let instance = world.instance(&alice, instance).await;
        let input = json!({ "instanceId": instance.id.to_string() });
        world.run(&alice.requester, "startInstance", input).await;
        while world.hour() < from + TimeDelta::hours(30) {
            world.to_next_hour();
        }
        let period = (from, world.hour());
        // 29 hours each: 1 and 2 credits an hour, and 0.25.
        let own = &alice.requester;
        let kinds = groups(&world, own, period, "KIND", 20).await;
        assert_eq!(kinds["totalCredits"], "94.25");
        assert_eq!(each(&kinds, "kind"), ["SNAPSHOT", "COMPUTE"]);
        assert_eq!(each(&kinds, "credits"), ["87", "7.25"]);
        assert_eq!(each(&kinds, "lineCount"), [2, 1]);
        assert_eq!(kinds["groups"]["rest"], json!(null));

        let volumes = groups(&world, own, period, "VOLUME", 1).await;
        assert_eq!(each(&volumes, "name"), ["large"]);
        assert_eq!(each(&volumes, "credits"), ["58"]);
        assert_eq!(volumes["groups"]["totalCount"], 3);
        let rest = &volumes["groups"]["rest"];
        assert_eq!(
            (&rest["credits"], &rest["lineCount"]),
            (&json!("36.25"), &json!(2))
        );

        let days = groups(&world, own, period, "DAY", 100).await;
        let told = each(&days, "from");
        assert!(
            told.len() >= 2 && told.is_sorted_by_key(|day| day.as_str()),
            "{told:?}"
        );
        let sums = each(&days, "credits").into_iter();
        let sum: f64 = sums
            .map(|credits| credits.as_str().unwrap().parse::<f64>().unwrap())
            .sum();
        assert!((sum - 94.25).abs() < 1e-9, "{days:#}");

        let months = groups(&world, own, period, "MONTH", 100).await;
        assert_eq!(each(&months, "credits"), ["94.25"]);

        let plans = groups(&world, own, period, "PLAN", 20).await;
        assert_eq!(each(&plans, "name"), [&json!(plan.name), &json!(null)]);
        let byte_hours = (i128::from(300 * GB) * 29).to_string();
        assert_eq!(each(&plans, "byteHours"), [&json!(byte_hours), &json!("0")]);

        // All accounts, the dearest first.
        let accounts = groups(&world, &admin, period, "ACCOUNT", 20).await;
        assert_eq!(each(&accounts, "name"), ["bob", "alice"]);
        assert_eq!(each(&accounts, "credits"), ["116", "94.25"]);
        assert_eq!(accounts["totalCredits"], "210.25");
        let all = "query($from: DateTime!, $to: DateTime!, $by: UsageGrouping!, $first: Int) {
            usageReport(from: $from, to: $to) { groups(by: $by, first: $first) { totalCount } } }";
        let far = period.0 - TimeDelta::days(100);
        for (from, by, first) in [
            (period.0, "VOLUME", 20),
            (far, "DAY", 20),
            (period.0, "KIND", 101),
        ] {
            let variables = json!({ "from": from, "to": period.1, "by": by, "first": first });
            let error = world.error_with(&admin, all, variables).await;
            assert_eq!(error["extensions"]["code"], "INVALID_INPUT", "{by}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_and_a_backup_tell_what_they_cost_so_far_and_in_a_month() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let plan = world
            .plan(|row| {
                row.snapshot_credit_value = Set("7.3".parse().unwrap());
                row.backup_credit_value = Set("73".parse().unwrap());
                row.size_bytes = Set(10 * GB);
            })
            .await;
        let volume = world
            .volume(&alice, |row| {
                row.plan_id = Set(plan.id);
                row.size_bytes = Set(10 * GB);
            })
            .await;
        world.to_next_hour();
        let snapshot = world.snapped(&alice, volume.id, 10 * GB).await;
        world.wait_seconds(301);
        let input = json!({ "volumeId": volume.id.to_string() });
        world.run(&alice.requester, "createBackup", input).await;
        world.work().await;
        world.to_next_hour();
        let cost = async || {
            let document = "query($volume: ID!) { volume(id: $volume) {
                snapshots { nodes { status cost { soFar perMonth } } }
                backups { nodes { status cost { soFar perMonth } } } } }";
            let variables = json!({ "volume": volume.id.to_string() });
            let data = world.data_with(&alice.requester, document, variables).await;
            let of = |list: &str| data["volume"][list]["nodes"][0]["cost"].clone();
            (of("snapshots"), of("backups"))
        };
        let cents =
            |so_far: &str, per_month: &str| json!({ "soFar": so_far, "perMonth": per_month });
        // One hour has begun since the backup, two since the snapshot, which was there when the first one began.
        assert_eq!(cost().await, (cents("0.2", "73"), cents("1", "730")));
        // A new rate counts from the next hour on.
        let input = json!({ "planId": plan.id.to_string(), "snapshotCreditValue": "73" });
        world.run(&admin, "updateVolumePlan", input).await;
        assert_eq!(cost().await.0, cents("0.2", "73"));
        world.to_next_hour();
        assert_eq!(cost().await.0, cents("1.2", "730"));
        // What is being deleted costs no more than it did.
        let name = world.snapshot_row(snapshot.parse().unwrap()).await.name;
        let input = json!({ "snapshotId": snapshot, "confirmName": name });
        world.run(&alice.requester, "deleteSnapshot", input).await;
        world.to_next_hour();
        assert_eq!(cost().await.0["perMonth"], "0");
    })
    .await;
}

#[tokio::test]
async fn administrators_see_what_a_plan_asked_for_and_customers_what_it_asks_for_and_will() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        world.to_next_hour();
        let hour = world.hour();
        let input = json!({
            "name": "priced", "sizeBytes": GB, "storageType": "QCOW2_FILE", "snapshotCreditValue": "1",
        });
        world.run(&admin, "createVolumePlan", input).await;
        let plans = "{ volumePlans { id name } }";
        let made = world.data_with(&admin, plans, json!({})).await;
        let mut made = made["volumePlans"].as_array().unwrap().iter();
        let plan = made.find(|plan| plan["name"] == "priced").unwrap()["id"].clone();
        for credits in ["2", "3", "4"] {
            // Of two of an hour the last one counts.
            for credits in [format!("{credits}.5"), credits.to_owned()] {
                let input = json!({ "planId": plan, "snapshotCreditValue": credits });
                world.run(&admin, "updateVolumePlan", input).await;
            }
            if credits != "4" {
                world.to_next_hour();
            }
        }
        let rates = async |requester: &Requester| {
            let document = "{ volumePlans { id rates { kind credits from } } }";
            let data = world.data_with(requester, document, json!({})).await;
            let mut plans = data["volumePlans"].as_array().unwrap().iter();
            let told = plans.find(|told| told["id"] == plan).unwrap();
            let rates = told["rates"].as_array().unwrap().clone();
            let told = rates.iter().map(|rate| {
                let from: chrono::DateTime<Utc> = rate["from"].as_str().unwrap().parse().unwrap();
                let text = |field: &str| rate[field].as_str().unwrap().to_owned();
                (text("kind"), text("credits"), (from - hour).num_hours())
            });
            told.collect::<Vec<_>>()
        };
        let rate = |kind: &str, credits: &str, from| (kind.to_owned(), credits.to_owned(), from);
        let valid = [
            rate("SNAPSHOT", "4", 3),
            rate("SNAPSHOT", "3", 2),
            rate("BACKUP", "0", 0),
        ];
        assert_eq!(rates(&alice.requester).await, valid);
        let all = [
            rate("SNAPSHOT", "4", 3),
            rate("SNAPSHOT", "3", 2),
            rate("SNAPSHOT", "2", 1),
            rate("SNAPSHOT", "1", 0),
            rate("BACKUP", "0", 0),
        ];
        assert_eq!(rates(&admin).await, all);
    })
    .await;
}
