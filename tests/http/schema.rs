//! A schema that does what transports must bear: it waits, it fails, it panics, it never ends.

#![expect(
    clippy::unused_async,
    reason = "resolvers are async, whether they wait or not"
)]

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_graphql::{Context, Object, Result, Schema, Subscription};
use futures_util::{Stream, StreamExt, stream};
use tidemark::{domain::Requester, graphql::Origin};
use tokio::sync::{Notify, watch};

pub type TestSchema = Schema<Query, Mutation, Counting>;

/// What tests see of the resolvers, and tell them.
#[derive(Clone, Default)]
pub struct Stage {
    /// A mutation has begun.
    pub begun: Arc<Notify>,
    /// Lets the mutation end.
    pub release: Arc<Notify>,
    /// How many mutations have ended.
    pub done: Arc<AtomicU32>,
    /// How many endless queries and subscriptions are open.
    pub watchers: watch::Sender<u32>,
}

pub fn schema(stage: Stage) -> TestSchema {
    Schema::build(Query, Mutation, Counting)
        .data(stage)
        .finish()
}

pub struct Query;

#[Object]
impl Query {
    async fn ok(&self) -> bool {
        true
    }

    async fn who(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(ctx.data::<Requester>()?.actor())
    }

    async fn remote(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(ctx.data::<Origin>()?.remote.clone())
    }

    async fn fails(&self) -> Result<Option<bool>> {
        Err("it fails".into())
    }

    /// Never answered; counted for as long as somebody waits for it.
    async fn waits(&self, ctx: &Context<'_>) -> Result<bool> {
        let watchers = ctx.data::<Stage>()?.watchers.clone();
        watchers.send_modify(|watchers| *watchers += 1);
        let _watcher = Watcher(watchers);
        std::future::pending().await
    }

    /// The cause is data, so that the compiler does not see what comes.
    async fn panics(&self, #[graphql(default = "the secret cause")] cause: String) -> bool {
        assert!(cause.is_empty(), "{cause}");
        true
    }
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn bump(&self) -> bool {
        true
    }

    async fn slow(&self, ctx: &Context<'_>) -> Result<u32> {
        let stage = ctx.data::<Stage>()?;
        stage.begun.notify_one();
        stage.release.notified().await;
        Ok(stage.done.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

pub struct Counting;

/// Counts an open stream for as long as it is not dropped.
struct Watcher(watch::Sender<u32>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.send_modify(|watchers| *watchers -= 1);
    }
}

#[Subscription]
impl Counting {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> {
        stream::iter(1..=to)
    }

    async fn forever(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = bool>> {
        let watchers = ctx.data::<Stage>()?.watchers.clone();
        watchers.send_modify(|watchers| *watchers += 1);
        let watcher = Watcher(watchers);
        Ok(stream::iter([true])
            .chain(stream::pending())
            .inspect(move |_| {
                let _ = &watcher;
            }))
    }
}
