//! Sums of a report: what it says by day, month, kind, volume, account or plan. Each is the sum of lines, to the last digit.

use std::{cmp::Reverse, collections::BTreeMap};

use entity::{AccountId, VolumePlanId, billing_item::BillingKind};
use num_bigint::BigInt;
use tokio::sync::OnceCell;

use super::{
    Amount,
    line::{Hours, Line},
    report::Report,
};
use crate::{
    app::App,
    domain::{Error, Result},
};

/// The hours of a day.
const DAY_HOURS: i64 = 24;
/// How many days are told at once at most.
pub const MAX_DAYS: usize = 100;

/// By what lines are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The day of UTC.
    Day,
    /// The month of UTC.
    Month,
    /// As what it is billed.
    Kind,
    /// The volume that it was made of.
    Volume,
    /// Who pays.
    Account,
    /// The plan and the kind: what has a rate.
    Plan,
}

/// What lines have in common that are summed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The first hour of the day or month that lies in the period.
    pub from: Option<i64>,
    /// As what it is billed.
    pub kind: Option<BillingKind>,
    /// The volume that it was made of.
    pub volume_id: Option<String>,
    /// Who pays.
    pub account_id: Option<AccountId>,
    /// The plan.
    pub plan_id: Option<VolumePlanId>,
}

/// Lines that were summed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many lines.
    pub lines: usize,
    /// Their byte-hours.
    pub byte_hours: BigInt,
    /// What they cost.
    pub credits: Amount,
}

/// What lines have in common, and their sum.
pub type Group = (Key, Sum);

/// The dearest groups, or the first days or months, and what is left.
#[derive(Debug, Default)]
pub struct Groups {
    /// As many as were asked for.
    pub shown: Vec<Group>,
    /// The sum of all others.
    pub rest: Sum,
    /// How many groups there are in all.
    pub count: usize,
}

/// The sums of one report. The report is read once for all of them, and once for days.
#[derive(Debug, Default)]
pub struct Summary {
    finest: OnceCell<BTreeMap<Key, Sum>>,
    days: OnceCell<BTreeMap<Key, Sum>>,
}

impl By {
    /// What of `finest` is looked at.
    fn of(self, finest: &Key) -> Key {
        match self {
            Self::Day | Self::Month => Key {
                from: finest.from,
                ..Key::default()
            },
            Self::Kind => Key {
                kind: finest.kind,
                ..Key::default()
            },
            Self::Volume => Key {
                volume_id: finest.volume_id.clone(),
                ..Key::default()
            },
            Self::Account => Key {
                account_id: finest.account_id,
                ..Key::default()
            },
            Self::Plan => Key {
                kind: finest.kind,
                plan_id: finest.plan_id,
                ..Key::default()
            },
        }
    }
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.byte_hours += &other.byte_hours;
        self.credits.add(&other.credits);
    }
}

impl Summary {
    /// The sums of `report`, the dearest first, and days and months in their order; `first` of them.
    pub async fn groups(&self, app: &App, report: &Report, by: By, first: usize) -> Result<Groups> {
        if by == By::Volume && report.account.is_none() {
            return Err(Error::invalid(
                "Volumes are those of one account: name it by `accountId`.",
            ));
        }
        let read = async || match by {
            By::Day => {
                let days = days(report)?;
                collect(app, &report.cut(days), |line| Key {
                    from: Some(line.period.from),
                    ..Key::default()
                })
                .await
            }
            _ => {
                collect(app, report, |line| Key {
                    from: Some(line.period.from),
                    kind: Some(line.kind),
                    volume_id: line.volume_id.clone().filter(|_| report.account.is_some()),
                    account_id: Some(line.account_id),
                    plan_id: line.plan_id,
                })
                .await
            }
        };
        let cell = match by {
            By::Day => &self.days,
            _ => &self.finest,
        };
        let mut sums: BTreeMap<Key, Sum> = BTreeMap::new();
        for (key, sum) in cell.get_or_try_init(read).await? {
            sums.entry(by.of(key)).or_default().add(sum);
        }
        Ok(cut_off(sums, by, first))
    }
}

/// The sums of all lines of `report`, by what they have in common.
async fn collect(
    app: &App,
    report: &Report,
    key: impl Fn(&Line) -> Key,
) -> Result<BTreeMap<Key, Sum>> {
    let mut sums: BTreeMap<Key, Sum> = BTreeMap::new();
    let mut batches = report.batches(app).await?;
    while let Some(lines) = batches.next().await? {
        for line in lines {
            let sum = sums.entry(key(&line)).or_default();
            sum.lines += 1;
            sum.byte_hours += &line.byte_hours;
            sum.credits.add(&line.credits);
        }
    }
    Ok(sums)
}

/// The `first` groups; what they leave is summed.
fn cut_off(sums: BTreeMap<Key, Sum>, by: By, first: usize) -> Groups {
    let mut groups: Vec<Group> = sums.into_iter().collect();
    if !matches!(by, By::Day | By::Month) {
        groups.sort_by_key(|(_, sum)| Reverse(sum.credits.clone()));
    }
    let count = groups.len();
    let mut rest = Sum::default();
    for (_, sum) in groups.iter().skip(first) {
        rest.add(sum);
    }
    groups.truncate(first);
    Groups {
        shown: groups,
        rest,
        count,
    }
}

/// The days of a report: its first and last one may be parts.
fn days(report: &Report) -> Result<Vec<Hours>> {
    let period = Hours::between(report.from, report.to)
        .ok_or_else(|| Error::Broken("a report is not of whole hours".to_owned()))?;
    let mut days = Vec::new();
    let mut from = period.from;
    while from < period.to {
        if days.len() == MAX_DAYS {
            return Err(Error::invalid(format!(
                "Days are told of periods that have at most {MAX_DAYS} of them."
            )));
        }
        let to = ((from.div_euclid(DAY_HOURS) + 1) * DAY_HOURS).min(period.to);
        days.push(Hours { from, to });
        from = to;
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(kind: BillingKind, hours: i64) -> Group {
        let key = Key {
            kind: Some(kind),
            ..Key::default()
        };
        let sum = Sum {
            lines: 1,
            byte_hours: BigInt::from(hours),
            credits: Amount::of_hours(hours, &"1".parse().unwrap()).unwrap(),
        };
        (key, sum)
    }

    #[test]
    fn the_dearest_come_first_and_what_they_leave_is_summed() {
        let sums = BTreeMap::from([
            group(BillingKind::Backup, 2),
            group(BillingKind::Snapshot, 5),
            group(BillingKind::Compute, 1),
        ]);
        let groups = cut_off(sums, By::Kind, 1);
        assert_eq!(groups.shown, [group(BillingKind::Snapshot, 5)]);
        assert_eq!(groups.count, 3);
        assert_eq!(groups.rest.lines, 2);
        assert_eq!(groups.rest.credits.to_string(), "3");
    }
}
