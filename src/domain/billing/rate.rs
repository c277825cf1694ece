//! Rates: what a plan asks for, in versions that are valid from an hour on.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{Credit, VolumePlanId, billing_item::BillingKind, billing_rate, volume_plan};
use sea_orm::{ActiveEnum, ConnectionTrait, DbBackend, EntityTrait, QueryOrder, Statement, Value};

use super::{HOUR_MS, moment};
use crate::{
    domain::{Clock, Result},
    limits::MAX_RATE_VERSIONS,
};

/// A transaction that writes facts.
#[derive(Debug)]
pub struct Facts<'a, C> {
    /// The clock.
    pub clock: &'a Clock,
    /// Where its statements go.
    pub db: &'a C,
    /// When it began.
    pub now: DateTime<Utc>,
}

impl<C> Clone for Facts<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Facts<'_, C> {}

/// Keeps the rates of a plan that is new, from the hour that it is made in.
pub async fn begin(
    facts: Facts<'_, impl ConnectionTrait>,
    plan: &volume_plan::Model,
) -> Result<()> {
    for (kind, credits) in of(plan) {
        write(facts, plan.id, kind, credits, 0).await?;
    }
    Ok(())
}

/// Keeps those rates of a plan that have changed, from the next hour on.
pub async fn change(
    facts: Facts<'_, impl ConnectionTrait>,
    before: &volume_plan::Model,
    after: &volume_plan::Model,
) -> Result<()> {
    for ((kind, old), (_, new)) in of(before).into_iter().zip(of(after)) {
        if old != new {
            write(facts, after.id, kind, new, 1).await?;
        }
    }
    Ok(())
}

fn of(plan: &volume_plan::Model) -> [(BillingKind, Credit); 2] {
    [
        (BillingKind::Snapshot, plan.snapshot_credit_value),
        (BillingKind::Backup, plan.backup_credit_value),
    ]
}

/// Writes a version that is valid `ahead` hours after this one. Never from an hour that is closed.
async fn write(
    facts: Facts<'_, impl ConnectionTrait>,
    plan: VolumePlanId,
    kind: BillingKind,
    credits: Credit,
    ahead: i64,
) -> Result<()> {
    let Facts { clock, db, now } = facts;
    let hour = moment::hold(clock, db, now).await? / HOUR_MS + ahead;
    let backend = db.get_database_backend();
    let sql = "INSERT INTO billing_rates (plan_id, kind, credits, from_hour) \
               SELECT $1, $2, $3, CASE WHEN closed_hour > $4 THEN closed_hour ELSE $4 END FROM billing_state";
    let sql = match backend {
        DbBackend::Postgres => sql.replace("$1, $2, $3", "$1::text, $2::text, $3::text"),
        _ => sql.to_owned(),
    };
    let values = [
        Value::from(plan.to_string()),
        kind.to_value().into(),
        credits.to_string().into(),
        hour.into(),
    ];
    db.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    Ok(())
}

/// All versions of all rates, each with the hour that it is valid from, in order.
#[derive(Debug, Default)]
pub struct Rates(HashMap<(VolumePlanId, BillingKind), Vec<(i64, Credit)>>);

impl Rates {
    /// All of them.
    pub async fn load(db: &impl ConnectionTrait) -> Result<Self> {
        let rows = billing_rate::Entity::find()
            .order_by_asc(billing_rate::Column::FromHour)
            .order_by_asc(billing_rate::Column::Seq)
            .all(db)
            .await?;
        let mut rates = Self::default();
        for row in rows {
            rates.add(row.plan_id, row.kind, row.from_hour, row.credits);
        }
        Ok(rates)
    }

    /// A version behind those that are there. The last one of an hour counts.
    pub fn add(&mut self, plan: VolumePlanId, kind: BillingKind, from_hour: i64, credits: Credit) {
        let versions = self.0.entry((plan, kind)).or_default();
        if let Some(last) = versions.last_mut().filter(|last| last.0 == from_hour) {
            last.1 = credits;
        } else {
            versions.push((from_hour, credits));
        }
    }

    /// The versions that are valid in some of the hours from `from` to `to`, each with the hours that it is valid in and the
    /// hour that it began with. Before a plan's first version it costs nothing.
    pub fn between(
        &self,
        plan: VolumePlanId,
        kind: BillingKind,
        (from, to): (i64, i64),
    ) -> Vec<(i64, i64, i64, Credit)> {
        let versions = self.0.get(&(plan, kind)).map_or(&[][..], Vec::as_slice);
        let first = versions.first().map_or(i64::MAX, |first| first.0);
        let before = (0, first, Credit::default());
        let ends = versions.iter().skip(1).map(|next| next.0);
        let valid = versions
            .iter()
            .zip(ends.chain([i64::MAX]))
            .map(|((from, credits), until)| (*from, until, *credits));
        [before]
            .into_iter()
            .chain(valid)
            .filter_map(|(begin, end, credits)| {
                let (first, last) = (begin.max(from), end.min(to));
                (first < last).then_some((first, last, begin, credits))
            })
            .collect()
    }
}

/// The newest versions of the rates of `plans`, the newest first; the last one of an hour alone.
pub async fn versions(
    db: &impl ConnectionTrait,
    plans: impl Iterator<Item = VolumePlanId>,
) -> Result<Vec<billing_rate::Model>> {
    let ids: Vec<Value> = plans.map(|plan| plan.to_string().into()).collect();
    let places: Vec<String> = (1..=ids.len()).map(|at| format!("${at}")).collect();
    let sql = format!(
        "SELECT seq, plan_id, kind, credits, from_hour FROM ( \
            SELECT seq, plan_id, kind, credits, from_hour, \
                ROW_NUMBER() OVER (PARTITION BY plan_id, kind ORDER BY from_hour DESC, seq DESC) AS place, \
                LAG(from_hour) OVER (PARTITION BY plan_id, kind ORDER BY from_hour DESC, seq DESC) AS newer \
            FROM billing_rates WHERE plan_id IN ({}) \
         ) AS numbered \
         WHERE place <= {MAX_RATE_VERSIONS} AND (newer IS NULL OR newer <> from_hour) \
         ORDER BY plan_id, from_hour DESC, kind DESC",
        places.join(", ")
    );
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, ids);
    Ok(billing_rate::Entity::find()
        .from_raw_sql(statement)
        .all(db)
        .await?)
}
