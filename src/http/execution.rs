//! Carries one operation out, whatever transport it came by.

use async_graphql::{Request, Response};
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::Instant;
use tracing::Instrument;

use super::{Gateway, auth::Caller, failure::Failure, persisted, turn::Turn};
pub(super) use crate::graphql::operation::{Carrier, Kind};
use crate::{
    domain::{HangUp, Requester},
    graphql::{text::InText, told::Told},
};

impl<E: Carrier> Gateway<E> {
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
        let turn = self.turn(&caller).await?;
        // What merely waits within a mutation learns that nobody waits for it any more.
        let hang_up = HangUp::default();
        let _hung_up = hang_up.when_dropped();
        // A stranger lets go of it while a password waits to be checked. What they may still ask for in the
        // same document is refused at once, or waits in the same queue.
        let turn = match caller.requester {
            Requester::Anonymous => {
                hang_up.hold(turn);
                None
            }
            Requester::User { .. } | Requester::Agent { .. } => Some(turn),
        };
        let request = self.put(caller, request).data(hang_up).data(InText(true));
        let executor = self.executor.clone();
        let work = async move {
            let response = executor.execute(request).await;
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
    ) -> BoxStream<'static, Told> {
        let gateway = self.clone();
        if kind == Kind::Subscription {
            return gateway.watched(request, caller).flatten_stream().boxed();
        }
        stream::once(async move {
            let answer = gateway.answer(request, kind, caller).await;
            Told::of(&answer.unwrap_or_else(Failure::into_answer))
        })
        .boxed()
    }

    /// The answers to a subscription, if its caller may have one more.
    async fn watched(self, request: Request, caller: Caller) -> BoxStream<'static, Told> {
        match self.streams.subscription(caller.payer()).await {
            Ok(place) => {
                let answers = self.executor.watch(self.put(caller, request));
                answers.inspect(move |_| _ = &place).boxed()
            }
            Err(failure) => stream::iter([Told::of(&failure.into_answer())]).boxed(),
        }
    }

    /// The request as `caller`'s, with their share of the database.
    fn put(&self, caller: Caller, request: Request) -> Request {
        let app = self.app_of(caller.share()).clone();
        caller.put_into(request).data(app)
    }
}

impl<E> Gateway<E> {
    /// Waits for a turn to carry out a query or a mutation.
    pub(super) async fn turn(&self, caller: &Caller) -> Result<Turn, Failure> {
        let deadline = Instant::now() + self.http.queue_timeout();
        let (share, payer) = (caller.share(), caller.payer());
        self.turns.turn(share, payer, deadline).await
    }
}

/// A GET changes nothing: links, caches and crawlers repeat it at will.
pub(super) fn without_mutations<E: Carrier>(
    mut request: Request,
    gateway: &Gateway<E>,
) -> Result<(Request, Kind), Failure> {
    match gateway.executor.kind(&mut request) {
        Kind::Mutation => Err(Failure::method("POST", "A mutation is sent by POST.")),
        kind => Ok((request, kind)),
    }
}
