//! Billing: what is written down, what it costs, and when it changes no more.

mod estimate;
mod fact;
mod oracle;
mod report;
mod summary;
mod tick;

use std::process::Stdio;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{VolumeId, billing_item, billing_span};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::harness::{Tenant, World};

/// What a program of Python writes that reads `input`.
async fn python(arguments: &[&str], input: &Value) -> String {
    let mut program = Command::new("python3")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = program.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let answer = program.wait_with_output().await.unwrap();
    assert!(answer.status.success(), "{arguments:?}");
    String::from_utf8(answer.stdout).unwrap()
}

impl World {
    /// The spans of a snapshot, backup or instance: bytes, and from when to when in seconds from the test's beginning.
    async fn spans(
        &self,
        began: DateTime<Utc>,
        resource: impl ToString,
    ) -> Vec<(i64, i64, Option<i64>)> {
        let db = self.app.database.writes();
        let item = billing_item::Entity::find()
            .filter(billing_item::Column::ResourceId.eq(resource.to_string()))
            .one(db)
            .await
            .unwrap();
        let Some(item) = item else {
            return Vec::new();
        };
        let spans = billing_span::Entity::find()
            .filter(billing_span::Column::Item.eq(item.number))
            .order_by_asc(billing_span::Column::Seq)
            .all(db)
            .await
            .unwrap();
        let seconds = |ms: i64| (ms - began.timestamp_millis()).div_euclid(1000);
        spans
            .into_iter()
            .map(|span| {
                let bytes = span.bytes.unwrap_or_default();
                (bytes, seconds(span.began_ms), span.ended_ms.map(seconds))
            })
            .collect()
    }

    /// A snapshot of a volume that is made now, with what it retains, by the API; its id.
    async fn snapped(&self, tenant: &Tenant, volume: VolumeId, bytes: i64) -> String {
        let input = json!({ "volumeId": volume.to_string() });
        let made = self.run(&tenant.requester, "createSnapshot", input).await;
        let id = made["snapshot"]["id"].as_str().unwrap().to_owned();
        let work = self.worker().claim_one().await;
        let retained = json!({ "retained": [{ "snapshotId": id, "retainedBytes": bytes }] });
        assert!(self.worker().complete_with(&work, retained).await);
        id
    }

    /// What a tenant is told of a period.
    async fn usage(&self, tenant: &Tenant, from: DateTime<Utc>, to: DateTime<Utc>) -> Value {
        let document =
            "query($from: DateTime!, $to: DateTime!) { usageReport(from: $from, to: $to) {
            totalCredits closedUntil lines(first: 100) { totalCount nodes {
                kind resourceId planId rate hours estimatedHours byteHours credits
            } } } }";
        let variables = json!({ "from": from.to_rfc3339(), "to": to.to_rfc3339() });
        let mut data = self.data_with(&tenant.requester, document, variables).await;
        data["usageReport"].take()
    }

    /// The first instant of the hour that the clock shows.
    fn hour(&self) -> DateTime<Utc> {
        let past = self.now().timestamp_millis().rem_euclid(3_600_000);
        self.now() - TimeDelta::milliseconds(past)
    }

    /// Moves the clock to the first instant of the next hour.
    fn to_next_hour(&self) {
        let next = self.hour() + TimeDelta::hours(1);
        self.clock.advance(next - self.now());
    }
}
