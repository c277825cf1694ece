//! Reports: who may read them, for which periods, and what they say.

use std::collections::HashMap;

use chrono::TimeDelta;
use futures_util::FutureExt;
use sea_orm::Set;
use serde_json::json;
use tidemark::domain::billing::{
    export::{COLUMNS, Names, Terms, row},
    report::Report,
};

use super::python;
use crate::harness::{GB, on_each_database};

#[tokio::test]
async fn an_hour_costs_what_was_there_at_its_first_instant_at_the_rate_of_that_hour() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let admin = world.admin().await;
        let plan = world
            .plan(|row| row.snapshot_credit_value = Set("7.3".parse().unwrap()))
            .await;
        let volume = world.volume(&alice, |row| row.plan_id = Set(plan.id)).await;
        world.to_next_hour();
        let from = world.hour();
        let snapshot = world.snapped(&alice, volume.id, 10 * GB).await;
        // The next hour costs more.
        let input = json!({ "planId": plan.id.to_string(), "snapshotCreditValue": "73" });
        world.run(&admin, "updateVolumePlan", input).await;
        world.to_next_hour();
        world.to_next_hour();
        // At the very first instant of an hour it goes: that one costs nothing.
        let name = world.snapshot_row(snapshot.parse().unwrap()).await.name;
        let input = json!({ "snapshotId": snapshot, "confirmName": name });
        world.run(&alice.requester, "deleteSnapshot", input).await;
        let report = world
            .usage(&alice, from, world.hour() + TimeDelta::hours(1))
            .await;
        let lines = report["lines"]["nodes"].as_array().unwrap();
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                json!([
                    line["rate"],
                    line["hours"],
                    line["byteHours"],
                    line["credits"]
                ])
            })
            .collect();
        let bytes = (10 * GB).to_string();
        assert_eq!(
            json!(told),
            json!([["7.3", 1, bytes, "0.1"], ["73", 1, bytes, "1"]])
        );
        assert_eq!(report["totalCredits"], "1.1");
    })
    .await;
}

#[tokio::test]
async fn a_report_has_pages_and_administrators_see_all_accounts_summed() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        world.to_next_hour();
        let from = world.hour();
        for name in ["alice", "bob"] {
            let tenant = world.tenant(name).await;
            for _ in 0..3 {
                let volume = world.volume(&tenant, |_| {}).await;
                world.snapped(&tenant, volume.id, GB).await;
            }
        }
        world.to_next_hour();
        let to = world.hour().to_rfc3339();
        let document = "query($from: DateTime!, $to: DateTime!, $after: String, $account: ID) {
            usageReport(from: $from, to: $to, accountId: $account) {
                lines(first: 2, after: $after) {
                    totalCount pageInfo { endCursor hasNextPage } nodes { accountId resourceId resourceName hours }
                } } }";
        let from = from.to_rfc3339();
        let variables = json!({ "from": from, "to": to });
        let all = world.data_with(&admin, document, variables).await;
        let all = &all["usageReport"]["lines"];
        assert_eq!(all["totalCount"], 2, "{all:#}");
        for (line, name) in all["nodes"].as_array().unwrap().iter().zip(["alice", "bob"]) {
            assert_eq!(line["resourceName"], name);
            assert_eq!(line["resourceId"], json!(null));
            assert_eq!(line["hours"], 3);
        }
        let account = &all["nodes"][0]["accountId"];
        let mut seen = Vec::new();
        let mut after = json!(null);
        loop {
            let variables = json!({ "from": from, "to": to, "account": account, "after": after });
            let page = world.data_with(&admin, document, variables).await;
            let lines = &page["usageReport"]["lines"];
            assert_eq!(lines["totalCount"], 3);
            seen.extend(lines["nodes"].as_array().unwrap().iter().map(|line| line["resourceId"].clone()));
            after = lines["pageInfo"]["endCursor"].clone();
            if lines["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(seen.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_period_that_is_none_is_refused_and_so_is_another_account() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let bob = world.tenant("bob").await;
        let hour = world.hour();
        let at = |hours: i64| (hour + TimeDelta::hours(hours)).to_rfc3339();
        let document = "query($from: DateTime!, $to: DateTime!, $account: ID) {
            usageReport(from: $from, to: $to, accountId: $account) { totalCredits } }";
        let code = async |variables| {
            let error = world
                .error_with(&alice.requester, document, variables)
                .await;
            error["extensions"]["code"].as_str().unwrap().to_owned()
        };
        for (from, to) in [
            (at(0), at(0)),
            (at(0), at(-1)),
            (at(1), at(2)),
            (at(-1), at(2)),
            (at(-10 * 366 * 24), at(0)),
            (at(-1), (hour + TimeDelta::seconds(1)).to_rfc3339()),
            (
                "1969-12-31T23:00:00Z".to_owned(),
                "1970-01-02T00:00:00Z".to_owned(),
            ),
        ] {
            let variables = json!({ "from": from, "to": to });
            assert_eq!(code(variables).await, "INVALID_INPUT", "{from} {to}");
        }
        let foreign = json!({ "from": at(-1), "to": at(0), "account": bob.account.id.to_string() });
        assert_eq!(code(foreign).await, "NOT_FOUND");
        let unknown = json!({ "from": at(-1), "to": at(0), "account": "no id" });
        assert_eq!(code(unknown).await, "NOT_FOUND");
        let good = json!({ "from": at(-1), "to": at(1), "account": alice.account.id.to_string() });
        let data = world.data_with(&alice.requester, document, good).await;
        assert_eq!(data["usageReport"]["totalCredits"], "0");
    })
    .await;
}

