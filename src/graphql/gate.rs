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

use super::{Loaders, Origin, context::requester, error};
use crate::{
    app::App,
    domain::{ErrorCode, Ids},
};

/// Makes a gate for each request.
#[derive(Debug)]
pub struct Gate;

impl ExtensionFactory for Gate {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Passage {
            trace_id: Arc::default(),
        })
    }
}

struct Passage {
    trace_id: Arc<OnceLock<String>>,
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
        let origin = request.data.get(&std::any::TypeId::of::<Origin>());
        let origin = origin.and_then(|origin| origin.downcast_ref::<Origin>());
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
        valid.map_err(|failures| failures.into_iter().map(code).collect())
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let Some(app) = ctx.data_opt::<App>() else {
            return next.run(ctx, operation_name).await;
        };
        let loaders = Loaders::new(app.clone(), requester(ctx).clone());
        let mut data = Data::default();
        data.insert(loaders.clone());
        let execution = loaders.drive(next.run_with_data(ctx, operation_name, data));
        AssertUnwindSafe(execution)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| error::panicked(panic.as_ref()))
    }
}
