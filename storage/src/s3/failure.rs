//! What an S3 store says when it refuses, sorted into what a person has to repair.

use std::{error::Error as StdError, io, time::Duration};

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ConnectorError, ProvideErrorMetadata, SdkError},
    primitives::{DateTime, DateTimeFormat},
};

use crate::Error;

/// A raw answer, as errors carry it.
pub(super) type Answer = HttpResponse;

/// What an error says of itself, whichever request it came from.
pub(super) trait Told {
    /// The store's code, such as `NoSuchKey`; an answer without a body has none.
    fn code(&self) -> Option<&str>;
    /// The store's own words.
    fn message(&self) -> Option<&str>;
    /// The status of the answer, if there was one.
    fn status(&self) -> Option<u16>;
    /// A header of the answer.
    fn header(&self, name: &str) -> Option<&str>;
    /// What stands between the tags of this name in the answer.
    fn element(&self, name: &str) -> Option<&str>;
    /// Why there was no answer.
    fn connector(&self) -> Option<&ConnectorError>;
    /// The error with all that it comes from.
    fn chain(&self) -> String;
}

impl<E> Told for SdkError<E, Answer>
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    fn code(&self) -> Option<&str> {
        self.as_service_error()?.code()
    }

    fn message(&self) -> Option<&str> {
        self.as_service_error()?.message()
    }

    fn status(&self) -> Option<u16> {
        Some(self.raw_response()?.status().as_u16())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.raw_response()?.headers().get(name)
    }

    fn element(&self, name: &str) -> Option<&str> {
        let body = str::from_utf8(self.raw_response()?.body().bytes()?).ok()?;
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>"))
            .map(|(found, _)| found.trim())
            .filter(|found| !found.is_empty())
    }

    fn connector(&self) -> Option<&ConnectorError> {
        match self {
            Self::DispatchFailure(failure) => failure.as_connector_error(),
            _ => None,
        }
    }

    fn chain(&self) -> String {
        chain(self)
    }
}

/// An error with all that it comes from, each said once.
fn chain(error: &dyn StdError) -> String {
    let mut words = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if words
            .last()
            .is_none_or(|last: &String| !last.ends_with(&text))
        {
            words.push(text);
        }
        next = error.source();
    }
    words.join(": ")
}

/// Whether the store says that there is no such object.
pub(super) fn says_absent<E: Told>(error: &E) -> bool {
    matches!(error.code(), Some("NoSuchKey" | "NotFound"))
}

/// The same of an answer that may have no body and so no code, as that to HEAD: it may come from who stands before the
/// store, too.
pub(super) fn is_absent<E: Told>(error: &E) -> bool {
    says_absent(error) || (error.code().is_none() && error.status() == Some(404))
}

/// Whether the store says that an upload is over or never was. Ceph's says so in two ways.
pub(super) fn is_no_upload<E: Told>(error: &E) -> bool {
    matches!(error.code(), Some("NoSuchUpload" | "NoSuchKey"))
}

/// Whether the object ends before the range begins.
pub(super) fn is_beyond<E: Told>(error: &E) -> bool {
    error.code() == Some("InvalidRange") || error.status() == Some(416)
}

/// Whether the store does not know this kind of request.
pub(super) fn is_unsupported<E: Told>(error: &E) -> bool {
    matches!(
        error.code(),
        Some("NotImplemented" | "MethodNotAllowed" | "UnsupportedOperation")
    ) || matches!(error.status(), Some(405 | 501))
}

