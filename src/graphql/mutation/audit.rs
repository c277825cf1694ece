//! Leaves an audit event of a mutation, whether it was carried out or refused. Its payload may be null for the schema,
//! so that what is refused does not hide what other mutations of the same document did.
//! What callers are refused whom nobody knows is only counted.

use std::future::Future;

use async_graphql::{Context, ID};
use futures_util::future::BoxFuture;

use crate::{
    domain::{Requester, audit},
    graphql::{
        context::{app, loaders, origin, requester},
        error::Result,
    },
};

/// Does `work`, the mutation that `ctx` resolves, and records how it ended. `ids` are those that
/// its input names. A token that only reads is refused here, whatever the mutation.
pub fn audited<'a, T: Send + 'a>(
    ctx: &'a Context<'a>,
    ids: &[&ID],
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<T>>> {
    recorded(ctx, requester(ctx), ids, None, work)
}

/// The same with the reason that its input gives.
pub fn audited_because<'a, T: Send + 'a>(
    ctx: &'a Context<'a>,
    ids: &[&ID],
    reason: &str,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<T>>> {
    recorded(ctx, requester(ctx), ids, Some(reason.to_owned()), work)
}

/// The same in the name of `requester`, who may not be known to the request yet.
pub fn audited_as<'a, T: Send + 'a>(
    ctx: &'a Context<'a>,
    requester: &'a Requester,
    ids: &[&ID],
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<T>>> {
    recorded(ctx, requester, ids, None, work)
}

fn recorded<'a, T: Send + 'a>(
    ctx: &'a Context<'a>,
    requester: &'a Requester,
    ids: &[&ID],
    reason: Option<String>,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<T>>> {
    let resource_ids = ids
        .iter()
        .map(|id| id.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    Box::pin(async move {
        let result = match requester.may_change() {
            Ok(()) => work.await,
            Err(error) => Err(error.into()),
        };
        // The payload, and mutations after this one, see what it changed.
        loaders(ctx)?.forget();
        if let (Requester::Anonymous, Err(failure)) = (requester, &result) {
            // Whoever it is could have it written as often as they like.
            app(ctx)?.refused.count(ctx.field().name(), failure.code());
            return result.map(Some);
        }
        let origin = origin(ctx);
        let entry = audit::Entry {
            requester,
            mutation: ctx.field().name(),
            resource_ids,
            reason,
            remote: origin.remote.clone(),
            request_id: origin.request_id.clone(),
            outcome: result
                .as_ref()
                .map_or_else(|failure| failure.code().as_str(), |_| "OK"),
        };
        // What was done is done: the caller learns of it though its trace could not be kept.
        if let Err(error) = audit::record(app(ctx)?, entry).await {
            tracing::error!(%error, "an audit event was lost");
        }
        result.map(Some)
    })
}
