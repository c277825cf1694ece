//! The lines of a usage report.

use async_graphql::{
    ContextSelectionSet, Enum, ID, Object, OutputType, Positioned, ServerResult, SimpleObject,
    Value, connection::PageInfo, parser::types::Field, registry::Registry,
};
use entity::billing_item::BillingKind;

use crate::{
    domain::billing::{
        Amount,
        amount::gigabyte_hours,
        line::{Line, instant},
        report::Part,
    },
    graphql::{
        error::Result,
        page::Cursor,
        scalar::{DateTime, Decimal},
    },
};

/// A number that was computed exactly, as the scalar `Decimal`: it may have more digits than a value that is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact(String);

impl OutputType for Exact {
    fn type_name() -> std::borrow::Cow<'static, str> {
        <Decimal as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Decimal as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::String(self.0.clone()))
    }
}

impl From<&Amount> for Exact {
    fn from(amount: &Amount) -> Self {
        Self(amount.to_string())
    }
}

/// As what something is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UsageKind {
    /// An instance, for each hour at whose first instant it runs.
    Compute,
    /// A snapshot: what it retains.
    Snapshot,
    /// A backup: the size of its volume.
    Backup,
    /// An administrator's correction, in the month in which it was made.
    Correction,
}

impl From<BillingKind> for UsageKind {
    fn from(kind: BillingKind) -> Self {
        match kind {
            BillingKind::Compute => Self::Compute,
            BillingKind::Snapshot => Self::Snapshot,
            BillingKind::Backup => Self::Backup,
            BillingKind::Correction => Self::Correction,
        }
    }
}

/// One resource at one rate within one month; without `accountId`, to an administrator, one account and kind.
#[derive(Clone, Debug, SimpleObject)]
pub struct UsageLine {
    /// As what it is billed.
    pub kind: UsageKind,
    /// Who pays.
    pub account_id: ID,
    /// The snapshot, backup or instance; null where several are summed.
    pub resource_id: Option<ID>,
    /// What it is called; the account's name where several are summed.
    pub resource_name: String,
    /// The volume that it was made of; null for compute.
    pub volume_id: Option<ID>,
    /// The plan whose rate it is; null for compute.
    pub plan_id: Option<ID>,
    /// The first instant of the part of the period that lies in this line's month.
    pub from: DateTime,
    /// The instant behind the last one of that part.
    pub to: DateTime,
    /// How many hours are paid for.
    pub hours: i32,
    /// How many of them are estimated: of a snapshot whose size had not been measured for more than two hours, by its last size.
    pub estimated_hours: i32,
    /// The bytes of each hour, summed: a whole number. Null for compute.
    pub byte_hours: Option<String>,
    /// The same in GB (2^30 bytes), exactly. Null for compute.
    pub gigabyte_hours: Option<Exact>,
    /// Credits for each GB and month of 730 hours, or for each hour of compute; null where rates are summed.
    pub rate: Option<Decimal>,
    /// What it costs, rounded once, to 12 digits, half to even.
    pub credits: Exact,
}

impl UsageLine {
    fn of(line: &Line) -> Result<Self> {
        let is_compute = line.kind == BillingKind::Compute;
        Ok(Self {
            kind: line.kind.into(),
            account_id: line.account_id.to_string().into(),
            resource_id: line.resource_id.clone().map(ID),
            resource_name: line.name.clone(),
            volume_id: line.volume_id.clone().map(ID),
            plan_id: line.plan_id.map(|id| id.to_string().into()),
            from: instant(line.period.from)?.into(),
            to: instant(line.period.to)?.into(),
            hours: i32::try_from(line.hours).unwrap_or(i32::MAX),
            estimated_hours: i32::try_from(line.estimated_hours).unwrap_or(i32::MAX),
            byte_hours: (!is_compute).then(|| line.byte_hours.to_string()),
            gigabyte_hours: (!is_compute).then(|| Exact(gigabyte_hours(&line.byte_hours))),
            rate: line.rate.map(Decimal),
            credits: Exact::from(&line.credits),
        })
    }
}

/// A page of a report's lines, and how to go on from it.
#[derive(Debug)]
pub struct UsageLineConnection {
    part: Part,
    skip: usize,
}

/// A line, and its place in the report.
#[derive(Debug, SimpleObject)]
pub struct UsageLineEdge {
    /// Its place in the report, for `after`.
    pub cursor: String,
    /// The line.
    pub node: UsageLine,
}

impl UsageLineConnection {
    /// The lines of `part`, which begins behind `skip` of the report.
    pub fn new(part: Part, skip: usize) -> Self {
        Self { part, skip }
    }

    /// The cursor of the line that is so far behind the page's first.
    fn cursor(&self, at: usize) -> String {
        Cursor::of_event(i64::try_from(self.skip + at).unwrap_or(i64::MAX)).encode()
    }
}

/// A page of a report's lines, and how to go on from it.
#[Object]
impl UsageLineConnection {
    /// The lines of the page, each with its cursor.
    async fn edges(&self) -> Result<Vec<UsageLineEdge>> {
        let edge = |(at, line): (usize, &Line)| -> Result<UsageLineEdge> {
            Ok(UsageLineEdge {
                cursor: self.cursor(at),
                node: UsageLine::of(line)?,
            })
        };
        self.part.lines.iter().enumerate().map(edge).collect()
    }

    /// The lines of the page.
    async fn nodes(&self) -> Result<Vec<UsageLine>> {
        self.part.lines.iter().map(UsageLine::of).collect()
    }

    /// How to go on from this page.
    async fn page_info(&self) -> PageInfo {
        let shown = self.part.lines.len();
        PageInfo {
            has_previous_page: self.skip > 0,
            has_next_page: self.skip + shown < self.part.count,
            start_cursor: (shown > 0).then(|| self.cursor(0)),
            end_cursor: shown.checked_sub(1).map(|last| self.cursor(last)),
        }
    }

    /// How many lines the whole report has.
    async fn total_count(&self) -> i32 {
        i32::try_from(self.part.count).unwrap_or(i32::MAX)
    }
}
