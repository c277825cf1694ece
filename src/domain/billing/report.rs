//! Reports: what an account, or all, used in a period. Closed hours never change; open ones are told up to now.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Months, Utc};
use entity::{
    AccountId, Scope, VolumeId, account, billing_item, billing_item::BillingKind, billing_span,
    billing_state,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::{
    Amount, HOUR_MS,
    line::{self, Facts, Hours, Line, instant},
    measurement,
    rate::Rates,
};
use crate::{
    app::App,
    domain::{Error, Requester, Result},
};

/// How many items are read at once.
const BATCH: u64 = 500;
/// The longest period.
const MAX_YEARS: u32 = 10;

/// A report that was asked for.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whose; everybody's, summed by account and kind, where it is none.
    pub account: Option<AccountId>,
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The instant behind the last.
    pub to: DateTime<Utc>,
    /// Hours before this instant are closed.
    pub closed_until: DateTime<Utc>,
    months: Vec<Hours>,
}

/// A part of a report's lines.
#[derive(Debug)]
pub struct Part {
    /// The lines.
    pub lines: Vec<Line>,
    /// How many lines there are in all.
    pub count: usize,
    /// What all lines cost.
    pub total: Amount,
}

impl Report {
    /// The report of a period that `requester` asks for: an account's own, or, of an administrator, any or all.
    pub async fn of(
        app: &App,
        requester: &Requester,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        account: Option<AccountId>,
    ) -> Result<Self> {
        let db = app.database.reads();
        let scope = requester.scope()?;
        if let Some(id) = account {
            let found = account::Entity::once_visible_to(scope)
                .filter(account::Column::Id.eq(id))
                .count(db)
                .await?;
            if found == 0 {
                return Err(Error::NotFound("account"));
            }
        }
        let account = match scope {
            Scope::Everything => account,
            Scope::Account(own) => Some(own),
        };
        let now = app.clock.now(db).await?;
        let hours = checked(from, to, now)?;
        let state = billing_state::Entity::find_by_id(1).one(db).await?;
        let closed_hour = state.map_or(0, |state| state.closed_hour);
        Ok(Self {
            account,
            from,
            to,
            closed_until: instant(closed_hour)?,
            months: hours.months()?,
        })
    }

    /// The lines from the `skip`th on, `take` of them, in the order of items, months and rates.
    pub async fn lines(&self, app: &App, skip: usize, take: usize) -> Result<Part> {
        let mut part = Part {
            lines: Vec::new(),
            count: 0,
            total: Amount::default(),
        };
        let mut sums = BTreeMap::new();
        let mut batches = self.batches(app).await?;
        while let Some(lines) = batches.next().await? {
            for line in lines {
                part.total.add(&line.credits);
                if self.account.is_none() {
                    sum(&mut sums, line);
                    continue;
                }
                if part.count >= skip && part.lines.len() < take {
                    part.lines.push(line);
                }
                part.count += 1;
            }
        }
        if self.account.is_none() {
            part.count = sums.len();
            part.lines = sums.into_values().skip(skip).take(take).collect();
            name_accounts(app, &mut part.lines).await?;
        }
        Ok(part)
    }

    /// The lines, some items at a time.
    pub async fn batches(&self, app: &App) -> Result<Batches> {
        Ok(Batches {
            app: app.clone(),
            report: self.clone(),
            rates: Rates::load(app.database.reads()).await?,
            after: 0,
        })
    }

    /// The same report with its lines cut otherwise than at months: into `parts`, which are the whole of it.
    pub(super) fn cut(&self, parts: Vec<Hours>) -> Self {
        Self {
            months: parts,
            ..self.clone()
        }
    }

    /// Whether it will never change: all of its hours are closed.
    pub fn is_closed(&self) -> bool {
        self.to <= self.closed_until
    }
}

/// The lines of a report, some items at a time.
#[derive(Debug)]
pub struct Batches {
    app: App,
    report: Report,
    rates: Rates,
    after: i64,
}

impl Batches {
    /// The lines of the next items; none where there are no more items.
    pub async fn next(&mut self) -> Result<Option<Vec<Line>>> {
        let scope = self
            .report
            .account
            .map_or(Scope::Everything, Scope::Account);
        let items = billing_item::Entity::visible_to(scope)
            .filter(billing_item::Column::Number.gt(self.after))
            .order_by_asc(billing_item::Column::Number)
            .limit(BATCH)
            .all(self.app.database.reads())
            .await?;
        let Some(last) = items.last() else {
            return Ok(None);
        };
        self.after = last.number;
        Ok(Some(self.lines_of(&items).await?))
    }

