//! The panel's answers, on a small build.

use axum::body::to_bytes;

use super::*;

const SCRIPT: &str = "/assets/index-1a2b3c4d.js";
const BROTLI: &str = "the script, by brotli";
const GZIP: &str = "the script, by gzip";

fn panel() -> Panel {
    let files = [
        ("index.html", "<!doctype html>"),
        ("icon.svg", "<svg/>"),
        ("assets/index-1a2b3c4d.js", "the script"),
        ("assets/index-1a2b3c4d.js.br", BROTLI),
        ("assets/index-1a2b3c4d.js.gz", GZIP),
        ("assets/geist-5e6f.woff2", "the font"),
    ];
    let owned =
        |(path, content): (&str, &'static str)| (path.to_owned(), content.as_bytes().into());
    Panel(Files::new(files.map(owned)).into())
}

fn get(panel: &Panel, path: &str, headers: &[(HeaderName, &'static str)]) -> Response {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name, HeaderValue::from_static(value));
    }
    panel.answer(&Method::GET, path, &map)
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn files_have_their_types_and_what_is_hashed_is_kept_for_good() {
    let forever = "public, max-age=31536000, immutable";
    for (path, kind, cache, content) in [
        (
            "/",
            "text/html; charset=utf-8",
            "no-cache",
            "<!doctype html>",
        ),
        (
            "/index.html",
            "text/html; charset=utf-8",
            "no-cache",
            "<!doctype html>",
        ),
        ("/icon.svg", "image/svg+xml", "no-cache", "<svg/>"),
        (
            SCRIPT,
            "text/javascript; charset=utf-8",
            forever,
            "the script",
        ),
        (
            "/assets/geist-5e6f.woff2",
            "font/woff2",
            forever,
            "the font",
        ),
    ] {
        let response = get(&panel(), path, &[]);
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], kind, "{path}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], cache, "{path}");
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(text(response).await, content, "{path}");
    }
}

#[tokio::test]
async fn a_client_gets_the_form_that_it_takes() {
    for (accepted, encoding, content) in [
        ("gzip, deflate, br, zstd", Some("br"), BROTLI),
        ("GZIP", Some("gzip"), GZIP),
        ("br;q=0.2, gzip;q=0.8", Some("gzip"), GZIP),
        ("br;q=0, *", Some("gzip"), GZIP),
        ("*", Some("br"), BROTLI),
        ("zstd", None, "the script"),
        ("br;q=0, gzip;q=0", None, "the script"),
        ("", None, "the script"),
    ] {
        let response = get(&panel(), SCRIPT, &[(header::ACCEPT_ENCODING, accepted)]);
        let found = response.headers().get(header::CONTENT_ENCODING);
        assert_eq!(
            found.map(|value| value.to_str().unwrap()),
            encoding,
            "{accepted}"
        );
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
        let kind = &response.headers()[header::CONTENT_TYPE];
        assert_eq!(kind, "text/javascript; charset=utf-8");
        assert_eq!(text(response).await, content, "{accepted}");
    }
    // There is one form of a font.
    let font = get(
        &panel(),
        "/assets/geist-5e6f.woff2",
        &[(header::ACCEPT_ENCODING, "br")],
    );
    assert!(!font.headers().contains_key(header::CONTENT_ENCODING));
}

#[tokio::test]
async fn who_has_a_form_already_is_told_so() {
    let panel = panel();
    let tag = |encoding| {
        let response = get(&panel, SCRIPT, &[(header::ACCEPT_ENCODING, encoding)]);
        response.headers()[header::ETAG].clone()
    };
    assert_ne!(tag("br"), tag("gzip"), "another form is another thing");
    let asked = |tags: String, encoding| {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, tags.parse().unwrap());
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
        panel.answer(&Method::GET, SCRIPT, &headers)
    };
    let brotli = tag("br").to_str().unwrap().to_owned();
    for tags in [brotli.clone(), format!("\"x\", W/{brotli}"), "*".to_owned()] {
        let response = asked(tags, "br");
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(response.headers()[header::ETAG], brotli);
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
        assert!(response.headers().contains_key(header::CACHE_CONTROL));
        assert_eq!(text(response).await, "");
    }
    assert_eq!(asked(brotli, "gzip").status(), StatusCode::OK);
}

#[tokio::test]
async fn a_browser_that_goes_to_an_address_of_the_panel_gets_its_page() {
    let browser = (header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
    for path in ["/", "/volumes", "/admin/hypervisors/a.b", "/graphs"] {
        let response = get(&panel(), path, std::slice::from_ref(&browser));
        assert_eq!(
            response.headers()[header::CACHE_CONTROL],
            "no-cache",
            "{path}"
        );
        assert_eq!(text(response).await, "<!doctype html>", "{path}");
    }
    for path in [
        "/assets/index-0.js",
        "/assets/",
        "/graphql/none",
        "/graphiql",
        "/healthz/x",
        "/readyz/x",
    ] {
        let response = get(&panel(), path, std::slice::from_ref(&browser));
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for accepted in ["*/*", "application/json", "image/png", "text/html;q=0"] {
        let response = get(&panel(), "/volumes", &[(header::ACCEPT, accepted)]);
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{accepted}");
        assert!(text(response).await.contains("NOT_FOUND"), "{accepted}");
    }
    let post = panel().answer(&Method::POST, "/", &HeaderMap::new());
    assert_eq!(post.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_outside_of_the_build_and_no_variant_is_served() {
    for path in [
        "/../Cargo.toml",
        "/assets/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/assets/index-1a2b3c4d.js.br",
        "/assets/index-1a2b3c4d.js.gz",
    ] {
        assert_eq!(
            get(&panel(), path, &[]).status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_page_loads_nothing_from_elsewhere_and_is_not_framed() {
    for path in ["/", SCRIPT] {
        let response = get(&panel(), path, &[]);
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(
                policy.split("; ").any(|own| own == directive),
                "{directive}: {policy}"
            );
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(response.headers()[OPENER_POLICY], "same-origin");
    }
}

#[tokio::test]
async fn a_build_without_the_panel_says_so() {
    let response = get(&Panel(Files::new([]).into()), "/", &[]);
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()[header::CONTENT_SECURITY_POLICY],
        MISSING_POLICY
    );
    let page = text(response).await;
    assert!(page.contains("npm --prefix panel run build"), "{page}");
    // It keeps its own policy.
    assert!(
        !page.contains("<style") && !page.contains("style="),
        "{page}"
    );
}
