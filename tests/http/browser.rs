//! Sessions that a browser keeps in a cookie: whom it gets one from, what it opens, and what it does not.

mod session;
mod websocket;

use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};
use tidemark::{
    config::Config,
    domain::{self, throttle, token},
};

use crate::harness::{Gateway, PASSWORD};

const VIEWER: &str = "{ viewer { user { email } } }";
const SIGN_OUT: &str = "mutation { signOut }";
const FETCH_SITE: &str = "sec-fetch-site";
/// What only reads and is of an own page.
const OWN_FETCH: (&str, &str) = (FETCH_SITE, "same-origin");

fn sign_in(gateway: &Gateway) -> RequestBuilder {
    gateway.post(&format!(
        "mutation {{ signIn(input: {{ email: \"ann@example.com\", password: \"{PASSWORD}\" }}) {{ token }} }}"
    ))
}

/// The origin of the gateway's own pages.
fn own(gateway: &Gateway) -> String {
    format!("http://{}", gateway.address)
}

/// The origins of pages that are not the gateway's own.
fn foreign(gateway: &Gateway) -> [String; 6] {
    let port = gateway.address.port();
    [
        "null".to_owned(),
        "https://evil.example".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("http://panel.127.0.0.1.example:{port}"),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{}", port ^ 1),
    ]
}

/// The `Set-Cookie` of an answer for the session, if it has one.
fn set_cookie(answer: &Response) -> Option<String> {
    set_cookie_of("session", answer)
}

fn set_cookie_of(purpose: &str, answer: &Response) -> Option<String> {
    let values = answer.headers().get_all(header::SET_COOKIE).iter();
    let mut values = values
        .map(|value| value.to_str().unwrap())
        .filter(|value| value.contains(&format!("tidemark_{purpose}=")));
    let value = values.next()?.to_owned();
    assert_eq!(values.next(), None, "one is enough");
    Some(value)
}

