//! What a browser's cookie may be used for: requests that the gateway's own pages make. A browser sends
//! the cookie by itself; so the request has to show, by headers that no page can forge, whose page made
//! it. That a POST has a JSON body, which no form can send, is checked where the body is read.

use axum::http::{HeaderName, Method, header, request::Parts};

use super::{failure::Failure, site::Site};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a request with a cookie that does not come from a page of `site`.
pub(super) fn check(parts: &Parts, site: &Site<'_>) -> Result<(), Failure> {
    let Parts {
        headers, method, ..
    } = parts;
    match site.is_own(headers) {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::forbidden(format!(
            "The session cookie is for pages of {} only, and Origin names another. If that is the \
             gateway's address, its proxy has to pass Host on, send X-Forwarded-Proto, and be one of \
             http.trusted_proxies.",
            site.name()
        ))),
        // Browsers leave Origin out of what only reads.
        None if method == Method::GET && !headers.contains_key(header::UPGRADE) => {
            let fetch_site = headers.get(FETCH_SITE);
            if fetch_site.is_some_and(|value| value == "same-origin") {
                return Ok(());
            }
            Err(Failure::forbidden(
                "A GET with the session cookie needs Origin or Sec-Fetch-Site: same-origin. What is \
                 no browser sends its token as Authorization: Bearer.",
            ))
        }
        None => Err(Failure::forbidden(
            "A request with the session cookie needs Origin. What is no browser sends its token as \
             Authorization: Bearer.",
        )),
    }
}
