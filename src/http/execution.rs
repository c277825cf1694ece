//! Carries one operation out, whatever transport it came by.

use async_graphql::{Executor, Request, Response};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use tracing::Instrument;

use super::{Gateway, auth::Caller, failure::Failure, persisted};
pub(super) use crate::graphql::operation::{Kind, kind};

/// Whether the executor refused the whole request, before it asked a single field.
pub(super) fn is_refusal(response: &Response) -> bool {
    response.data == async_graphql::Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

impl<E: Executor> Gateway<E> {
    /// The answer to a query or a mutation, once it is its turn. A mutation is carried through even
    /// when nobody waits for its answer any more: a client that hangs up must not stop it half way.
    pub(super) async fn answer(
        &self,
        request: Request,
        kind: Kind,
        caller: Caller,
    ) -> Result<Response, Failure> {
        if let Some(refusal) = persisted::refusal(&request) {
            return Ok(refusal);
        }
        let turn = self.turn().await?;
        let executor = self.executor.clone();
        let work = async move {
            let response = executor.execute(caller.put_into(request)).await;
            drop(turn);
            response
        };
        if kind != Kind::Mutation {
            return Ok(work.await);
        }
        match self.running.spawn(work.in_current_span()).await {
            Ok(response) => Ok(response),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// The answers to any operation, in order.
    pub(super) fn answers(
        &self,
        request: Request,
        kind: Kind,
        caller: Caller,
    ) -> BoxStream<'static, Response> {
        if kind == Kind::Subscription {
            return self.executor.execute_stream(caller.put_into(request), None);
        }
        let gateway = self.clone();
        stream::once(async move {
            gateway
                .answer(request, kind, caller)
                .await
                .unwrap_or_else(Failure::into_answer)
        })
        .boxed()
    }
}
