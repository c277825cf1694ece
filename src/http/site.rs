//! The gateway's own origin, as the client of a request knows it: scheme, host and port. A proxy's word
//! for them counts only when the proxy is trusted.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use url::{Origin, Url};

use super::remote;
use crate::config;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Where a request was sent.
#[derive(Clone, Debug)]
pub(super) struct Site<'a> {
    is_https: bool,
    /// `None` where the request does not say it.
    host: Option<&'a str>,
}

impl<'a> Site<'a> {
    /// Where the request with these `parts` was sent.
    pub fn of(parts: &'a Parts, config: &config::Http) -> Self {
        let is_trusted = remote::is_trusted_proxy(parts, &config.trusted_proxies);
        let forwarded = |name| {
            // Each proxy adds its own at the end: the first is what the client asked for.
            let value = parts.headers.get(name).filter(|_| is_trusted)?;
            let first = value.to_str().ok()?.split(',').next()?.trim();
            (!first.is_empty()).then_some(first)
        };
        // The gateway itself speaks no TLS.
        let is_https =
            forwarded(FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        let host = forwarded(FORWARDED_HOST).or_else(|| host(&parts.headers));
        Self { is_https, host }
    }

    /// Its origin, which is asked for only where a browser asks.
    fn origin(&self) -> Option<Origin> {
        let scheme = if self.is_https { "https" } else { "http" };
        origin(&format!("{scheme}://{}", self.host?))
    }

    /// Whether the client came by TLS.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether a page of this site says of itself what `headers` say in `Origin`; `None` where they say
    /// nothing.
    pub fn is_own(&self, headers: &HeaderMap) -> Option<bool> {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let value = values.next()?;
        let named = value.to_str().ok().and_then(origin);
        Some(values.next().is_none() && named.is_some() && named == self.origin())
    }

    /// As an `Origin` names it, for a person.
    pub fn name(&self) -> String {
        let name = |origin: Origin| origin.ascii_serialization();
        self.origin()
            .map_or_else(|| "an unnamed host".to_owned(), name)
    }
}

/// The one `Host` of a request.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::HOST).iter();
    let value = values.next().map(HeaderValue::to_str)?.ok()?;
    values.next().is_none().then_some(value)
}

/// What is an origin and nothing more: a scheme of the web, a host, maybe a port.
fn origin(text: &str) -> Option<Origin> {
    let url = Url::parse(text).ok()?;
    let is_bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !text.ends_with('/');
    (matches!(url.scheme(), "http" | "https") && is_bare).then(|| url.origin())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{extract::ConnectInfo, http::Request};

    use super::*;

    /// Whether a request with these headers, sent by 10.0.0.1, comes from a page of its own site.
    fn is_own(own: &str, headers: &[(&str, &str)], trusted: &[&str]) -> Option<bool> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.header("origin", own).body(()).unwrap().into_parts();
        let peer = SocketAddr::from(([10, 0, 0, 1], 1));
        parts.extensions.insert(ConnectInfo(peer));
        let config = config::Http {
            trusted_proxies: trusted.iter().map(|text| text.parse().unwrap()).collect(),
            ..config::Http::default()
        };
        Site::of(&parts, &config).is_own(&parts.headers)
    }

    #[test]
    fn a_page_is_the_sites_own_by_scheme_host_and_port() {
        let host: &[(&str, &str)] = &[("host", "Backup.example.com:8080")];
        for (own, expected) in [
            ("http://backup.example.com:8080", true),
            ("https://backup.example.com:8080", false),
            ("http://backup.example.com", false),
            ("http://backup.example.com:8081", false),
            ("http://evil.backup.example.com:8080", false),
            ("http://example.com:8080", false),
            ("http://backup.example.com:8080.evil.example", false),
            ("http://backup.example.com:8080@evil.example", false),
            ("http://user@backup.example.com:8080", false),
            ("http://backup.example.com:8080/", false),
            ("http://backup.example.com:8080/page", false),
            ("http://backup.example.com:8080?a", false),
            ("null", false),
            ("", false),
            ("file://", false),
            ("backup.example.com:8080", false),
        ] {
            assert_eq!(is_own(own, host, &[]), Some(expected), "{own}");
        }
        assert_eq!(is_own("http://a:80", &[("host", "a")], &[]), Some(true));
        assert_eq!(
            is_own("http://[::1]:1", &[("host", "[::1]:1")], &[]),
            Some(true)
        );
    }

    #[test]
    fn who_names_no_host_or_several_has_no_pages() {
        assert_eq!(is_own("http://a", &[], &[]), Some(false));
        let two = [("host", "a"), ("host", "b")];
        assert_eq!(is_own("http://a", &two, &[]), Some(false));
        let origins = [("host", "a"), ("origin", "http://a")];
        assert_eq!(is_own("http://a", &origins, &[]), Some(false));
    }

    #[test]
    fn only_a_trusted_proxy_says_what_the_client_asked_for() {
        let headers = [
            ("host", "10.0.0.2:8080"),
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-host", "backup.example.com, 10.0.0.2"),
        ];
        let public = "https://backup.example.com";
        assert_eq!(is_own(public, &headers, &["10.0.0.0/8"]), Some(true));
        assert_eq!(is_own(public, &headers, &["192.0.2.0/24"]), Some(false));
        assert_eq!(is_own("http://10.0.0.2:8080", &headers, &[]), Some(true));
    }
}
