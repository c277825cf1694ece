//! Who asks: `Authorization: Bearer …` (RFC 6750), else the cookie of a browser's session. Who sends
//! neither is anonymous, since signing in is a mutation too. A token that speaks for nobody is refused;
//! a browser cannot help sending its old cookie, so that is as good as none, and cleared.

use async_graphql::Request;
use axum::http::{HeaderMap, header, request::Parts};

use super::{cookie::Jar, csrf, failure::Failure, remote, site::Site, trace::RequestId};
use crate::{
    app::App,
    config,
    domain::{Error, Requester, token},
    graphql::Origin,
};

/// Who asks, and from where.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Who asks.
    pub requester: Requester,
    /// From where.
    pub origin: Origin,
    /// The session that their browser keeps.
    pub jar: Jar,
}

impl Caller {
    /// The caller of the request with these `parts`.
    pub async fn of(app: &App, config: &config::Http, parts: &Parts) -> Result<Self, Failure> {
        let id = RequestId::of(parts);
        let origin = Origin {
            remote: remote::address(parts, &config.trusted_proxies)
                .map(|address| address.to_string()),
            request_id: Some(id.to_string()),
        };
        let site = Site::of(parts, config);
        let mut jar = Jar::of(parts, &site);
        let requester = match credentials(&parts.headers) {
            Credentials::Unusable => return Err(Failure::unauthenticated()),
            Credentials::Bearer(secret) => authenticate(app, secret, &id)
                .await?
                .ok_or_else(Failure::unauthenticated)?,
            Credentials::None => match jar.read(&parts.headers) {
                None => Requester::Anonymous,
                Some(secret) => {
                    csrf::check(parts, &site)?;
                    let requester = authenticate(app, secret, &id).await?;
                    jar.note(requester.as_ref());
                    requester.unwrap_or(Requester::Anonymous)
                }
            },
        };
        Ok(Self {
            requester,
            origin,
            jar,
        })
    }

    /// The request as this caller's.
    pub fn put_into(self, request: Request) -> Request {
        request
            .data(self.requester)
            .data(self.origin)
            .data(self.jar.changes)
    }
}

/// Whom `secret` speaks for, if anybody.
async fn authenticate(
    app: &App,
    secret: &str,
    id: &RequestId,
) -> Result<Option<Requester>, Failure> {
    match token::authenticate(app, secret).await {
        Ok(requester) => Ok(Some(requester)),
        Err(Error::Unauthenticated) => Ok(None),
        Err(error) => {
            tracing::error!(%error, "a token cannot be checked");
            Err(Failure::internal(id))
        }
    }
}

enum Credentials<'a> {
    None,
    Bearer(&'a str),
    Unusable,
}

fn credentials(headers: &HeaderMap) -> Credentials<'_> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Credentials::None,
        (Some(value), None) => value
            .to_str()
            .ok()
            .and_then(bearer)
            .map_or(Credentials::Unusable, Credentials::Bearer),
        (Some(_), Some(_)) => Credentials::Unusable,
    }
}

/// The secret of `Bearer SECRET`.
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, secret) = value.trim().split_once(' ')?;
    let secret = secret.trim_start();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}
