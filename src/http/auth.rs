//! Who asks: `Authorization: Bearer …` (RFC 6750), else the cookie of a browser's session. Who sends
//! neither is anonymous, since signing in is a mutation too. A token that speaks for nobody is refused;
//! a browser cannot help sending its old cookie, so that is as good as none, and cleared.

use std::net::IpAddr;

use async_graphql::Request;
use axum::http::{HeaderMap, header, request::Parts};

use super::{
    Gateway,
    acquaintance::Recalled,
    connection::Connection,
    cookie::Jar,
    csrf,
    failure::Failure,
    payer::{Payer, share},
    remote,
    request_id::RequestId,
    site::Site,
};
use crate::{
    database::Share,
    domain::{Error, Party, Requester, device, throttle, token},
    graphql::{Device, Origin},
};

/// Who asks, and from where.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Who asks.
    pub requester: Requester,
    /// From where.
    pub origin: Origin,
    /// The same, as limits count it.
    pub network: Option<IpAddr>,
    /// What their browser keeps since a user signed in with it.
    pub device: Device,
    /// On whose account it is counted what somebody does who is not signed in, where their browser is known.
    pub familiar: Option<Party>,
    /// The session that their browser keeps.
    pub jar: Jar,
}

impl Caller {
    /// The caller of the request with these `parts`.
    pub async fn of<E>(gateway: &Gateway<E>, parts: &Parts) -> Result<Self, Failure> {
        let id = RequestId::of(parts);
        let address = remote::address(parts, &gateway.http.trusted_proxies);
        let origin = Origin {
            remote: address.map(|address| address.to_string()),
            request_id: Some(id.to_string()),
        };
        let site = Site::of(parts, &gateway.http);
        let mut jar = Jar::of(parts, &site);
        let requester = match credentials(&parts.headers) {
            Credentials::Unusable => return Err(Failure::unauthenticated()),
            Credentials::Bearer(secret) => gateway
                .authenticate(secret, &id)
                .await?
                .ok_or_else(Failure::unauthenticated)?,
            Credentials::None => match jar.read(&parts.headers) {
                None => Requester::Anonymous,
                Some(secret) => {
                    csrf::check(parts, &site)?;
                    let requester = gateway.authenticate(secret, &id).await?;
                    jar.note(requester.as_ref());
                    requester.unwrap_or(Requester::Anonymous)
                }
            },
        };
        let device = jar.read_device(&parts.headers);
        let familiar = match (&requester, device) {
            (Requester::Anonymous, Some(cookie)) => gateway.familiar(cookie, &id).await?,
            _ => None,
        };
        if let Some(connection) = parts.extensions.get::<Connection>() {
            match requester {
                Requester::Anonymous if familiar.is_none() => connection.standing.check()?,
                _ => connection.standing.recognise(),
            }
        }
        Ok(Self {
            requester,
            origin,
            device: Device(device.map(ToOwned::to_owned)),
            familiar,
            network: address.map(throttle::network),
            jar,
        })
    }

    /// Whose share of the gateway they have.
    pub fn share(&self) -> Share {
        match (&self.requester, self.familiar) {
            (Requester::Anonymous, Some(_)) => Share::Users,
            (requester, _) => share(requester),
        }
    }

    /// Who pays for what they do.
    pub fn payer(&self) -> Payer {
        match self.requester.party().or(self.familiar) {
            Some(party) => Payer::Party(party),
            None => Payer::Network(self.network),
        }
    }

    /// The request as this caller's.
    pub fn put_into(self, request: Request) -> Request {
        request
            .data(self.requester)
            .data(self.origin)
            .data(self.device)
            .data(self.jar.changes)
    }
}

impl<E> Gateway<E> {
    /// On whose account it is counted what is done in the browser that keeps `cookie`, before anybody signs in.
    async fn familiar(&self, cookie: &str, id: &RequestId) -> Result<Option<Party>, Failure> {
        match device::lookup_user(self.app_of(Share::Newcomers), cookie).await {
            Ok(user) => Ok(user.map(|user| Party::Account(user.account_id))),
            Err(error) => {
                tracing::error!(%error, "a browser cannot be recognised");
                Err(Failure::internal(id))
            }
        }
    }

    /// Whom `secret` speaks for, if anybody.
    pub(super) async fn authenticate(
        &self,
        secret: &str,
        id: &RequestId,
    ) -> Result<Option<Requester>, Failure> {
        let question = match self
            .acquaintances
            .recall(&self.app_of(Share::Users).clock, secret)
        {
            Recalled::Bearer(requester) => return Ok(Some(requester)),
            Recalled::Nothing(question) => question,
        };
        let app = self.app_of(question.share);
        let answer = match token::check(app, secret).await {
            Ok(authenticated) => Some(authenticated),
            Err(Error::Unauthenticated) => None,
            Err(error) => {
                tracing::error!(%error, "a token cannot be checked");
                return Err(Failure::internal(id));
            }
        };
        self.acquaintances
            .note(&app.hub, &question, answer.as_ref());
        Ok(answer.map(|authenticated| authenticated.requester))
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
