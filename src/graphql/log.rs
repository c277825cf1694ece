//! One line in the log for each operation: what it was, who asked, how long it took, how it ended.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use async_graphql::{
    Request, Response, ServerResult,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest, NextRequest,
        NextSubscribe,
    },
};
use futures_util::{StreamExt, stream::BoxStream};

use super::{Origin, context::of_request, error};
use crate::domain::Requester;

/// Makes a line for each request.
#[derive(Debug)]
pub struct Log;

impl ExtensionFactory for Log {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Line {
            about: Arc::default(),
            began: Instant::now(),
        })
    }
}

#[derive(Clone)]
struct Line {
    about: Arc<OnceLock<About>>,
    began: Instant,
}

struct About {
    operation: Option<String>,
    actor: Option<String>,
    request_id: Option<String>,
}

impl Line {
    fn write(&self, what: &'static str, codes: &str) {
        let about = self.about.get();
        tracing::info!(
            what,
            operation = about.and_then(|about| about.operation.as_deref()),
            actor = about.and_then(|about| about.actor.as_deref()),
            request_id = about.and_then(|about| about.request_id.as_deref()),
            elapsed_ms = self.began.elapsed().as_millis(),
            errors = codes,
            "answered"
        );
    }
}

/// Writes the line of a subscription when its stream ends, whoever ends it.
struct OpenLine {
    line: Line,
    codes: String,
}

impl OpenLine {
    fn note(&mut self, response: &Response) {
        if !response.errors.is_empty() {
            self.codes = codes(response);
        }
    }
}

impl Drop for OpenLine {
    fn drop(&mut self) {
        self.line.write("subscription", &self.codes);
    }
}

fn codes(response: &Response) -> String {
    let codes: Vec<_> = response.errors.iter().filter_map(error::code_of).collect();
    codes.join(" ")
}

#[async_graphql::async_trait::async_trait]
impl Extension for Line {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let response = next.run(ctx).await;
        if tracing::enabled!(tracing::Level::INFO) {
            self.write("operation", &codes(&response));
        }
        response
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let mut line = OpenLine {
            line: self.clone(),
            codes: String::new(),
        };
        let noted = next
            .run(ctx, stream)
            .inspect(move |response| line.note(response));
        Box::pin(noted)
    }

    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        if tracing::enabled!(tracing::Level::INFO) {
            let origin = of_request::<Origin>(ctx, &request);
            // It is set once, here: each request has a line of its own.
            let _ = self.about.set(About {
                operation: request.operation_name.clone(),
                actor: of_request(ctx, &request).map(Requester::actor),
                request_id: origin.and_then(|origin| origin.request_id.clone()),
            });
        }
        next.run(ctx, request).await
    }
}