/// The `Cookie` of a browser that signed in.
async fn signed_in(gateway: &Gateway) -> String {
    let answer = sign_in(gateway).header(header::ORIGIN, own(gateway));
    let cookie = set_cookie(&answer.send().await.unwrap()).unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// Ends the session of `cookie` without its browser.
async fn revoke(gateway: &Gateway, cookie: &str) {
    let (_, secret) = cookie.split_once('=').unwrap();
    let requester = token::authenticate(&gateway.app, secret).await.unwrap();
    domain::session::sign_out(&gateway.app, &requester)
        .await
        .unwrap();
}

async fn email(answer: Response) -> Value {
    let mut body: Value = answer.json().await.unwrap();
    body["data"]["viewer"]["user"]["email"].take()
}

/// The status and code of an answer that has an error, and its message.
async fn refusal(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let error = &body["errors"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        status,
        text(&error["extensions"]["code"]),
        text(&error["message"]),
    )
}

#[tokio::test]
async fn a_page_of_the_gateway_that_signs_in_gets_a_cookie() {
    let gateway = Gateway::start_api(|_| {}).await;
    let answer = sign_in(&gateway).header(header::ORIGIN, own(&gateway));
    let answer = answer.send().await.unwrap();
    let cookie = set_cookie(&answer).unwrap();
    let body: Value = answer.json().await.unwrap();
    let secret = body["data"]["signIn"]["token"].as_str().unwrap();
    let seconds = u64::from(Config::default().auth.session_hours) * 3600;
    assert_eq!(
        cookie,
        format!("tidemark_session={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}")
    );
}

#[tokio::test]
async fn a_page_that_signs_in_and_out_by_event_streams_has_its_cookie_set_and_cleared() {
    let gateway = Gateway::start_api(|_| {}).await;
    let stream = |request: RequestBuilder| {
        request
            .header(header::ORIGIN, own(&gateway))
            .header(header::ACCEPT, "text/event-stream")
    };
    let answer = stream(sign_in(&gateway)).send().await.unwrap();
    let cookie = set_cookie(&answer).unwrap();
    let pair = cookie.split(';').next().unwrap();
    let (_, secret) = pair.split_once('=').unwrap();
    let events = answer.text().await.unwrap();
    assert!(events.starts_with("event: next\n"), "{events}");
    assert!(events.contains(secret), "{events}");
    assert!(events.ends_with("event: complete\n\n"), "{events}");

    let seen = gateway.post(VIEWER).header(header::ORIGIN, own(&gateway));
    let seen = seen.header(header::COOKIE, pair).send().await.unwrap();
    assert_eq!(email(seen).await, "ann@example.com");

    let answer = stream(gateway.post(SIGN_OUT)).header(header::COOKIE, pair);
    let cleared = set_cookie(&answer.send().await.unwrap()).unwrap();
    assert!(cleared.starts_with("tidemark_session=;"), "{cleared}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_with_tls_the_cookie_is_for_tls_and_this_host_only() {
    let trusted = "127.0.0.0/8".parse().unwrap();
    let gateway = Gateway::start_api(|config| config.http.trusted_proxies = vec![trusted]).await;
    let proxied = |request: RequestBuilder| {
        request
            .header(header::ORIGIN, "https://backup.example.com")
            .header(header::HOST, "backup.example.com")
            .header("x-forwarded-proto", "https")
    };
    let answer = proxied(sign_in(&gateway)).send().await.unwrap();
    let cookie = set_cookie(&answer).unwrap();
    assert!(
        cookie.starts_with("__Host-tidemark_session=tidemark_"),
        "{cookie}"
    );
    for attribute in ["Secure", "Path=/", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.split("; ").any(|own| own == attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");

    let pair = cookie.split(';').next().unwrap();
    let seen = proxied(gateway.post(VIEWER)).header(header::COOKIE, pair);
    assert_eq!(email(seen.send().await.unwrap()).await, "ann@example.com");
    // A name without the prefix may have been set by a neighbour.
    let weak = pair.trim_start_matches("__Host-");
    let seen = proxied(gateway.post(VIEWER)).header(header::COOKIE, weak);
    assert_eq!(
        refusal(seen.send().await.unwrap()).await.1,
        "UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn clients_that_are_no_page_of_the_gateway_get_a_token_only() {
    let gateway = Gateway::start_api(|_| {}).await;
    for origin in foreign(&gateway) {
        let answer = sign_in(&gateway).header(header::ORIGIN, &origin);
        assert_eq!(set_cookie(&answer.send().await.unwrap()), None, "{origin}");
    }
    let answer = sign_in(&gateway).send().await.unwrap();
    assert_eq!(set_cookie(&answer), None);
    let body: Value = answer.json().await.unwrap();
    assert!(body["data"]["signIn"]["token"].is_string());
    // One who is not who they say gets none either.
    let wrong =
        "mutation { signIn(input: { email: \"ann@example.com\", password: \"x\" }) { token } }";
    let answer = gateway.post(wrong).header(header::ORIGIN, own(&gateway));
    assert_eq!(set_cookie(&answer.send().await.unwrap()), None);
}

#[tokio::test]
async fn the_cookie_speaks_for_its_user_from_the_gateways_own_pages() {
    let gateway = Gateway::start_api(|_| {}).await;
    let cookie = signed_in(&gateway).await;
    let (name, value) = OWN_FETCH;
    for request in [
        gateway.post(VIEWER).header(header::ORIGIN, own(&gateway)),
        gateway
            .get_query(VIEWER)
            .header(header::ORIGIN, own(&gateway)),
        gateway.get_query(VIEWER).header(name, value),
    ] {
        let answer = request
            .header(header::COOKIE, &cookie)
            .send()
            .await
            .unwrap();
        assert_eq!(set_cookie(&answer), None, "it is kept as it is");
        assert_eq!(email(answer).await, "ann@example.com");
    }
}

#[tokio::test]
async fn the_cookie_is_refused_from_everywhere_else() {
    let gateway = Gateway::start_api(|_| {}).await;
    let cookie = signed_in(&gateway).await;
    let stream = |request: RequestBuilder| request.header(header::ACCEPT, "text/event-stream");
    for origin in foreign(&gateway) {
        for request in [
            gateway.post(SIGN_OUT),
            gateway.get_query(VIEWER),
            gateway.get_query(VIEWER).header(FETCH_SITE, "same-origin"),
            stream(gateway.post("subscription { operationEvents { __typename } }")),
        ] {
            let request = request.header(header::COOKIE, &cookie);
            let answer = request
                .header(header::ORIGIN, &origin)
                .send()
                .await
                .unwrap();
            let (status, code, message) = refusal(answer).await;
            assert_eq!((status, code.as_str()), (403, "FORBIDDEN"), "{origin}");
            assert!(message.contains(&own(&gateway)), "{message}");
        }
    }
    for fetch_site in [None, Some("cross-site"), Some("same-site"), Some("none")] {
        let mut request = gateway.get_query(VIEWER).header(header::COOKIE, &cookie);
        if let Some(fetch_site) = fetch_site {
            request = request.header(FETCH_SITE, fetch_site);
        }
        let (status, code, message) = refusal(request.send().await.unwrap()).await;
        assert_eq!(
            (status, code.as_str()),
            (403, "FORBIDDEN"),
            "{fetch_site:?}"
        );
        assert!(message.contains("Sec-Fetch-Site"), "{message}");
    }
    // What changes something has to name its page.
    for path in ["/graphql", "/graphql/stream"] {
        let (name, value) = OWN_FETCH;
        let request = gateway.client.post(gateway.url(path)).header(name, value);
        let request = request.json(&json!({ "query": SIGN_OUT }));
        let answer = request
            .header(header::COOKIE, &cookie)
            .send()
            .await
            .unwrap();
        let (status, code, message) = refusal(answer).await;
        assert_eq!((status, code.as_str()), (403, "FORBIDDEN"), "{path}");
        assert!(message.contains("needs Origin"), "{message}");
    }
    // None of it signed anybody out.
    let seen = gateway.post(VIEWER).header(header::ORIGIN, own(&gateway));
    let seen = seen.header(header::COOKIE, &cookie).send().await.unwrap();
    assert_eq!(email(seen).await, "ann@example.com");
}

#[tokio::test]
async fn a_form_is_refused_even_from_the_gateways_own_pages() {
    let gateway = Gateway::start_api(|_| {}).await;
    let cookie = signed_in(&gateway).await;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let form = gateway.client.post(gateway.url("/graphql"));
        let form = form
            .header(header::CONTENT_TYPE, kind)
            .header(header::ORIGIN, own(&gateway))
            .header(header::COOKIE, &cookie)
            .body(json!({ "query": SIGN_OUT }).to_string());
        let (status, code, _) = refusal(form.send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (415, "INVALID_INPUT"), "{kind}");
    }
}

#[tokio::test]
async fn a_token_goes_before_the_cookie() {
    let gateway = Gateway::start_api(|_| {}).await;
    let cookie = signed_in(&gateway).await;
    // Where the token speaks, the cookie's rules do not matter.
    let request = gateway.post(VIEWER).header(header::COOKIE, &cookie);
    let answer = request.bearer_auth(&gateway.token).send().await.unwrap();
    assert_eq!(email(answer).await, "ann@example.com");
    let request = gateway.post(VIEWER).header(header::COOKIE, &cookie);
    let request = request.header(header::ORIGIN, own(&gateway));
    let answer = request.bearer_auth("nobody").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    // Nor is the cookie's session the one that ends.
    let request = gateway.post(SIGN_OUT).header(header::COOKIE, &cookie);
    let answer = request.bearer_auth(&gateway.token).send().await.unwrap();
    assert_eq!(set_cookie(&answer), None);
    let seen = gateway.post(VIEWER).header(header::COOKIE, &cookie);
    let seen = seen
        .header(header::ORIGIN, own(&gateway))
        .send()
        .await
        .unwrap();
    assert_eq!(email(seen).await, "ann@example.com");
}

#[tokio::test]
async fn a_cookie_that_speaks_for_nobody_is_cleared_and_does_not_keep_from_signing_in() {
    let gateway = Gateway::start_api(|_| {}).await;
    let cookie = signed_in(&gateway).await;
    revoke(&gateway, &cookie).await;
    let cleared = "tidemark_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";
    for cookie in [
        cookie.as_str(),
        "tidemark_session=nobody",
        "tidemark_session=",
    ] {
        let with = |request: RequestBuilder| {
            request
                .header(header::ORIGIN, own(&gateway))
                .header(header::COOKIE, cookie)
        };
        let answer = with(gateway.post(VIEWER)).send().await.unwrap();
        assert_eq!(set_cookie(&answer).unwrap(), cleared);
        assert_eq!(refusal(answer).await.1, "UNAUTHENTICATED");

        let answer = with(sign_in(&gateway)).send().await.unwrap();
        let fresh = set_cookie(&answer).unwrap();
        let fresh = fresh.split(';').next().unwrap();
        let seen = gateway.post(VIEWER).header(header::ORIGIN, own(&gateway));
        let seen = seen.header(header::COOKIE, fresh).send().await.unwrap();
        assert_eq!(email(seen).await, "ann@example.com");
    }
}

#[tokio::test]
async fn a_browser_in_which_a_user_signed_in_is_not_held_up_by_what_others_did() {
    let gateway = Gateway::start_api(|_| {}).await;
    let answer = sign_in(&gateway).header(header::ORIGIN, own(&gateway));
    let answer = answer.send().await.unwrap();
    let device = set_cookie_of("device", &answer).unwrap();
    assert!(
        device.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000"),
        "{device}"
    );
    let device = device.split(';').next().unwrap().to_owned();
    // Others fail from the same address until it has to wait.
    let attempt = throttle::Attempt::of_stranger("127.0.0.1", "ann@example.com");
    while attempt.count(&gateway.app).await.is_ok() {}
    let refused = sign_in(&gateway).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let known = sign_in(&gateway).header(header::COOKIE, &device);
    let body: Value = known.send().await.unwrap().json().await.unwrap();
    assert!(body["data"]["signIn"]["token"].is_string(), "{body}");
    let forged = sign_in(&gateway).header(header::COOKIE, format!("{device}0"));
    let refused = forged.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}
