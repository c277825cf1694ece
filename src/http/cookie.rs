//! The cookies that a browser keeps (RFC 6265): its session, and that its user signed in with it before. They
//! are read from a request, and set or cleared with its response. No script can read them, and no other site's
//! page sends them.

use axum::{
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use chrono::TimeDelta;

use super::site::Site;
use crate::{
    domain::Requester,
    graphql::{SessionChange, SessionChanges},
};

/// The cookie, by the way that the client came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cookie {
    /// The prefix has browsers refuse it from any other host, and from who does not speak TLS.
    Tls,
    /// Without TLS there is no better one.
    Plain,
}

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// It is the session.
    Session,
    /// It shows that its user signed in with this browser before, and is kept after the session.
    Device,
}

/// How long a browser is remembered.
const DEVICE_LASTS: TimeDelta = TimeDelta::days(365);

impl Cookie {
    fn name(self, purpose: Purpose) -> &'static str {
        match (self, purpose) {
            (Self::Tls, Purpose::Session) => "__Host-tidemark_session",
            (Self::Plain, Purpose::Session) => "tidemark_session",
            (Self::Tls, Purpose::Device) => "__Host-tidemark_device",
            (Self::Plain, Purpose::Device) => "tidemark_device",
        }
    }

    /// What the client sent in it. One that it has twice was not set by us alone: it is worth nothing.
    fn read(self, purpose: Purpose, headers: &HeaderMap) -> Option<&str> {
        let mut values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name(purpose))
            .map(|(_, value)| value);
        let value = values.next()?;
        Some(if values.next().is_none() { value } else { "" })
    }

    fn set(self, purpose: Purpose, secret: &str, lasts: Option<TimeDelta>) -> Option<HeaderValue> {
        let age = lasts.map(|lasts| format!("; Max-Age={}", lasts.num_seconds()));
        self.header(purpose, secret, &age.unwrap_or_default())
    }

    fn clear(self) -> Option<HeaderValue> {
        self.header(Purpose::Session, "", "; Max-Age=0")
    }

    fn header(self, purpose: Purpose, value: &str, age: &str) -> Option<HeaderValue> {
        let secure = if self == Self::Tls { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}",
            self.name(purpose)
        );
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Whether the cookie that a request came with still speaks for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// It came with none, or with a token, which goes before it.
    None,
    Live,
    Dead,
}

/// The session that a browser keeps, during one request.
#[derive(Clone, Debug)]
pub(super) struct Jar {
    cookie: Cookie,
    held: Held,
    /// Whether a page of the gateway's own asks. API clients do not say, and get no cookie.
    from_own_page: Option<bool>,
    /// What the request does to it.
    pub changes: SessionChanges,
}

impl Jar {
    /// The jar of the client of the request with these `parts`, which was sent to `site`.
    pub fn of(parts: &Parts, site: &Site<'_>) -> Self {
        Self {
            cookie: if site.is_https() {
                Cookie::Tls
            } else {
                Cookie::Plain
            },
            held: Held::None,
            from_own_page: site.is_own(&parts.headers),
            changes: SessionChanges::default(),
        }
    }

    /// The secret in the cookie that came with `headers`.
    pub fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        self.cookie.read(Purpose::Session, headers)
    }

    /// What shows that a user signed in with the browser before.
    pub fn read_device<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        self.cookie.read(Purpose::Device, headers)
    }

    /// Notes whom the cookie speaks for, or that it does for nobody.
    pub fn note(&mut self, requester: Option<&Requester>) {
        self.held = requester.map_or(Held::Dead, |_| Held::Live);
        self.changes = SessionChanges::of(requester.and_then(Requester::token));
    }

    /// Tells nobody of the session any more: no further answer can carry a cookie.
    pub fn close(&mut self) {
        self.changes = SessionChanges::default();
    }

    /// Has the browser keep what became of the session.
    pub fn put_into(&self, response: &mut Response) {
        let cookie = self.cookie;
        let mut device_header = None;
        let header = match self.changes.take() {
            Some(SessionChange::Began {
                secret,
                device,
                lasts,
            }) => match self.from_own_page {
                Some(true) => {
                    let lasting = Some(DEVICE_LASTS);
                    device_header = cookie.set(Purpose::Device, device.expose(), lasting);
                    cookie.set(Purpose::Session, secret.expose(), lasts)
                }
                Some(false) => {
                    tracing::warn!(
                        "a page of another origin signed a user in, and gets no cookie; if it is the \
                         gateway's own, its proxy is not in http.trusted_proxies or does not pass on \
                         Host and X-Forwarded-Proto"
                    );
                    None
                }
                None => None,
            },
            Some(SessionChange::Ended) if self.held != Held::None => self.cookie.clear(),
            Some(SessionChange::Ended) | None => (self.held == Held::Dead)
                .then(|| self.cookie.clear())
                .flatten(),
        };
        for header in header.into_iter().chain(device_header) {
            response.headers_mut().append(header::SET_COOKIE, header);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cookie: Cookie, values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::COOKIE, HeaderValue::from_static(value));
        }
        cookie
            .read(Purpose::Session, &headers)
            .map(ToOwned::to_owned)
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let one = Some("abc".to_owned());
        assert_eq!(read(Cookie::Plain, &["a=b; tidemark_session=abc;c=d"]), one);
        assert_eq!(read(Cookie::Plain, &["a=b", "tidemark_session=abc"]), one);
        assert_eq!(read(Cookie::Tls, &["__Host-tidemark_session=abc"]), one);
    }

    #[test]
    fn a_cookie_of_another_name_or_scheme_is_none() {
        for value in [
            "",
            "tidemark_session",
            "xtidemark_session=abc",
            "Tidemark_Session=abc",
        ] {
            assert_eq!(read(Cookie::Plain, &[value]), None, "{value}");
        }
        assert_eq!(read(Cookie::Tls, &["tidemark_session=abc"]), None);
        assert_eq!(read(Cookie::Plain, &["__Host-tidemark_session=abc"]), None);
    }

    #[test]
    fn a_cookie_that_came_twice_speaks_for_nobody() {
        let twice = ["tidemark_session=abc; tidemark_session=evil"];
        assert_eq!(read(Cookie::Plain, &twice), Some(String::new()));
    }

    #[test]
    fn a_cookie_is_for_this_host_and_its_own_pages_and_not_shown() {
        let hour = Some(TimeDelta::hours(1));
        let tls = Cookie::Tls.set(Purpose::Session, "abc", hour).unwrap();
        assert_eq!(
            tls,
            "__Host-tidemark_session=abc; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=3600"
        );
        assert_eq!(format!("{tls:?}"), "Sensitive");
        assert_eq!(
            Cookie::Plain.set(Purpose::Session, "abc", None).unwrap(),
            "tidemark_session=abc; Path=/; HttpOnly; SameSite=Strict"
        );
        assert_eq!(
            Cookie::Plain.clear().unwrap(),
            "tidemark_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }
}
