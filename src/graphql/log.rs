//! One line in the log for each operation: what it was, who asked, how long it took, how it ended.

use std::time::Instant;

use async_graphql::{Request, Response};

use super::{Origin, context::of_request, told};
use crate::domain::{ErrorCode, Requester};

/// What the line of a request says, as far as it is known when it comes. There is none where nobody reads it.
pub struct Line(Option<About>);

struct About {
    operation: Option<String>,
    actor: Option<String>,
    request_id: Option<String>,
    began: Instant,
}

impl Line {
    /// The line of `request`.
    pub fn of(request: &Request) -> Self {
        Self(tracing::enabled!(tracing::Level::INFO).then(|| About {
            operation: request.operation_name.clone(),
            actor: of_request(request).map(Requester::actor),
            request_id: of_request::<Origin>(request).and_then(|origin| origin.request_id.clone()),
            began: Instant::now(),
        }))
    }

    /// Writes that the operation was answered.
    pub fn write(&self, response: &Response) {
        if self.0.is_some() {
            self.put("operation", &told::codes(response));
        }
    }

    fn put(&self, what: &'static str, codes: &[ErrorCode]) {
        let Some(about) = &self.0 else { return };
        let codes: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
        tracing::info!(
            what,
            operation = about.operation.as_deref(),
            actor = about.actor.as_deref(),
            request_id = about.request_id.as_deref(),
            elapsed_ms = about.began.elapsed().as_millis(),
            errors = codes.join(" "),
            "answered"
        );
    }
}

/// Writes the line of a subscription when its stream ends, whoever ends it.
pub struct OpenLine {
    line: Line,
    codes: Vec<ErrorCode>,
}

impl OpenLine {
    /// Keeps `line` until the stream ends.
    pub fn new(line: Line) -> Self {
        Self {
            line,
            codes: Vec::new(),
        }
    }

    /// Notes the errors of the last event.
    pub fn note(&mut self, codes: &[ErrorCode]) {
        if !codes.is_empty() {
            codes.clone_into(&mut self.codes);
        }
    }
}

impl Drop for OpenLine {
    fn drop(&mut self) {
        self.line.put("subscription", &self.codes);
    }
}
