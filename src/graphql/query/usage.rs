//! Reading what was used and what it costs.

use async_graphql::{Context, ID, Object};

use crate::{
    domain::billing::report::Report,
    graphql::{
        context::{app, requester},
        error::Result,
        id,
        scalar::DateTime,
        types::UsageReport,
        visible,
    },
};

/// Reading what was used and what it costs.
#[derive(Debug, Default)]
pub struct UsageQuery;

#[Object]
impl UsageQuery {
    /// What was used in whole hours, and what it costs: the account's own; an administrator may name another, or none
    /// for all of them.
    #[graphql(visible = "visible::to_users")]
    async fn usage_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first instant: a whole hour.")] from: DateTime,
        #[graphql(
            desc = "The instant behind the last: a whole hour, at most the end of the one that has begun, and at most ten \
                    years behind `from`."
        )]
        to: DateTime,
        #[graphql(desc = "Whose; the caller's own unless said otherwise, an administrator's all.")]
        account_id: Option<ID>,
    ) -> Result<UsageReport> {
        let requester = requester(ctx);
        requester.scope()?;
        let account = account_id
            .map(|account| id::find(&account, "account"))
            .transpose()?;
        let report = Report::of(app(ctx)?, requester, (from.0, to.0), account).await?;
        Ok(report.into())
    }
}
