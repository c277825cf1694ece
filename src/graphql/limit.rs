//! The refusals of what is larger than it may be: of a document, and of an answer by its time and its bytes.

use async_graphql::{Response, ServerError, Value};

use super::{bound, error::with_code};
use crate::{domain::ErrorCode, limits::Limits};

/// The refusal of a text that is not even read.
pub fn refused(excess: bound::Excess) -> ServerError {
    let mut refusal = with_code(ServerError::new(excess.to_string(), None), excess.code());
    if let (Some(extensions), Some(limit)) = (&mut refusal.extensions, excess.limit()) {
        extensions.set("limit", limit);
    }
    refusal
}

/// The refusal of a query that takes too long.
pub fn timed_out(limits: &Limits) -> ServerError {
    let seconds = limits.query_timeout_seconds;
    let message =
        format!("The query took more than {seconds} seconds and was stopped. Ask for less.");
    with_code(ServerError::new(message, None), ErrorCode::TimedOut)
}

/// The refusal of a query whose answer, `data`, is too large; none if it is not.
pub fn too_large(data: &Value, limits: &Limits) -> Option<ServerError> {
    let limit: u64 = limits.max_answer_bytes.into();
    within("answer in bytes", size(data), limit).err()
}

/// The answer to a query that had read `read` bytes of long texts, which are more than it has `room` for.
pub fn larger(read: u64, room: u64) -> Response {
    let refusal = within("answer in bytes", read, room).err();
    Response::from_errors(refusal.into_iter().collect())
}

/// About how many bytes `value` has as JSON.
fn size(value: &Value) -> u64 {
    let length = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX);
    match value {
        Value::Object(fields) => fields.iter().fold(2, |sum: u64, (name, value)| {
            sum.saturating_add(length(name) + 4)
                .saturating_add(size(value))
        }),
        Value::List(items) => items
            .iter()
            .fold(2, |sum: u64, item| sum.saturating_add(size(item) + 1)),
        Value::String(text) => length(text) + 2,
        Value::Enum(name) => length(name) + 2,
        // What is written already.
        Value::Binary(text) => u64::try_from(text.len()).unwrap_or(u64::MAX),
        Value::Null | Value::Boolean(_) | Value::Number(_) => 8,
    }
}

/// Refuses a `figure` above its `limit`.
pub fn within(what: &str, figure: u64, limit: u64) -> Result<(), ServerError> {
    if figure <= limit {
        return Ok(());
    }
    let message = format!("The query's {what} is {figure}; at most {limit} is allowed.");
    let mut refusal = with_code(ServerError::new(message, None), ErrorCode::QueryTooComplex);
    if let Some(extensions) = &mut refusal.extensions {
        extensions.set("figure", figure);
        extensions.set("limit", limit);
    }
    Err(refusal)
}
