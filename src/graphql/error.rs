//! Errors as callers see them: the only conversion of the domain's errors to `extensions.code`.
//!
//! Resolvers pass errors on with `?`, and async-graphql keeps each as the source of its own error.
//! Here, once per response, the source becomes a code and the words for the caller. An error that
//! is not one of ours never gets out: it is logged and answered as `INTERNAL`.

use std::{fmt, sync::Arc};

use async_graphql::{ErrorExtensionValues, Response, ServerError};
use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use sea_orm::DbErr;

use crate::domain::{Error, ErrorCode, damage::is_damage, guard::Refusal};

/// The result of resolving a field.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a field could not be resolved. Fields that wait for the same batch share it.
#[derive(Clone, Debug)]
pub struct Failure(Arc<Error>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Failure {
    /// The code that callers see.
    pub fn code(&self) -> ErrorCode {
        self.0.code()
    }
}

impl Failure {
    /// Whether the same may succeed later: the database was away.
    pub fn passes(&self) -> bool {
        matches!(*self.0, Error::Database(_)) && !is_damage(&self.0)
    }
}

impl Failure {
    /// Whether a row is damaged: the same may succeed once somebody has mended it.
    pub fn is_damage(&self) -> bool {
        matches!(*self.0, Error::Database(_)) && is_damage(&self.0)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        Error::from(error).into()
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Error::from(refusal).into()
    }
}

/// An instant as the API writes it: RFC 3339, UTC, with milliseconds.
pub fn instant(at: DateTime<Utc>) -> String {
    // A page has hundreds of them, and chrono reads the form anew for each.
    plain_instant(at).unwrap_or_else(|| at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// The same of a year with four digits.
fn plain_instant(at: DateTime<Utc>) -> Option<String> {
    let year = u32::try_from(at.year()).ok().filter(|year| *year <= 9999)?;
    let parts = [
        (year, 4, b'-'),
        (at.month(), 2, b'-'),
        (at.day(), 2, b'T'),
        (at.hour(), 2, b':'),
        (at.minute(), 2, b':'),
        (at.second(), 2, b'.'),
        // One thousand and more is a leap second, which chrono writes in its own way.
        (at.timestamp_subsec_millis(), 3, b'Z'),
    ];
    let mut text = String::with_capacity(24);
    for (number, digits, end) in parts {
        for place in (0..digits).rev() {
            let digit = number / 10_u32.pow(place) % 10;
            text.push(char::from_digit(digit, 10)?);
        }
        text.push(char::from(end));
    }
    (at.timestamp_subsec_millis() < 1000).then_some(text)
}

/// Gives every error of `response` its code and its words. Internal causes are logged, each once,
/// with `trace_id`, which is all that the caller learns of them.
pub fn answer(response: &mut Response, trace_id: &str) {
    let mut logged: Vec<String> = Vec::new();
    for error in &mut response.errors {
        if code_of(error).is_some() {
            continue;
        }
        let cause = match verdict(error) {
            Verdict::Told(extensions) => {
                error.extensions = Some(extensions);
                continue;
            }
            Verdict::Internal(cause) => cause,
        };
        if !logged.contains(&cause) {
            tracing::error!(trace_id, path = %path(error), cause, "a field could not be resolved");
            logged.push(cause);
        }
        error.message = format!("Internal error. Trace id: {trace_id}");
        error.source = None;
        error.extensions = Some(coded(ErrorCode::Internal));
    }
}

/// The answer to an operation whose resolver panicked.
pub fn panicked(panic: &(dyn std::any::Any + Send)) -> Response {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "something that is no text".to_owned());
    let failure = Failure::from(Error::Broken(format!("a resolver panicked: {said}")));
    let error = async_graphql::Error::new_with_source(failure);
    let mut answer = ServerError::new(error.message, None);
    answer.source = error.source;
    Response::from_errors(vec![answer])
}

/// Marks an error of async-graphql itself.
pub fn with_code(mut error: ServerError, code: ErrorCode) -> ServerError {
    if code_of(&error).is_none() {
        error.extensions = Some(coded(code));
    }
    error
}

/// The code that an error carries, as the API writes it.
pub fn code_of(error: &ServerError) -> Option<String> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code.clone()),
        async_graphql::Value::Enum(code) => Some(code.to_string()),
        _ => None,
    }
}

