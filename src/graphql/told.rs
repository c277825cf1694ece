//! An answer as it is sent: written once, however many it is sent to.

use std::sync::Arc;

use async_graphql::{Response, Value};
use serde::ser::Error as _;
use serde_json::Error;

use super::{error::code_of, text};
use crate::domain::ErrorCode;

/// What is sent where an answer cannot be written.
const UNWRITABLE: &str =
    r#"[{"message":"Internal server error","extensions":{"code":"INTERNAL"}}]"#;

/// `response` as JSON, as the specification of GraphQL wants it: one that was refused has no `data`.
pub fn json(response: &Response) -> serde_json::Result<Vec<u8>> {
    text::response(response, is_refusal(response))
}

/// Whether the executor refused the whole request, before it asked a single field.
pub fn is_refusal(response: &Response) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// The codes of the errors of `response`.
pub fn codes(response: &Response) -> Vec<ErrorCode> {
    let code = |error| {
        let code = code_of(error).and_then(|code| code.parse().ok());
        code.unwrap_or(ErrorCode::Internal)
    };
    response.errors.iter().map(code).collect()
}

/// An answer as JSON. Clones share its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The response; of a refusal its list of errors.
    json: Arc<str>,
    is_refusal: bool,
    codes: Vec<ErrorCode>,
}

impl Told {
    /// `response`, written.
    pub fn of(response: &Response) -> Self {
        let is_refusal = is_refusal(response);
        let written = if is_refusal {
            serde_json::to_vec(&response.errors)
        } else {
            text::response(response, false)
        };
        match written.and_then(|json| String::from_utf8(json).map_err(Error::custom)) {
            Ok(json) => Self {
                json: json.into(),
                is_refusal,
                codes: codes(response),
            },
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                Self {
                    json: UNWRITABLE.into(),
                    is_refusal: true,
                    codes: vec![ErrorCode::Internal],
                }
            }
        }
    }

    /// The response as JSON; of a refusal its list of errors.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Whether the whole request was refused, before a single field was asked.
    pub fn is_refusal(&self) -> bool {
        self.is_refusal
    }

    /// The codes of its errors.
    pub fn codes(&self) -> &[ErrorCode] {
        &self.codes
    }

    /// Whether an error of it says that nobody is signed in.
    pub fn is_unauthenticated(&self) -> bool {
        self.codes.contains(&ErrorCode::Unauthenticated)
    }
}
