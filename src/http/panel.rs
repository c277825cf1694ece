//! The web panel: its files, and its page at every address that is not the API's. Its own router reads
//! the address.

mod files;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use self::files::{File, Files};
use super::{cache_control::Kept, failure::Failure, format::Format, media::range};
use crate::domain::ErrorCode;

/// Where files lie whose names change with what is in them.
const ASSETS: &str = "assets";
/// The first part of paths that are never a page.
const RESERVED: [&str; 5] = [ASSETS, "graphql", "graphiql", "healthz", "readyz"];

/// Nothing but what the gateway itself serves is loaded, run, asked or framed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";
/// The page that stands in for the panel loads nothing at all.
const MISSING_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const MISSING: &str = include_str!("panel/missing.html");

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Serves the panel.
pub(super) async fn serve(State(panel): State<Panel>, request: Request) -> Response {
    let path = request.uri().path();
    panel.answer(request.method(), path, request.headers())
}

/// The panel, ready to be served. Clones share it.
#[derive(Clone)]
pub(super) struct Panel(Arc<Files>);

impl Panel {
    /// The panel of this build.
    pub fn built_in() -> Self {
        Self(Arc::new(Files::new(panel::files())))
    }

    /// The answer to a request for `path`.
    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return not_found();
        }
        let path = path.trim_start_matches('/');
        let first = path.split('/').next().unwrap_or_default();
        let is_page = path.is_empty() || !RESERVED.contains(&first) && takes_html(headers);
        if let Some(file) = self.0.find(path) {
            return kept(file, headers, first == ASSETS);
        }
        if !is_page {
            return not_found();
        }
        match self.0.index() {
            Some(index) => kept(index, headers, false),
            None => missing(),
        }
    }
}

/// The file, or that the client has it already.
fn kept(file: &File, headers: &HeaderMap, is_immutable: bool) -> Response {
    let variant = file.variant(headers);
    let is_known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || variant.tag == tag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(variant.bytes.clone()))
    };
    response.extensions_mut().insert(Kept);
    let headers = response.headers_mut();
    let cache = if is_immutable {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::ETAG, variant.tag.clone());
    if !is_known {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(file.media_type),
        );
        if let Some(encoding) = variant.encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
    }
    guarded(response, POLICY)
}

/// The page that says that the panel is not in this build.
fn missing() -> Response {
    let mut response = Response::new(Body::from(MISSING));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    guarded(response, MISSING_POLICY)
}

/// What a browser must not do with `response`.
fn guarded(mut response: Response, policy: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn not_found() -> Response {
    Failure::new(
        StatusCode::NOT_FOUND,
        ErrorCode::NotFound,
        "There is nothing here. The API is at /graphql.",
    )
    .into_response(Format::Json)
}

/// Whether the client asks for a page: browsers name its type when they go to an address.
fn takes_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(range)
        .any(|(range, quality)| range == "text/html" && quality > 0.0)
}
