//! The gate that every operation passes on its way in and out: on the way in its document is validated and it gets its
//! loaders, on the way out every error gets its code, and a panic becomes an error like any other.
//!
//! It stands around the executor and hooks nothing inside of it: one extension alone, whatever it does, slows every
//! field down. Only what watches has one, for each event is carried out by itself.

mod watch;

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
    time::Instant,
};

use async_graphql::{
    Data, Executor, ObjectType, Request, Response, SchemaBuilder, SubscriptionType, ValidationMode,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
};
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};

use super::{
    Limits, Loaders, Origin,
    context::{of_request, requester},
    document::{Documents, Prepared},
    error, limit,
    log::{Line, OpenLine},
    metered::Meter,
    operation::{Carrier, Kind},
    shared::Shares,
    text::InText,
    told::{Told, codes},
};
use crate::{
    app::App,
    domain::{Ids, Requester},
};

/// The root types of a schema, of which it holds none.
type Roots<Q, M, S> = std::marker::PhantomData<fn() -> (Q, M, S)>;

/// What a schema is made of.
#[derive(Debug)]
pub struct Builder<Q, M, S> {
    app: Option<App>,
    limits: Limits,
    introspection: bool,
    roots: Roots<Q, M, S>,
}

impl<Q, M, S> Default for Builder<Q, M, S> {
    fn default() -> Self {
        Self {
            app: None,
            limits: Limits::default(),
            introspection: true,
            roots: std::marker::PhantomData,
        }
    }
}

impl<Q, M, S> Builder<Q, M, S>
where
    Q: ObjectType + Default + 'static,
    M: ObjectType + Default + 'static,
    S: SubscriptionType + Default + 'static,
{
    /// On `app`.
    #[must_use]
    pub fn app(mut self, app: App) -> Self {
        self.app = Some(app);
        self
    }

    /// With other limits than the usual.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Without telling clients of itself.
    #[must_use]
    pub fn disable_introspection(mut self) -> Self {
        self.introspection = false;
        self
    }

    /// The schema.
    pub fn finish(self) -> Gate<Q, M, S> {
        let single = self.schema().finish();
        let documents = Arc::new(Documents::new(&single.sdl(), self.limits));
        let events = Events(Arc::clone(&documents));
        let metrics = self.app.as_ref().map(|app| app.metrics.clone());
        Gate(Arc::new(Shared {
            meter: Meter::new(metrics.unwrap_or_default(), &documents),
            documents,
            single,
            streams: self.schema().extension(events).finish(),
            app: self.app,
            shares: Shares::default(),
        }))
    }

    fn schema(&self) -> SchemaBuilder<Q, M, S> {
        let mut schema = async_graphql::Schema::build(Q::default(), M::default(), S::default())
            // A suggestion would name fields that are hidden from the caller.
            .disable_suggestions()
            // Documents were validated by then.
            .validation_mode(ValidationMode::Fast);
        if let Some(app) = &self.app {
            schema = schema.data(app.clone());
        }
        if self.introspection {
            schema
        } else {
            schema.disable_introspection()
        }
    }
}

/// A schema behind its gate. Clones share it.
pub struct Gate<Q, M, S>(Arc<Shared<Q, M, S>>);

struct Shared<Q, M, S> {
    app: Option<App>,
    documents: Arc<Documents>,
    meter: Meter,
    /// Carries out queries and mutations.
    single: async_graphql::Schema<Q, M, S>,
    /// Carries out subscriptions.
    streams: async_graphql::Schema<Q, M, S>,
    /// The subscriptions that are carried out once for many.
    shares: Shares,
}

impl<Q, M, S> Clone for Gate<Q, M, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q, M, S> std::fmt::Debug for Gate<Q, M, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// The request's id, or a new one where it came without.
#[derive(Clone)]
struct Trace(Arc<OnceLock<String>>);

impl Trace {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn of(request: &Request) -> Self {
        of_request(request).map_or_else(Self::new, Self::by)
    }

    fn by(origin: &Origin) -> Self {
        let trace = Self::new();
        if let Some(id) = &origin.request_id {
            // It is new, so nothing was set before.
            let _ = trace.0.set(id.clone());
        }
        trace
    }

    fn answered(&self, mut response: Response) -> Response {
        if !response.errors.is_empty() {
            let id = self.0.get_or_init(|| Ids.next(|id| id.to_string()));
            error::answer(&mut response, id);
        }
        response
    }
}

