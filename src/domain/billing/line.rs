//! Lines of a bill: a pure function of spans, rates and a period. A line is one item at one rate within one month.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Months, Utc};
use entity::{
    AccountId, Credit, VolumePlanId, billing_item, billing_item::BillingKind, billing_span,
};
use num_bigint::BigInt;

use super::{Amount, HOUR_MS, rate::Rates};
use crate::domain::{Error, Result};

/// Hours from the first one to the one behind the last, counted from the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours {
    /// The first one.
    pub from: i64,
    /// The one behind the last.
    pub to: i64,
}

/// One item at one rate within one month; or, where items are summed, one account's items of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// As what it is billed.
    pub kind: BillingKind,
    /// Who pays.
    pub account_id: AccountId,
    /// The number of the item; of what is summed none.
    pub item: Option<i64>,
    /// The id of the snapshot, backup or instance.
    pub resource_id: Option<String>,
    /// What it is called.
    pub name: String,
    /// The volume that it was made of.
    pub volume_id: Option<String>,
    /// The plan whose rate it is.
    pub plan_id: Option<VolumePlanId>,
    /// The part of the period that lies in this month.
    pub period: Hours,
    /// The hour that this version of the rate is valid from; 0 where it has none.
    pub version: i64,
    /// The rate; none where rates are summed.
    pub rate: Option<Credit>,
    /// How many hours are paid for.
    pub hours: i64,
    /// How many of them by a size that had not been measured for more than two hours.
    pub estimated_hours: i64,
    /// The bytes of each hour, summed.
    pub byte_hours: BigInt,
    /// What they cost.
    pub credits: Amount,
}

impl Hours {
    /// The hours between two instants that are whole hours.
    pub fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Self> {
        let hour = |at: DateTime<Utc>| {
            let ms = at.timestamp_millis();
            let whole = at.timestamp_subsec_nanos() == 0 && ms.rem_euclid(HOUR_MS) == 0;
            whole.then_some(ms.div_euclid(HOUR_MS))
        };
        Some(Self {
            from: hour(from)?,
            to: hour(to)?,
        })
    }

    /// The parts of it that lie in one month each.
    pub fn months(self) -> Result<Vec<Self>> {
        let mut parts = Vec::new();
        let mut from = self.from;
        while from < self.to {
            let next = next_month(from)?.min(self.to);
            parts.push(Self { from, to: next });
            from = next;
        }
        Ok(parts)
    }
}

/// The first instant of an hour.
pub fn instant(hour: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(hour.saturating_mul(HOUR_MS))
        .ok_or_else(|| Error::Broken(format!("the hour {hour} is out of range")))
}

/// The month in which `hour` lies.
pub fn month_of(hour: i64) -> Result<Hours> {
    let at = instant(hour)?;
    let begins = at
        .date_naive()
        .with_day(1)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .ok_or_else(|| Error::Broken(format!("the month of {at} has no beginning")))?;
    Ok(Hours {
        from: begins.and_utc().timestamp_millis() / HOUR_MS,
        to: next_month(hour)?,
    })
}

/// The first hour of the month behind the one of `hour`.
fn next_month(hour: i64) -> Result<i64> {
    let at = instant(hour)?;
    let next = at
        .date_naive()
        .with_day(1)
        .and_then(|day| day.checked_add_months(Months::new(1)))
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .ok_or_else(|| Error::Broken(format!("the month of {at} has no next one")))?;
    Ok(next.and_utc().timestamp_millis() / HOUR_MS)
}

/// What is summed in one line.
#[derive(Default)]
struct Sum {
    hours: i64,
    estimated_hours: i64,
    byte_hours: BigInt,
}

/// What lines of one item are computed from.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The item.
    pub item: &'a billing_item::Model,
    /// Its spans, in their order.
    pub spans: &'a [billing_span::Model],
    /// The hours in which its size is estimated: parts that do not overlap.
    pub gaps: &'a [Hours],
    /// All rates.
    pub rates: &'a Rates,
}

/// The lines of one item, cut into `months`.
pub fn of_item(facts: Facts<'_>, months: &[Hours]) -> Result<Vec<Line>> {
    let Facts {
        item,
        spans,
        gaps,
        rates,
    } = facts;
    let mut lines = Vec::new();
    for &month in months {
        let mut sums: BTreeMap<(Option<VolumePlanId>, i64, Option<Credit>), Sum> = BTreeMap::new();
        for span in spans {
            let first = first_hour(span.began_ms).max(month.from);
            let last = span.ended_ms.map_or(month.to, first_hour).min(month.to);
            if first >= last {
                continue;
            }
            let bytes = span.bytes.unwrap_or_default();
            let valid = match span.plan_id {
                Some(plan) => rates.between(plan, item.kind, (first, last)),
                None => vec![(first, last, 0, span.rate.unwrap_or_default())],
            };
            for (first, last, version, rate) in valid {
                let sum = sums.entry((span.plan_id, version, Some(rate))).or_default();
                sum.hours += last - first;
                sum.estimated_hours += common(gaps, first, last);
                sum.byte_hours += BigInt::from(bytes) * (last - first);
            }
        }
        for ((plan_id, version, rate), sum) in sums {
            let credits = match (plan_id, &rate) {
                (_, None) => Amount::default(),
                (Some(_), Some(rate)) => Amount::of_bytes(&sum.byte_hours, rate)?,
                (None, Some(rate)) => Amount::of_hours(sum.hours, rate)?,
            };
            lines.push(Line {
                kind: item.kind,
                account_id: item.account_id,
                item: Some(item.number),
                resource_id: Some(item.resource_id.clone()),
                name: item.name.clone(),
                volume_id: item.volume_id.map(|id| id.to_string()),
                plan_id,
                period: month,
                version,
                rate,
                hours: sum.hours,
                estimated_hours: sum.estimated_hours,
                byte_hours: sum.byte_hours,
                credits,
            });
        }
    }
    Ok(lines)
}

/// How many of the hours from `first` to `last` are in `parts`.
fn common(parts: &[Hours], first: i64, last: i64) -> i64 {
    let common = |part: &Hours| (part.to.min(last) - part.from.max(first)).max(0);
    parts.iter().map(common).sum()
}

/// The first hour whose first instant is not before `ms`.
fn first_hour(ms: i64) -> i64 {
    -(-ms).div_euclid(HOUR_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_paid_for_whose_first_instant_is_covered() {
        assert_eq!(first_hour(HOUR_MS), 1);
        assert_eq!(first_hour(HOUR_MS + 1), 2);
        assert_eq!(first_hour(2 * HOUR_MS - 1), 2);
        assert_eq!(first_hour(0), 0);
    }

    #[test]
    fn a_period_is_cut_where_months_begin_also_at_the_end_of_a_year() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let hours = Hours::between(at("2026-11-30T23:00:00Z"), at("2027-02-01T00:00:00Z")).unwrap();
        let months = hours.months().unwrap();
        let lengths: Vec<_> = months.iter().map(|part| part.to - part.from).collect();
        assert_eq!(lengths, [1, 744, 744]);
        assert_eq!(
            Hours::between(at("2026-11-30T23:00:01Z"), at("2027-02-01T00:00:00Z")),
            None
        );
    }
}