    async fn lines_of(&self, items: &[billing_item::Model]) -> Result<Vec<Line>> {
        use billing_span::Column;
        let ms = |hour: i64| hour.saturating_mul(HOUR_MS);
        let months = &self.report.months;
        let (Some(first), Some(last)) = (months.first(), months.last()) else {
            return Ok(Vec::new());
        };
        let lasts = Condition::any()
            .add(Column::EndedMs.is_null())
            .add(Column::EndedMs.gt(ms(first.from)));
        let spans = billing_span::Entity::find()
            .filter(Column::Item.is_in(items.iter().map(|item| item.number)))
            .filter(Column::BeganMs.lt(ms(last.to)))
            .filter(lasts)
            .order_by_asc(Column::Item)
            .order_by_asc(Column::Seq)
            .all(self.app.database.reads())
            .await?;
        let mut of_items: HashMap<i64, Vec<billing_span::Model>> = HashMap::new();
        for span in spans {
            of_items.entry(span.item).or_default().push(span);
        }
        let measured = |item: &billing_item::Model| {
            let is_measured =
                item.kind == BillingKind::Snapshot && of_items.contains_key(&item.number);
            is_measured.then_some(item.volume_id).flatten()
        };
        let volumes: BTreeSet<VolumeId> = items.iter().filter_map(measured).collect();
        let volumes: Vec<VolumeId> = volumes.into_iter().collect();
        let hours = Hours {
            from: first.from,
            to: last.to,
        };
        let gaps = measurement::gaps(self.app.database.reads(), &volumes, hours).await?;
        let mut lines = Vec::new();
        for item in items {
            let Some(spans) = of_items.get(&item.number) else {
                continue;
            };
            let gaps = match item.kind {
                BillingKind::Snapshot => item.volume_id.and_then(|id| gaps.get(&id)),
                _ => None,
            };
            let facts = Facts {
                item,
                spans,
                gaps: gaps.map_or(&[], Vec::as_slice),
                rates: &self.rates,
            };
            lines.extend(line::of_item(facts, months)?);
        }
        Ok(lines)
    }
}

/// The hours of a period: whole ones, that have begun, of ten years at most.
fn checked(from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>) -> Result<Hours> {
    let hours = Hours::between(from, to)
        .ok_or_else(|| Error::invalid("`from` and `to` are whole hours of UTC."))?;
    if hours.from >= hours.to {
        return Err(Error::invalid("`from` lies before `to`."));
    }
    if hours.from < 0 {
        return Err(Error::invalid("`from` is not before 1970."));
    }
    let running = now.timestamp_millis().div_euclid(HOUR_MS);
    if hours.to > running + 1 {
        return Err(Error::invalid(
            "`to` is at most the end of the hour that has begun: nobody knows what comes.",
        ));
    }
    let longest = from.checked_add_months(Months::new(12 * MAX_YEARS));
    if longest.is_none_or(|longest| to > longest) {
        return Err(Error::invalid(format!(
            "A period has at most {MAX_YEARS} years."
        )));
    }
    Ok(hours)
}

type Sums = BTreeMap<(i64, AccountId, BillingKind), Line>;

/// Adds a line to that of its month, account and kind.
fn sum(sums: &mut Sums, line: Line) {
    let key = (line.period.from, line.account_id, line.kind);
    let Some(sum) = sums.get_mut(&key) else {
        let first = Line {
            item: None,
            resource_id: None,
            name: String::new(),
            volume_id: None,
            plan_id: None,
            version: 0,
            rate: None,
            ..line
        };
        sums.insert(key, first);
        return;
    };
    sum.hours += line.hours;
    sum.estimated_hours += line.estimated_hours;
    sum.byte_hours += line.byte_hours;
    sum.credits.add(&line.credits);
}

/// A line that sums an account's items is called as the account is.
async fn name_accounts(app: &App, lines: &mut [Line]) -> Result<()> {
    let ids: Vec<AccountId> = lines.iter().map(|line| line.account_id).collect();
    let accounts = account::Entity::once_visible_to(Scope::Everything)
        .filter(account::Column::Id.is_in(ids))
        .all(app.database.reads())
        .await?;
    let names: HashMap<AccountId, String> = accounts
        .into_iter()
        .map(|account| (account.id, account.name))
        .collect();
    for line in lines {
        line.name = names.get(&line.account_id).cloned().unwrap_or_default();
    }
    Ok(())
}
