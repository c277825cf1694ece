//! Reading what is true for everybody: the time, and what errors mean.

use async_graphql::{Context, Object};

use crate::{
    domain::ErrorCode,
    graphql::{context::now, error::Result, scalar::DateTime, types::error_code::ErrorDescription},
};

/// Reading what is true for everybody.
#[derive(Debug, Default)]
pub struct ServiceQuery;

#[Object]
impl ServiceQuery {
    /// The database's clock: panels count down against it, not against their own.
    async fn server_time(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(now(ctx).await?.into())
    }

    /// Every code that an error may carry: what it means, whether time heals it, what to do.
    async fn error_catalog(&self) -> Vec<ErrorDescription> {
        ErrorCode::ALL.iter().copied().map(Into::into).collect()
    }
}
