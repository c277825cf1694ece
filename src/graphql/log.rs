//! One line in the log for each operation: what it was, who asked, how long it took, how it ended.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use async_graphql::{
    Request, Response, ServerResult,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest, NextRequest},
};

use super::{Origin, error};
use crate::domain::Requester;

/// Makes a line for each request.
#[derive(Debug)]
pub struct Log;

impl ExtensionFactory for Log {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Line::default())
    }
}

#[derive(Default)]
struct Line {
    about: OnceLock<About>,
}

struct About {
    operation: Option<String>,
    actor: Option<String>,
    request_id: Option<String>,
}

#[async_graphql::async_trait::async_trait]
impl Extension for Line {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let began = Instant::now();
        let response = next.run(ctx).await;
        if tracing::enabled!(tracing::Level::INFO) {
            let codes: Vec<_> = response.errors.iter().filter_map(error::code_of).collect();
            let about = self.about.get();
            tracing::info!(
                operation = about.and_then(|about| about.operation.as_deref()),
                actor = about.and_then(|about| about.actor.as_deref()),
                request_id = about.and_then(|about| about.request_id.as_deref()),
                elapsed_ms = began.elapsed().as_millis(),
                errors = codes.join(" "),
                "operation"
            );
        }
        response
    }

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        if tracing::enabled!(tracing::Level::INFO) {
            let requester = request.data.get(&std::any::TypeId::of::<Requester>());
            let requester = requester.and_then(|data| data.downcast_ref::<Requester>());
            let origin = request.data.get(&std::any::TypeId::of::<Origin>());
            let origin = origin.and_then(|data| data.downcast_ref::<Origin>());
            // It is set once, here: each request has a line of its own.
            let _ = self.about.set(About {
                operation: request.operation_name.clone(),
                actor: requester.map(Requester::actor),
                request_id: origin.and_then(|origin| origin.request_id.clone()),
            });
        }
        next.run(ctx, request).await
    }
}