enum Verdict {
    Told(ErrorExtensionValues),
    Internal(String),
}

fn verdict(error: &ServerError) -> Verdict {
    if let Some(Failure(cause)) = error.source::<Failure>() {
        of_domain(cause)
    } else if let Some(cause) = error.source::<Error>() {
        of_domain(cause)
    } else if error.source.is_some() {
        Verdict::Internal(error.message.clone())
    } else if error.path.is_empty() {
        // The document does not say which of its operations is meant, or the like.
        Verdict::Told(coded(ErrorCode::GraphqlValidationFailed))
    } else {
        // A value fits the type's shape but is none of its values: a ByteCount below 0, a DateTime
        // that is no date. Validation cannot see that, so a field does.
        Verdict::Told(coded(ErrorCode::InvalidInput))
    }
}

fn of_domain(error: &Error) -> Verdict {
    let code = error.code();
    if code == ErrorCode::Internal {
        return Verdict::Internal(error.to_string());
    }
    let mut extensions = coded(code);
    if let Some(seconds) = error.retry_after_seconds() {
        extensions.set("retryAfterSeconds", seconds);
    }
    if let Some(at) = error.available_at() {
        extensions.set("availableAt", instant(at));
    }
    if let Some(operation) = error.operation() {
        extensions.set("operationId", operation.to_string());
    }
    Verdict::Told(extensions)
}

fn coded(code: ErrorCode) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    extensions
}

fn path(error: &ServerError) -> String {
    let segments = error.path.iter().map(|segment| match segment {
        async_graphql::PathSegment::Field(name) => name.clone(),
        async_graphql::PathSegment::Index(index) => index.to_string(),
    });
    segments.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use entity::{OperationId, operation::OperationKind};
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{Ids, guard::Active};

    fn answered(failure: impl Into<async_graphql::Error>) -> Value {
        let error = failure
            .into()
            .into_server_error(async_graphql::Pos::default());
        let mut response = Response::from_errors(vec![error]);
        answer(&mut response, "trace-1");
        serde_json::to_value(&response.errors[0]).unwrap()
    }

    #[test]
    fn an_instant_is_written_as_chrono_writes_it() {
        for millis in [
            0,
            -1,
            951_782_399_999,
            951_782_400_000,
            1_790_000_000_007,
            253_402_300_799_999,
            253_402_300_800_000,
            -62_167_219_200_000,
            -62_167_219_200_001,
        ] {
            let at = DateTime::from_timestamp_millis(millis).unwrap();
            let told = at.to_rfc3339_opts(SecondsFormat::Millis, true);
            assert_eq!(instant(at), told);
        }
        let leap = DateTime::from_timestamp(1_483_228_799, 1_500_000_000).unwrap();
        let told = leap.to_rfc3339_opts(SecondsFormat::Millis, true);
        assert_eq!(instant(leap), told);
    }

    #[test]
    fn a_cooldown_tells_when_to_come_back() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let ends_at = now + chrono::TimeDelta::milliseconds(1500);
        let error = answered(Failure::from(Refusal::VolumeInCooldown { ends_at, now }));
        let extensions = json!({
            "code": "VOLUME_IN_COOLDOWN",
            "retryAfterSeconds": 2,
            "availableAt": "2026-09-21T14:13:21.500Z",
        });
        assert_eq!(error["extensions"], extensions);
    }

    #[test]
    fn a_busy_volume_names_the_operation() {
        let id = Ids.next(OperationId::from_uuid);
        let kind = OperationKind::CreateSnapshot;
        let error = answered(Error::from(Refusal::VolumeBusy(Active { id, kind })));
        let extensions = json!({ "code": "VOLUME_BUSY", "operationId": id.to_string() });
        assert_eq!(error["extensions"], extensions);
        assert_eq!(error["message"], "Volume is busy with operation: snapshot");
    }

    #[test]
    fn an_error_that_is_none_of_ours_stays_inside() {
        let secret = "password in a connection string";
        for failure in [
            answered(DbErr::Custom(secret.to_owned())),
            answered(Error::Broken(secret.to_owned())),
            answered(std::io::Error::other(secret)),
        ] {
            assert_eq!(failure["message"], "Internal error. Trace id: trace-1");
            assert_eq!(failure["extensions"], json!({ "code": "INTERNAL" }));
        }
    }
}
