//! The gate that every operation passes on its way in and out: on the way in it gets its loaders,
//! on the way out every error gets its code, and a panic becomes an error like any other.
//!
//! It hooks operations and the events of subscriptions, never single fields: a hook on each field
//! would cost half of the server's speed.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
};

use async_graphql::{
    Data, Request, Response, ServerError, ServerResult, ValidationResult, Variables,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery,
        NextPrepareRequest, NextRequest, NextSubscribe, NextValidation,
    },
    parser::types::ExecutableDocument,
};
use futures_util::{FutureExt, StreamExt, stream::BoxStream};

use super::{
    Loaders, Origin,
    complete::complete,
    context::{of_request, requester},
    error,
    operation::name_if_any,
};
use crate::{
    app::App,
    domain::{ErrorCode, Ids},
};

/// How many of the faults of a document are told.
const MAX_REFUSALS: usize = 20;

/// Makes a gate for each request.
#[derive(Debug)]
pub struct Gate;

impl ExtensionFactory for Gate {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Passage {
            trace_id: Arc::default(),
            document: OnceLock::new(),
        })
    }
}

struct Passage {
    trace_id: Arc<OnceLock<String>>,
    /// The document, and the variables that came with it.
    document: OnceLock<(String, Variables)>,
}

impl Passage {
    /// `response` with failed fields as null. That is rare, so the document is parsed again then,
    /// and not kept in all other cases.
    fn completed(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        mut response: Response,
    ) -> Response {
        if response.errors.is_empty() {
            return response;
        }
        let Some((text, variables)) = self.document.get() else {
            return response;
        };
        if let Ok(document) = async_graphql::parser::parse_query(text) {
            let registry = &ctx.schema_env.registry;
            response.data = complete(registry, &document, operation_name, variables, &response);
        }
        response
    }
}

/// The request's id, or a new one where it came without.
fn trace_id(known: &OnceLock<String>) -> &str {
    known.get_or_init(|| Ids.next(|id| id.to_string()))
}

#[async_graphql::async_trait::async_trait]
impl Extension for Passage {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        if !response.errors.is_empty() {
            error::answer(&mut response, trace_id(&self.trace_id));
        }
        response
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let known = self.trace_id.clone();
        let answered = AssertUnwindSafe(next.run(ctx, stream))
            .catch_unwind()
            .map(move |event| {
                let mut response = event.unwrap_or_else(|panic| error::panicked(panic.as_ref()));
                if !response.errors.is_empty() {
                    error::answer(&mut response, trace_id(&known));
                }
                response
            });
        Box::pin(answered)
    }

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let mut request = request;
        name_if_any(&mut request);
        let origin = of_request::<Origin>(ctx, &request);
        if let Some(id) = origin.and_then(|origin| origin.request_id.clone()) {
            // It is set once, here: each request has a passage of its own.
            let _ = self.trace_id.set(id);
        }
        next.run(ctx, request).await
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let _ = self.document.set((query.to_owned(), variables.clone()));
        let parsed = next.run(ctx, query, variables).await;
        parsed.map_err(|failure| error::with_code(failure, ErrorCode::GraphqlParseFailed))
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let code = |failure| error::with_code(failure, ErrorCode::GraphqlValidationFailed);
        let valid = next.run(ctx).await;
        valid.map_err(|failures| failures.into_iter().take(MAX_REFUSALS).map(code).collect())
    }

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
            let loaders = Loaders::new(app.clone(), requester(ctx).clone());
            let mut data = Data::default();
            data.insert(loaders.clone());
            let execution = next.run_with_data(ctx, operation_name, data);
            loaders.drive(execution).await
        };
        let response = AssertUnwindSafe(execution)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| error::panicked(panic.as_ref()));
        self.completed(ctx, operation_name, response)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Object, Schema, SimpleObject, Subscription};
    use futures_util::{Stream, stream};

    use super::*;

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

    fn schema() -> Schema<Query, async_graphql::EmptyMutation, Events> {
        Schema::build(Query, async_graphql::EmptyMutation, Events)
            .extension(Gate)
            .finish()
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