impl<Q, M, S> Gate<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    /// The schema in its own language.
    pub fn sdl(&self) -> String {
        self.0.single.sdl()
    }

    /// The answer to a query or a mutation.
    pub async fn execute(&self, request: impl Into<Request>) -> Response {
        let mut request = request.into();
        let (line, trace, began) = (Line::of(&request), Trace::of(&request), Instant::now());
        let response = match self.0.documents.prepare(&mut request) {
            Ok(prepared) => {
                let response = trace.answered(self.asked(request, &prepared).await);
                self.0.meter.answered(&prepared, &response, began);
                response
            }
            Err(refusals) => {
                self.0.meter.refused(&refusals);
                trace.answered(Response::from_errors(refusals))
            }
        };
        line.write(&response);
        response
    }

    /// The answer to a query or a mutation that passed.
    async fn asked(&self, mut request: Request, prepared: &Prepared) -> Response {
        if !prepared.is_left_alone() {
            request.data.insert(InText(false));
        }
        if prepared.is_query() {
            return self.queried(request, prepared).await;
        }
        let response = self.carried_out(request, u64::MAX).await;
        prepared.finished(&self.0.documents, response)
    }

    /// The answer to a query, if it comes in time and is not too large.
    async fn queried(&self, request: Request, prepared: &Prepared) -> Response {
        let limits = self.0.documents.limits();
        let room = limits.max_answer_bytes.into();
        let answer = tokio::time::timeout(limits.query_timeout(), self.carried_out(request, room));
        let Ok(response) = answer.await else {
            return Response::from_errors(vec![limit::timed_out(limits)]);
        };
        match limit::too_large(&response.data, limits) {
            Some(refusal) => Response::from_errors(vec![refusal]),
            None => prepared.finished(&self.0.documents, response),
        }
    }

    /// A mutation is carried through whatever it answers; a query stops where more was read than its answer has `room`
    /// for.
    async fn carried_out(&self, request: Request, room: u64) -> Response {
        let execution = async {
            // The one that came with the request is its caller's share.
            let Some(app) = of_request(&request).or(self.0.app.as_ref()) else {
                return self.0.single.execute(request).await;
            };
            let requester = of_request(&request).unwrap_or(&Requester::Anonymous);
            let loaders = Loaders::new(app.clone(), requester.clone(), room);
            let execution = self.0.single.execute(request.data(loaders.clone()));
            let driven = loaders.drive(execution).await;
            driven.unwrap_or_else(|read| limit::larger(read, room))
        };
        AssertUnwindSafe(execution)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| error::panicked(panic.as_ref()))
    }

    /// The answers to any operation.
    pub fn execute_stream(&self, request: impl Into<Request>) -> BoxStream<'static, Response> {
        let mut request = request.into();
        let (line, trace) = (Line::of(&request), Trace::of(&request));
        let began = Instant::now();
        let mut line = OpenLine::new(line);
        let prepared = match self.0.documents.prepare(&mut request) {
            Ok(prepared) => Arc::new(prepared),
            Err(refusals) => {
                self.0.meter.refused(&refusals);
                let response = trace.answered(Response::from_errors(refusals));
                line.note(&codes(&response));
                return stream::once(async { response }).boxed();
            }
        };
        let gate = self.clone();
        if !prepared.is_subscription() {
            let answer = async move {
                let answer = AssertUnwindSafe(gate.asked(request, &prepared)).catch_unwind();
                let answer = answer.await;
                let answer = answer.unwrap_or_else(|panic| error::panicked(panic.as_ref()));
                let response = trace.answered(answer);
                gate.0.meter.answered(&prepared, &response, began);
                line.note(&codes(&response));
                response
            };
            return stream::once(answer).boxed();
        }
        let mut open = self.0.meter.opened();
        let events = self.events(request, &prepared, trace);
        let answered = events.inspect(move |response| {
            gate.0.meter.sent(&mut open, &prepared, response);
            line.note(&codes(response));
        });
        answered.boxed()
    }

    /// The answers to a subscription that passed.
    fn events(
        &self,
        request: Request,
        prepared: &Arc<Prepared>,
        trace: Trace,
    ) -> BoxStream<'static, Response> {
        let execution = self.0.meter.execution();
        let events = self
            .0
            .streams
            .execute_stream(request.data(Arc::clone(prepared)));
        let answered = AssertUnwindSafe(events).catch_unwind().map(move |event| {
            // It is counted until its stream is dropped.
            let _ = &execution;
            let event = event.unwrap_or_else(|panic| error::panicked(panic.as_ref()));
            trace.answered(event)
        });
        answered.boxed()
    }
}