/// Sorts an error by the store's code, or by its status where there is no code.
pub(super) fn sort(error: &impl Told, bucket: &str, doing: &str) -> Error {
    if let Some(connector) = error.connector() {
        return unanswered(connector, doing);
    }
    let denied = |why: &str| Error::Permission {
        doing: format!("{doing}: {why}"),
    };
    let unreachable = |reason: String| Error::Unreachable { reason };
    match (error.code(), error.status()) {
        (Some("InvalidAccessKeyId"), _) => denied("the store does not know the access key"),
        (Some("SignatureDoesNotMatch"), _) => {
            denied("the secret access key does not belong to the access key")
        }
        (Some("RequestTimeTooSkewed" | "RequestExpired"), _) => {
            denied("this host's clock and the store's are too far apart")
        }
        (
            Some(
                "AuthorizationHeaderMalformed"
                | "PermanentRedirect"
                | "IllegalLocationConstraintException",
            ),
            _,
        )
        | (_, Some(301 | 302 | 307 | 308)) => unreachable(elsewhere(error, bucket)),
        (Some("InvalidObjectState"), _) => Error::Archived {
            path: doing
                .split_once(' ')
                .map_or(doing, |(_, path)| path)
                .to_owned(),
        },
        (Some("NoSuchBucket"), _) => no_bucket(bucket),
        (Some("InvalidBucketName"), _) => {
            unreachable(format!("the store takes no bucket with the name {bucket}"))
        }
        (
            Some(
                "QuotaExceeded"
                | "InsufficientStorage"
                | "EntityTooLarge"
                | "XMinioStorageFull"
                | "InsufficientCapacity"
                | "ServiceQuotaExceededException",
            ),
            _,
        )
        | (_, Some(507)) => Error::Full {
            doing: doing.into(),
        },
        (Some("BadDigest" | "InvalidDigest" | "XAmzContentSHA256Mismatch"), _) => {
            Error::Unfaithful {
                reason: format!("other bytes arrived than were sent while {doing}"),
            }
        }
        (Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem"), _)
        | (_, Some(401 | 403)) => denied("the access key has no permission for it"),
        (Some("SlowDown" | "SlowDownRead" | "SlowDownWrite" | "TooManyRequests"), _)
        | (_, Some(429 | 503)) => Error::Busy {
            reason: format!("{} while {doing}", words(error)),
            after: retry_after(error),
        },
        (Some("RequestTimeout" | "IncompleteBody" | "OperationAborted"), _)
        | (_, Some(408 | 425 | 500 | 502 | 504)) => Error::Transient {
            reason: format!("{} while {doing}", words(error)),
        },
        (Some(_), Some(200)) => Error::Transient {
            reason: format!(
                "it said {} and nevertheless success while {doing}",
                words(error)
            ),
        },
        (None, status) if status.is_none_or(|status| status < 300) => Error::Transient {
            reason: format!(
                "an answer that cannot be understood while {doing}: {}",
                error.chain()
            ),
        },
        _ => Error::Io {
            doing: doing.into(),
            source: io::Error::other(words(error)),
        },
    }
}

/// How long the store asks us to wait: in seconds, or until an instant by its own clock.
fn retry_after(error: &impl Told) -> Option<Duration> {
    let asked = error.header("retry-after")?.trim();
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let seconds = |date: &str| {
        let date = DateTime::from_str(date, DateTimeFormat::HttpDate);
        Some(date.ok()?.secs())
    };
    let left = seconds(asked)? - seconds(error.header("date")?.trim())?;
    Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
}

/// Where the store says that the bucket is instead.
fn elsewhere(error: &impl Told, bucket: &str) -> String {
    let region = error
        .header("x-amz-bucket-region")
        .or_else(|| error.element("Region"));
    let endpoint = error
        .element("Endpoint")
        .or_else(|| error.header("location"));
    let is_redirect = error.status().is_some_and(|status| status < 400);
    match (region, endpoint) {
        (Some(region), _) => format!(
            "the bucket {bucket} is in another region than the one that is configured: in {region}"
        ),
        (None, Some(endpoint)) if is_redirect => format!(
            "the bucket {bucket} is not at the endpoint that is configured, which names {endpoint}"
        ),
        _ => format!("the bucket {bucket} is in another region than the one that is configured"),
    }
}

/// There is a store, and not this bucket in it.
pub(super) fn no_bucket(bucket: &str) -> Error {
    Error::Unreachable {
        reason: format!("the bucket {bucket} does not exist"),
    }
}

/// What the store said, in short.
fn words(error: &impl Told) -> String {
    let status = error.status().unwrap_or_default();
    match (error.code(), error.message()) {
        (Some(code), Some(message)) if !message.is_empty() => format!("{code} ({message})"),
        (Some(code), _) => code.to_owned(),
        (None, _) => format!("status {status}"),
    }
}

/// Why there was no answer. All of it may pass: names are resolved and servers start again.
fn unanswered(error: &ConnectorError, doing: &str) -> Error {
    let chain = chain(error);
    let reason = if error.is_timeout() {
        "the endpoint does not answer".into()
    } else if chain.contains("dns error") {
        "the endpoint's name cannot be resolved".into()
    } else if chain.contains("Connection refused") {
        "the endpoint refuses connections".into()
    } else if chain.contains("ertificate") {
        format!("the endpoint's certificate is not accepted ({chain})")
    } else {
        chain
    };
    Error::Transient {
        reason: format!("{reason} while {doing}"),
    }
}
