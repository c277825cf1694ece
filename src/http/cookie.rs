//! The cookie that holds a browser's session (RFC 6265): read from a request, set or cleared with its
//! response. No script can read it, and no other site's page sends it.

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

impl Cookie {
    fn name(self) -> &'static str {
        match self {
            Self::Tls => "__Host-tidemark_session",
            Self::Plain => "tidemark_session",
        }
    }

    /// What the client sent in it. One that it has twice was not set by us alone: it is worth nothing.
    fn read(self, headers: &HeaderMap) -> Option<&str> {
        let mut values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name())
            .map(|(_, value)| value);
        let value = values.next()?;
        Some(if values.next().is_none() { value } else { "" })
    }

    fn set(self, secret: &str, lasts: Option<TimeDelta>) -> Option<HeaderValue> {
        let age = lasts.map(|lasts| format!("; Max-Age={}", lasts.num_seconds()));
        self.header(secret, &age.unwrap_or_default())
    }

    fn clear(self) -> Option<HeaderValue> {
        self.header("", "; Max-Age=0")
    }

    fn header(self, value: &str, age: &str) -> Option<HeaderValue> {
        let secure = if self == Self::Tls { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}",
            self.name()
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
    pub fn of(parts: &Parts, site: &Site) -> Self {
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
        self.cookie.read(headers)
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
        let header = match self.changes.take() {
            Some(SessionChange::Began { secret, lasts }) => match self.from_own_page {
                Some(true) => self.cookie.set(secret.expose(), lasts),
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
        if let Some(header) = header {
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
        cookie.read(&headers).map(ToOwned::to_owned)
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
        let tls = Cookie::Tls.set("abc", hour).unwrap();
        assert_eq!(
            tls,
            "__Host-tidemark_session=abc; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=3600"
        );
        assert_eq!(format!("{tls:?}"), "Sensitive");
        assert_eq!(
            Cookie::Plain.set("abc", None).unwrap(),
            "tidemark_session=abc; Path=/; HttpOnly; SameSite=Strict"
        );
        assert_eq!(
            Cookie::Plain.clear().unwrap(),
            "tidemark_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }
}
