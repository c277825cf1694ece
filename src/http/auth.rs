//! Who asks: `Authorization: Bearer …` (RFC 6750). Who sends no token is anonymous, since signing in
//! is a mutation too; who sends one that speaks for nobody is refused.

use async_graphql::Request;
use axum::http::{HeaderMap, header, request::Parts};

use super::{failure::Failure, remote, trace::RequestId};
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
        let requester = match credentials(&parts.headers) {
            Credentials::None => Requester::Anonymous,
            Credentials::Unusable => return Err(Failure::unauthenticated()),
            Credentials::Bearer(secret) => match token::authenticate(app, secret).await {
                Ok(requester) => requester,
                Err(Error::Unauthenticated) => return Err(Failure::unauthenticated()),
                Err(error) => {
                    tracing::error!(%error, "a token cannot be checked");
                    return Err(Failure::internal(&id));
                }
            },
        };
        Ok(Self { requester, origin })
    }

    /// The request as this caller's.
    pub fn put_into(self, request: Request) -> Request {
        request.data(self.requester).data(self.origin)
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
