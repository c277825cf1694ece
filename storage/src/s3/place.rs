//! A bucket as it is asked for things: the client, and which key an object has.

use std::{fmt, future::Future, time::Duration};

use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation,
        ResponseChecksumValidation, StalledStreamProtectionConfig, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
    error::SdkError,
};
use tokio::time::timeout;

use super::S3Bucket;
use super::failure::{Answer, Told, sort};
use crate::{Error, ObjectPath, Result};

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a store may take to answer, or stand still within a request or an answer.
pub(super) const SILENCE_LIMIT: Duration = Duration::from_secs(20);

/// What a request comes to.
pub(super) type Asked<T, E> = std::result::Result<T, SdkError<E, Answer>>;

/// Where in a store objects lie.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) client: Client,
    pub(super) bucket: String,
    /// What every key begins with: nothing, or something that ends with a slash.
    root: String,
    /// When it is looked whether an upload is complete.
    pub(super) looks: Looks,
}

/// When it is looked whether an upload is complete whose completion is not answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looks {
    /// How long it is not.
    pub(super) first: Duration,
    /// How often it is then.
    pub(super) every: Duration,
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}/{}", self.bucket, self.root)
    }
}

impl Place {
    pub(super) fn new(address: &S3Bucket) -> Self {
        let root = address.prefix.as_deref().unwrap_or_default();
        let root = root.trim_matches('/');
        Self {
            client: client(address),
            bucket: address.bucket.clone(),
            looks: Looks {
                first: Duration::from_mins(1),
                every: Duration::from_secs(20),
            },
            root: if root.is_empty() {
                String::new()
            } else {
                format!("{root}/")
            },
        }
    }

    /// What every key begins with.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// The key of an object.
    pub(super) fn key(&self, path: &ObjectPath) -> String {
        format!("{}{path}", self.root)
    }

    /// A name that is no object's, beside the object: `….{ending}` with a dot before it.
    pub(super) fn hidden_key(&self, path: &ObjectPath, ending: &str) -> String {
        let (directory, name) = match path.as_str().rsplit_once('/') {
            Some((directory, name)) => (format!("{directory}/"), name),
            None => (String::new(), path.as_str()),
        };
        format!("{}{directory}.{name}.{ending}", self.root)
    }

    /// What a key is called below the root; `None` if it lies elsewhere.
    pub(super) fn relative<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(&self.root)
    }

    /// The object that has a key; `None` if the key is none of ours.
    pub(super) fn path(&self, key: &str) -> Option<ObjectPath> {
        ObjectPath::new(self.relative(key)?).ok()
    }

    /// Whether a key lies at or below a prefix, by whole components.
    pub(super) fn is_below(&self, key: &str, prefix: &ObjectPath) -> bool {
        self.relative(key)
            .and_then(|relative| relative.strip_prefix(prefix.as_str()))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Waits for an answer, but not for ever, and sorts what is wrong with it.
    pub(super) fn ask<T, E>(
        &self,
        doing: &str,
        request: impl Future<Output = Asked<T, E>> + Send,
    ) -> impl Future<Output = Result<T>> + Send
    where
        SdkError<E, Answer>: Told,
    {
        // The client's futures are large: on the heap they are moved but once.
        let request = Box::pin(request);
        async move {
            match timeout(SILENCE_LIMIT, request).await {
                Ok(answer) => answer.map_err(|error| sort(&error, &self.bucket, doing)),
                Err(_) => Err(silent(SILENCE_LIMIT, doing)),
            }
        }
    }

    /// The same where a certain refusal is an answer too: that is `None`.
    pub(super) fn ask_unless<T, E>(
        &self,
        expected: impl FnOnce(&SdkError<E, Answer>) -> bool + Send,
        doing: &str,
        request: impl Future<Output = Asked<T, E>> + Send,
    ) -> impl Future<Output = Result<Option<T>>> + Send
    where
        SdkError<E, Answer>: Told,
    {
        let request = Box::pin(request);
        async move {
            match timeout(SILENCE_LIMIT, request).await {
                Ok(Err(error)) if expected(&error) => Ok(None),
                Ok(Err(error)) => Err(sort(&error, &self.bucket, doing)),
                Ok(Ok(answer)) => Ok(Some(answer)),
                Err(_) => Err(silent(SILENCE_LIMIT, doing)),
            }
        }
    }
}

/// Nothing has come for too long.
pub(super) fn silent(limit: Duration, doing: &str) -> Error {
    let seconds = limit.as_secs();
    Error::Transient {
        reason: format!("no answer within {seconds} s while {doing}"),
    }
}

/// A client that does what it is told once: attempts, time-outs and checksums are this module's.
fn client(address: &S3Bucket) -> Client {
    let credentials = Credentials::new(
        &address.access_key_id,
        address.secret_access_key.expose(),
        None,
        None,
        "backup storage",
    );
    let path_style = address
        .force_path_style
        .unwrap_or(address.endpoint.is_some());
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(credentials)
        .region(Region::new(address.region.clone()))
        .force_path_style(path_style)
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_LIMIT)
                .build(),
        )
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Uploads carry a Content-MD5, which every store verifies; trailing checksums few stores know.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    config.set_endpoint_url(address.endpoint.clone());
    Client::from_conf(config.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn place(prefix: Option<&str>) -> Place {
        Place::new(&S3Bucket {
            endpoint: Some("http://127.0.0.1:1".into()),
            region: "here".into(),
            bucket: "bucket".into(),
            prefix: prefix.map(Into::into),
            access_key_id: "id".into(),
            secret_access_key: Secret::new("very secret"),
            force_path_style: None,
        })
    }

    #[test]
    fn a_key_is_the_prefix_and_the_path() {
        let path = ObjectPath::new("a/b").unwrap();
        for (prefix, key) in [
            (None, "a/b"),
            (Some(""), "a/b"),
            (Some("/"), "a/b"),
            (Some("p/q"), "p/q/a/b"),
            (Some("/p/"), "p/a/b"),
        ] {
            let place = place(prefix);
            assert_eq!(place.key(&path), key);
            assert_eq!(place.path(key).as_ref(), Some(&path));
        }
        assert_eq!(place(Some("p")).path("q/a/b"), None);
    }

    #[test]
    fn a_hidden_key_is_no_object() {
        let place = place(Some("p"));
        let key = place.hidden_key(&ObjectPath::new("a/b.zst").unwrap(), "1.upload");
        assert_eq!(key, "p/a/.b.zst.1.upload");
        assert_eq!(place.path(&key), None);
        assert!(place.is_below(&key, &ObjectPath::new("a").unwrap()));
        assert_eq!(
            place.hidden_key(&ObjectPath::new("b").unwrap(), "1.upload"),
            "p/.b.1.upload"
        );
    }

    #[test]
    fn nothing_shows_the_secret() {
        let place = place(None);
        let shown = format!("{place:?} {:?} {:?}", place.client, place.client.config());
        assert!(!shown.contains("very secret"), "{shown}");
    }
}