#[tokio::test]
async fn rates_that_cannot_be_computed_with_exactly_are_refused() {
    on_each_database(async |world| {
        let admin = world.admin().await;
        let plan = world.platform.plan.id.to_string();
        let input = |rate: &str| json!({ "planId": plan, "snapshotCreditValue": rate });
        for rate in ["-1", "-0.000000000001", "0.0000000000001", "1000000000000"] {
            let (code, _) = world.refusal(&admin, "updateVolumePlan", input(rate)).await;
            assert_eq!(code, "INVALID_INPUT", "{rate}");
        }
        for rate in ["0", "0.000000000001", "999999999999.999999999999", "1.50"] {
            world.run(&admin, "updateVolumePlan", input(rate)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_program_of_the_documentation_computes_a_report_again() {
    on_each_database(async |world| {
        let docs = include_str!("../../../docs/billing.md");
        let (_, behind) = docs.split_once("```python\n").unwrap();
        let (program, _) = behind.split_once("```").unwrap();
        let alice = world.tenant("alice").await;
        let volume = world.volume(&alice, |_| {}).await;
        world.to_next_hour();
        let from = world.hour();
        world.snapped(&alice, volume.id, 7 * GB + 1).await;
        for _ in 0..5 {
            world.to_next_hour();
        }
        let mut report = world.usage(&alice, from, world.hour()).await;
        let total = report["totalCredits"].as_str().unwrap().to_owned();
        let answer = python(&["-c", program], &report).await;
        assert_eq!(answer.trim(), total);
        report["lines"]["nodes"][0]["credits"] = json!("0.5");
        let arguments = ["-c", program];
        let spoilt = std::panic::AssertUnwindSafe(python(&arguments, &report));
        assert!(
            spoilt.catch_unwind().await.is_err(),
            "what is wrong is found"
        );
    })
    .await;
}

#[tokio::test]
async fn a_line_of_the_export_has_what_a_bill_is_computed_from() {
    on_each_database(async |world| {
        let alice = world.tenant("alice").await;
        let plan = world
            .plan(|row| row.snapshot_credit_value = Set("7.3".parse().unwrap()))
            .await;
        let volume = world
            .volume(&alice, |row| {
                row.plan_id = Set(plan.id);
                row.name = Set("=1+1".to_owned());
            })
            .await;
        world.to_next_hour();
        let from = world.hour();
        let snapshot = world.snapped(&alice, volume.id, 10 * GB).await;
        world.to_next_hour();
        let period = (from, world.hour());
        let report = Report::of(&world.app, &alice.requester, period, None)
            .await
            .unwrap();
        let mut batches = report.batches(&world.app).await.unwrap();
        let lines = batches.next().await.unwrap().unwrap();
        let names = Names::of(world.app.database.reads(), &lines).await.unwrap();
        let terms = Terms {
            currency: "EUR".to_owned(),
            credit_price: "2".parse().unwrap(),
            credit_code: "CRD".to_owned(),
            provider: "Cloud".to_owned(),
        };
        let [line] = lines.as_slice() else {
            panic!("{lines:#?}");
        };
        let row = row(line, &names, &terms).unwrap();
        let cells: HashMap<_, _> = COLUMNS.into_iter().zip(row.trim_end().split(',')).collect();
        let bytes = (10 * GB).to_string();
        for (column, cell) in [
            ("x_ByteHours", bytes.as_str()),
            ("x_Hours", "1"),
            ("x_Credits", "0.1"),
            ("x_VolumeName", "'=1+1"),
            ("BilledCost", "0.2"),
            ("ListUnitPrice", "14.6"),
            ("PricingCurrencyListUnitPrice", "7.3"),
            ("ConsumedQuantity", "10.0"),
            ("PricingQuantity", "0.013698630136986301369863"),
            ("ResourceId", snapshot.as_str()),
            ("BillingPeriodStart", "2026-09-01T00:00:00Z"),
            ("BillingPeriodEnd", "2026-10-01T00:00:00Z"),
        ] {
            assert_eq!(cells[column], cell, "{column}");
        }
    })
    .await;
}
