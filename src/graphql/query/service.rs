//! Reading what is of no noun: the time, what errors mean, and what needs an administrator.

use async_graphql::{Context, Object};

use crate::{
    domain::{ErrorCode, attention},
    graphql::{
        context::{admin, app, now},
        error::Result,
        scalar::DateTime,
        types::{attention::Attention, error_code::ErrorDescription},
        visible,
    },
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

    /// What needs an administrator.
    #[graphql(visible = "visible::to_admins")]
    async fn attention(&self, ctx: &Context<'_>) -> Result<Attention> {
        admin(ctx)?;
        let version = env!("CARGO_PKG_VERSION");
        let read = Box::pin(attention::read(app(ctx)?, version));
        Ok(read.await?.into())
    }

    /// Every code that an error may carry: what it means, whether time heals it, what to do.
    async fn error_catalog(&self) -> Vec<ErrorDescription> {
        ErrorCode::ALL.iter().copied().map(Into::into).collect()
    }
}
