//! What an account used in a period, and what it costs.

use async_graphql::Object;
use tokio::sync::OnceCell;

use super::{
    UsageGrouping, UsageGroups,
    usage_line::{Exact, UsageLineConnection},
};
use crate::{
    app::App,
    domain::billing::{
        report::{Part, Report},
        summary::Summary,
    },
    graphql::{
        context::{app, requester},
        error::Result,
        page::{Cursor, DEFAULT_SIZE, MAX_SIZE},
        scalar::DateTime,
    },
};

/// What was used in a period, and what it costs.
#[derive(Debug)]
pub struct UsageReport {
    report: Report,
    whole: OnceCell<Part>,
    summary: Summary,
}

impl From<Report> for UsageReport {
    fn from(report: Report) -> Self {
        Self {
            report,
            whole: OnceCell::new(),
            summary: Summary::default(),
        }
    }
}

impl UsageReport {
    async fn whole(&self, app: &App) -> Result<&Part> {
        let whole = || self.report.lines(app, 0, 0);
        Ok(self.whole.get_or_try_init(whole).await?)
    }
}

/// What was used in a period, and what it costs. An hour is paid for what is there at its first instant.
#[Object]
impl UsageReport {
    /// The first instant of the period.
    async fn from(&self) -> DateTime {
        self.report.from.into()
    }

    /// The instant behind the last one of the period.
    async fn to(&self) -> DateTime {
        self.report.to.into()
    }

    /// What all lines cost: their sum, exactly.
    async fn total_credits(&self, ctx: &async_graphql::Context<'_>) -> Result<Exact> {
        Ok(Exact::from(&self.whole(app(ctx)?).await?.total))
    }

    /// Hours before this instant are closed and never change.
    async fn closed_until(&self) -> DateTime {
        self.report.closed_until.into()
    }

    /// The lines summed by what they have in common, the dearest first: each exactly the sum of its lines.
    async fn groups(
        &self,
        ctx: &async_graphql::Context<'_>,
        #[graphql(
            desc = "By what; by kind unless said otherwise.",
            default_with = "UsageGrouping::Kind"
        )]
        by: UsageGrouping,
        #[graphql(desc = "How many: 0 to 100; 20 unless said otherwise.")] first: Option<i32>,
    ) -> Result<UsageGroups> {
        let first = usize::try_from(checked_size(first)?).unwrap_or_default();
        let (app, scope) = (app(ctx)?, requester(ctx).scope()?);
        let groups = self.summary.groups(app, &self.report, by.into(), first);
        UsageGroups::of(app, scope, groups.await?).await
    }

    /// The lines, in a stable order: each is one resource at one rate within one month.
    async fn lines(
        &self,
        ctx: &async_graphql::Context<'_>,
        #[graphql(desc = "How many from the front: 0 to 100; 20 unless said otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
    ) -> Result<UsageLineConnection> {
        let size = checked_size(first)?;
        let skip = match after {
            None => 0,
            Some(cursor) => Cursor::event(&cursor)?.saturating_add(1),
        };
        let skip = usize::try_from(skip).unwrap_or_default();
        let take = usize::try_from(size).unwrap_or_default();
        let part = self.report.lines(app(ctx)?, skip, take).await?;
        Ok(UsageLineConnection::new(part, skip))
    }
}

/// How many are asked for.
fn checked_size(first: Option<i32>) -> Result<u64> {
    let Some(first) = first else {
        return Ok(DEFAULT_SIZE);
    };
    let size = u64::try_from(first).ok().filter(|size| *size <= MAX_SIZE);
    Ok(size.ok_or_else(|| {
        crate::domain::Error::invalid(format!("`first` is a number from 0 to {MAX_SIZE}."))
    })?)
}
