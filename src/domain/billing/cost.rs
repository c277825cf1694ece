//! What single snapshots and backups cost: so far, and in a month at the rate of now.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{Scope, billing_item, billing_span};
use num_bigint::BigInt;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{
    Amount, HOUR_MS,
    amount::MONTH_HOURS,
    line::{self, Facts, Hours},
    rate::Rates,
};
use crate::{app::App, domain::Result};

/// Of how many items the spans are in memory at once.
const AT_ONCE: usize = 100;

/// What something costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// All its lines, to the end of the hour that has begun.
    pub so_far: Amount,
    /// A month of its size at the rate of now; nothing while it is not paid for.
    pub per_month: Amount,
}

/// What the snapshots and backups with these ids cost, which `scope` covers. One that was never paid for is left out.
pub async fn costs(
    app: &App,
    scope: Scope,
    now: DateTime<Utc>,
    ids: Vec<String>,
) -> Result<HashMap<String, Cost>> {
    let rates = Rates::load(app.database.reads()).await?;
    let hour = now.timestamp_millis().div_euclid(HOUR_MS);
    let mut costs = HashMap::with_capacity(ids.len());
    // What has been there for long has many spans.
    for ids in ids.chunks(AT_ONCE) {
        some(app, scope, ids, (&rates, hour), &mut costs).await?;
    }
    Ok(costs)
}

async fn some(
    app: &App,
    scope: Scope,
    ids: &[String],
    (rates, hour): (&Rates, i64),
    costs: &mut HashMap<String, Cost>,
) -> Result<()> {
    let db = app.database.reads();
    let items = billing_item::Entity::visible_to(scope)
        .filter(billing_item::Column::ResourceId.is_in(ids))
        .all(db)
        .await?;
    if items.is_empty() {
        return Ok(());
    }
    let rows = billing_span::Entity::find()
        .filter(billing_span::Column::Item.is_in(items.iter().map(|item| item.number)))
        .order_by_asc(billing_span::Column::Item)
        .order_by_asc(billing_span::Column::Seq)
        .all(db)
        .await?;
    let mut spans: HashMap<i64, Vec<billing_span::Model>> = HashMap::new();
    for row in rows {
        spans.entry(row.item).or_default().push(row);
    }
    for item in items {
        let spans = spans.remove(&item.number).unwrap_or_default();
        let cost = of_item(&item, &spans, rates, hour)?;
        costs.insert(item.resource_id, cost);
    }
    Ok(())
}

/// What an item costs with these spans, in the hour `hour`.
fn of_item(
    item: &billing_item::Model,
    spans: &[billing_span::Model],
    rates: &Rates,
    hour: i64,
) -> Result<Cost> {
    let mut cost = Cost::default();
    let Some(first) = spans.first() else {
        return Ok(cost);
    };
    let period = Hours {
        from: first.began_ms.div_euclid(HOUR_MS),
        to: hour + 1,
    };
    let facts = Facts {
        item,
        spans,
        gaps: &[],
        rates,
    };
    for line in line::of_item(facts, &period.months()?)? {
        cost.so_far.add(&line.credits);
    }
    let open = spans.iter().find(|span| span.ended_ms.is_none());
    let Some((plan, bytes)) = open.and_then(|span| Some((span.plan_id?, span.bytes?))) else {
        return Ok(cost);
    };
    if let Some((.., rate)) = rates.between(plan, item.kind, (hour, hour + 1)).pop() {
        cost.per_month = Amount::of_bytes(&(BigInt::from(bytes) * MONTH_HOURS), &rate)?;
    }
    Ok(cost)
}