impl<Q, M, S> Executor for Gate<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    async fn execute(&self, request: Request) -> Response {
        Self::execute(self, request).await
    }

    /// A connection has no data of its own: all comes with each request.
    fn execute_stream(
        &self,
        request: Request,
        _session_data: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        Self::execute_stream(self, request)
    }
}

impl<Q, M, S> Carrier for Gate<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    fn kind(&self, request: &mut Request) -> Kind {
        self.0.documents.kind(request)
    }

    fn watch(&self, request: Request) -> BoxStream<'static, Told> {
        Self::watch(self, request)
    }
}

/// What is done around each event of a subscription.
struct Events(Arc<Documents>);

impl ExtensionFactory for Events {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self(Arc::clone(&self.0)))
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Events {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let execution = async {
            let Some(app) = ctx.data_opt::<App>() else {
                return next.run(ctx, operation_name).await;
            };
            let room = self.0.limits().max_answer_bytes.into();
            let loaders = Loaders::new(app.clone(), requester(ctx).clone(), room);
            let mut data = Data::default();
            data.insert(loaders.clone());
            let execution = next.run_with_data(ctx, operation_name, data);
            let driven = loaders.drive(execution).await;
            driven.unwrap_or_else(|read| limit::larger(read, room))
        };
        let response = AssertUnwindSafe(execution)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| error::panicked(panic.as_ref()));
        match ctx.data_opt::<Arc<Prepared>>() {
            Some(prepared) => prepared.finished(&self.0, response),
            None => response,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Object, SimpleObject, Subscription};
    use futures_util::{Stream, stream};

    use super::*;

    #[derive(Default)]
    struct Query;

    #[Object]
    impl Query {
        async fn broken(&self) -> Fragile {
            Fragile { breaks: true }
        }
    }

    #[derive(Clone, Copy, SimpleObject)]
    #[graphql(complex)]
    struct Fragile {
        breaks: bool,
    }

    #[async_graphql::ComplexObject]
    impl Fragile {
        async fn touch(&self) -> bool {
            assert!(!self.breaks, "a secret of the house");
            true
        }
    }

    #[derive(Default)]
    struct Events;

    #[Subscription]
    impl Events {
        async fn events(&self) -> impl Stream<Item = Fragile> {
            stream::iter([false, true, false]).map(|breaks| Fragile { breaks })
        }

        async fn never(&self) -> impl Stream<Item = Fragile> {
            assert!(std::hint::black_box(false), "a secret of the house");
            stream::empty()
        }
    }

    fn schema() -> Gate<Query, async_graphql::EmptyMutation, Events> {
        Builder::default().finish()
    }

    fn request(document: &str) -> Request {
        Request::new(document).data(Origin {
            remote: None,
            request_id: Some("trace-1".to_owned()),
        })
    }

    fn assert_internal(response: &Response) {
        let error = &response.errors[0];
        assert_eq!(error.message, "Internal error. Trace id: trace-1");
        assert_eq!(error::code_of(error).unwrap(), "INTERNAL");
    }

    #[tokio::test]
    async fn a_panic_in_a_field_is_an_internal_error() {
        let response = schema().execute(request("{ broken { touch } }")).await;
        assert_internal(&response);
    }

    #[tokio::test]
    async fn a_panic_in_one_event_does_not_end_the_stream() {
        let document = "subscription { events { touch } }";
        let stream = schema().execute_stream(request(document));
        let events: Vec<_> = stream.collect().await;
        assert_eq!(events.len(), 3);
        assert!(events[0].is_ok());
        assert_internal(&events[1]);
        assert!(events[2].is_ok());
    }

    #[tokio::test]
    async fn a_panic_at_the_start_of_a_stream_is_its_last_event() {
        let document = "subscription { never { touch } }";
        let stream = schema().execute_stream(request(document));
        let events: Vec<_> = stream.collect().await;
        assert_eq!(events.len(), 1);
        assert_internal(&events[0]);
    }
}
