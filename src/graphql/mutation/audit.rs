//! Leaves an audit event of a mutation, whether it was carried out or refused. Its payload may be null for the schema,
//! so that what is refused does not hide what other mutations of the same document did.
//! What callers are refused whom nobody knows is only counted.

use std::future::Future;

use async_graphql::{Context, ID};
use futures_util::future::BoxFuture;

use crate::{
    domain::{ErrorCode, Requester, audit},
    graphql::{
        context::{app, loaders, origin, requester},
        error::Result,
    },
};

/// Does `work`, the mutation that `ctx` resolves, and records how it ended: what is carried out in the transaction that
/// does it. `ids` are those that its input names. A token that only reads is refused here, whatever the mutation.
pub fn audited<'a, T: Send + 'a>(
    ctx: &'a Context<'a>,
    ids: &[&ID],
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<T>>> {
    carried_out(ctx, entry(ctx, ids), work)
}

/// The same with the reason that its input gives.
pub fn audited_because<'a, T: Send + 'a>(
    ctx: &'a Context<'a>,
    ids: &[&ID],
    reason: &str,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<T>>> {
    let mut entry = entry(ctx, ids);
    entry.reason = Some(reason.to_owned());
    carried_out(ctx, entry, work)
}

fn carried_out<'a, T: Send + 'a>(
    ctx: &'a Context<'a>,
    entry: audit::Entry,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> BoxFuture<'a, Result<Option<T>>> {
    let requester = requester(ctx);
    let work = Box::pin(work);
    Box::pin(async move {
        let (result, is_written) = match requester.may_change() {
            Ok(()) => audit::carry_out(entry.clone(), work).await,
            Err(error) => (Err(error.into()), false),
        };
        let refusal = refusal(&result);
        if !is_written || refusal.is_some() {
            record(ctx, requester, &entry, refusal).await?;
        }
        // The payload, and mutations after this one, see what it changed.
        loaders(ctx)?.forget();
        result.map(Some)
    })
}

fn entry(ctx: &Context<'_>, ids: &[&ID]) -> audit::Entry {
    let (origin, requester) = (origin(ctx), requester(ctx));
    let ids = ids.iter().map(|id| id.as_str());
    audit::Entry {
        account_id: requester.account_id(),
        actor: requester.actor(),
        mutation: ctx.field().name().to_owned(),
        resource_ids: ids.collect::<Vec<_>>().join(" "),
        reason: None,
        remote: origin.remote.clone(),
        request_id: origin.request_id.clone(),
    }
}

/// The code of the error, if there is one.
fn refusal<T>(result: &Result<T>) -> Option<ErrorCode> {
    let failure = result.as_ref().err()?;
    Some(failure.code())
}

/// Records what changed nothing, or what was refused.
async fn record(
    ctx: &Context<'_>,
    requester: &Requester,
    entry: &audit::Entry,
    refusal: Option<ErrorCode>,
) -> Result<()> {
    let app = app(ctx)?;
    if let (Requester::Anonymous, Some(code)) = (requester, refusal) {
        // Whoever it is could have it written as often as they like.
        app.refused.count(&entry.mutation, code);
        return Ok(());
    }
    // What was answered is answered: the caller learns of it though its trace could not be kept.
    if let Err(error) = audit::record(app, entry, refusal.map(ErrorCode::as_str)).await {
        tracing::error!(%error, "an audit event was lost");
    }
    Ok(())
}
