//! Sums of a usage report as the API shows them.

use std::collections::HashMap;

use async_graphql::{Enum, ID, SimpleObject};
use entity::{AccountId, Scope, VolumeId, VolumePlanId, account, volume, volume_plan};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::usage_line::{Exact, UsageKind};
use crate::{
    app::App,
    domain::billing::{
        line::instant,
        summary::{Groups, Key, Sum},
    },
    graphql::{error::Result, scalar::DateTime},
};

/// By what the lines of a report are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::billing::summary::By")]
pub enum UsageGrouping {
    /// By days of UTC, in their order. Each line of a day is rounded for itself: the sum of days may differ from that of
    /// their month in the last digits. Of a period that has at most 100 days.
    Day,
    /// By months of UTC, in their order.
    Month,
    /// By what it is billed as.
    Kind,
    /// By the volume that it was made of. Of one account.
    Volume,
    /// By who pays.
    Account,
    /// By plan and kind: what has a rate.
    Plan,
}

/// Lines of a report, summed. What they do not have in common is null.
#[derive(Clone, Debug, SimpleObject)]
pub struct UsageGroup {
    /// The first instant of the day or month that lies in the period.
    pub from: Option<DateTime>,
    /// As what it is billed.
    pub kind: Option<UsageKind>,
    /// The volume that it was made of, which may be gone; also null for what is made of none.
    pub volume_id: Option<ID>,
    /// Who pays.
    pub account_id: Option<ID>,
    /// The plan; also null for what has none.
    pub plan_id: Option<ID>,
    /// What the volume, account or plan is called.
    pub name: Option<String>,
    /// How many lines were summed.
    pub line_count: i32,
    /// Their byte-hours: a whole number.
    pub byte_hours: String,
    /// What they cost: exactly their sum.
    pub credits: Exact,
}

/// The groups that were asked for, and what they leave.
#[derive(Clone, Debug, SimpleObject)]
pub struct UsageGroups {
    /// The dearest first; days and months in their order.
    pub nodes: Vec<UsageGroup>,
    /// How many groups there are in all.
    pub total_count: i32,
    /// The sum of those that are not shown; null where all are.
    pub rest: Option<UsageGroup>,
}

impl UsageGroups {
    /// As the API shows them, with the names that `scope` covers.
    pub async fn of(app: &App, scope: Scope, groups: Groups) -> Result<Self> {
        let names = Names::of(app, scope, &groups).await?;
        let hidden = groups.count > groups.shown.len();
        let shown = groups.shown.iter();
        Ok(Self {
            nodes: shown
                .map(|(key, sum)| group(key, sum, &names))
                .collect::<Result<_>>()?,
            total_count: number(groups.count),
            rest: hidden
                .then(|| group(&Key::default(), &groups.rest, &names))
                .transpose()?,
        })
    }
}

fn group(key: &Key, sum: &Sum, names: &Names) -> Result<UsageGroup> {
    Ok(UsageGroup {
        from: key.from.map(instant).transpose()?.map(DateTime),
        kind: key.kind.map(UsageKind::from),
        volume_id: key.volume_id.clone().map(ID),
        account_id: key.account_id.map(ID::from),
        plan_id: key.plan_id.map(ID::from),
        name: names.name(key),
        line_count: number(sum.lines),
        byte_hours: sum.byte_hours.to_string(),
        credits: Exact::from(&sum.credits),
    })
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// What volumes, accounts and plans are called that groups name.
#[derive(Debug, Default)]
struct Names {
    volumes: HashMap<String, String>,
    accounts: HashMap<AccountId, String>,
    plans: HashMap<VolumePlanId, String>,
}

impl Names {
    async fn of(app: &App, scope: Scope, groups: &Groups) -> Result<Self> {
        let db = app.database.reads();
        let keys = || groups.shown.iter().map(|(key, _)| key);
        let mut names = Self::default();
        let ids = || keys().filter_map(|key| key.volume_id.as_ref()?.parse::<VolumeId>().ok());
        if ids().next().is_some() {
            let rows = volume::Entity::once_visible_to(scope)
                .filter(volume::Column::Id.is_in(ids()))
                .all(db)
                .await?;
            let rows = rows.into_iter().map(|row| (row.id.to_string(), row.name));
            names.volumes = rows.collect();
        }
        let ids = || keys().filter_map(|key| key.account_id);
        if ids().next().is_some() {
            let rows = account::Entity::once_visible_to(scope)
                .filter(account::Column::Id.is_in(ids()))
                .all(db)
                .await?;
            names.accounts = rows.into_iter().map(|row| (row.id, row.name)).collect();
        }
        let ids = || keys().filter_map(|key| key.plan_id);
        if ids().next().is_some() {
            let rows = volume_plan::Entity::find()
                .filter(volume_plan::Column::Id.is_in(ids()))
                .all(db)
                .await?;
            names.plans = rows.into_iter().map(|row| (row.id, row.name)).collect();
        }
        Ok(names)
    }

    fn name(&self, key: &Key) -> Option<String> {
        let volume = || self.volumes.get(key.volume_id.as_ref()?);
        let account = || self.accounts.get(&key.account_id?);
        let plan = || self.plans.get(&key.plan_id?);
        volume().or_else(account).or_else(plan).cloned()
    }
}
