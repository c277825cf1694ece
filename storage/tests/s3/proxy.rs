//! A proxy between the destination and a real store that can do what stores and networks do.

use std::{
    convert::Infallible,
    error::Error as StdError,
    fmt,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Frame, Incoming},
    client, header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

type BoxError = Box<dyn StdError + Send + Sync>;
type Body = BoxBody<Bytes, BoxError>;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Put,
    Get,
    Head,
    Delete,
    List,
    BeginUpload,
    Part,
    Complete,
    Abort,
    ListParts,
    ListUploads,
}

/// A request as a rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'r> {
    pub kind: Kind,
    pub path: &'r str,
    pub query: &'r str,
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Fate {
    /// The store answers.
    Pass,
    /// The store never sees it.
    Answer(u16, String),
    /// Nothing is answered, ever.
    Hang,
    /// The connection is closed, and the store never sees it.
    Cut,
    /// The store does it, and the connection is closed.
    LoseAnswer,
    /// The store does it, and half of what it answers arrives.
    CutAnswer,
    /// The store does it, and another `ETag` arrives.
    OtherEtag,
    /// A bit of the body is changed on its way to the store.
    FlipBit,
    /// The store does it, and no `ETag` arrives.
    NoEtag,
    /// The store never sees it, and this is answered with these headers.
    Tell(u16, &'static [(&'static str, &'static str)], String),
    /// The store does it; blanks arrive for as long, and then what it says, or this.
    Blanks(Duration, Option<String>),
    /// The store does it, and nothing is ever answered.
    Mute,
}

type Rule = dyn Fn(Seen<'_>) -> Fate + Send + Sync;

/// A proxy on loopback, gone with the test's runtime.
pub struct Proxy {
    pub endpoint: String,
    rule: Arc<Mutex<Arc<Rule>>>,
    seen: Arc<AtomicUsize>,
    busy: Arc<AtomicUsize>,
}

impl Proxy {
    /// A proxy for `upstream` that changes nothing yet.
    pub async fn start(upstream: &str) -> Self {
        let upstream: Arc<str> = upstream.trim_start_matches("http://").into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let rule: Arc<Mutex<Arc<Rule>>> = Arc::new(Mutex::new(Arc::new(|_| Fate::Pass)));
        let seen = Arc::new(AtomicUsize::new(0));
        let (rules, count) = (Arc::clone(&rule), Arc::clone(&seen));
        let busy = Arc::new(AtomicUsize::new(0));
        let store = Store {
            address: upstream,
            busy: Arc::clone(&busy),
        };
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (rules, count, store) = (Arc::clone(&rules), Arc::clone(&count), store.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    count.fetch_add(1, Ordering::SeqCst);
                    let rule = Arc::clone(&rules.lock().unwrap());
                    let fate = rule(Seen {
                        kind: kind(&request),
                        path: request.uri().path(),
                        query: request.uri().query().unwrap_or_default(),
                    });
                    meet(fate, request, store.clone())
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(connection), service);
                tokio::spawn(connection);
            }
        });
        Self {
            endpoint,
            rule,
            seen,
            busy,
        }
    }

    /// Waits until the store has answered all that has reached it, whoever still listens.
    pub async fn idle(&self) {
        let idle = async || (self.busy.load(Ordering::SeqCst) == 0).then_some(());
        testbed::until("the store is idle", idle).await;
    }

    /// From now on requests meet what `rule` says.
    pub fn rule(&self, rule: impl Fn(Seen<'_>) -> Fate + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    /// From now on requests of a kind meet this.
    pub fn every(&self, kind: Kind, fate: Fate) {
        self.rule(move |seen| {
            if seen.kind == kind {
                fate.clone()
            } else {
                Fate::Pass
            }
        });
    }

    /// The next requests of a kind meet this, so many of them.
    pub fn next(&self, count: usize, kind: Kind, fate: Fate) {
        let met = AtomicUsize::new(0);
        self.rule(move |seen| {
            if seen.kind == kind && met.fetch_add(1, Ordering::SeqCst) < count {
                fate.clone()
            } else {
                Fate::Pass
            }
        });
    }

    /// How many requests there have been.
    pub fn requests(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.endpoint)
    }
}

/// An error as S3 stores write it.
pub fn refusal(code: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>")
}

fn kind(request: &Request<Incoming>) -> Kind {
    let query = request.uri().query().unwrap_or_default();
    let has = |name: &str| {
        query
            .split('&')
            .any(|pair| pair.split('=').next() == Some(name))
    };
    match *request.method() {
        Method::PUT if has("partNumber") => Kind::Part,
        Method::PUT => Kind::Put,
        Method::HEAD => Kind::Head,
        Method::DELETE if has("uploadId") => Kind::Abort,
        Method::DELETE => Kind::Delete,
        Method::POST if has("uploadId") => Kind::Complete,
        Method::POST => Kind::BeginUpload,
        _ if has("uploads") => Kind::ListUploads,
        _ if has("uploadId") => Kind::ListParts,
        _ if has("list-type") => Kind::List,
        _ => Kind::Get,
    }
}

async fn meet(
    fate: Fate,
    request: Request<Incoming>,
    store: Store,
) -> Result<Response<Body>, BoxError> {
    let (head, body) = request.into_parts();
    let mut body = match fate {
        Fate::Hang => pending().await,
        Fate::Cut => return Err("cut on purpose".into()),
        // A part is taken before it is refused, as stores do.
        _ => body.collect().await?.to_bytes().to_vec(),
    };
    match fate {
        Fate::Answer(status, text) => {
            let answer = Response::builder().status(StatusCode::from_u16(status)?);
            return Ok(answer.body(full(text.into()))?);
        }
        Fate::Tell(status, headers, text) => {
            let answer = Response::builder().status(StatusCode::from_u16(status)?);
            let answer = headers
                .iter()
                .fold(answer, |answer, (name, value)| answer.header(*name, *value));
            return Ok(answer.body(full(text.into()))?);
        }
        Fate::FlipBit => {
            if let Some(byte) = body.first_mut() {
                *byte ^= 1;
            }
        }
        _ => {}
    }
    // What has arrived goes on to the store, whether or not somebody still waits for the answer.
    let request = Request::from_parts(head, Bytes::from(body));
    let (mut head, body) = tokio::spawn(store.forward(request)).await??;
    match fate {
        Fate::LoseAnswer => Err("lost on purpose".into()),
        Fate::CutAnswer => {
            let half = body.slice(..body.len() / 2);
            let frames = [Ok(Frame::data(half)), Err("cut on purpose".into())];
            let frames = BoxBody::new(StreamBody::new(stream::iter(frames)));
            Ok(Response::from_parts(head, frames))
        }
        Fate::Mute => pending().await,
        Fate::NoEtag => {
            head.headers.remove(header::ETAG);
            Ok(Response::from_parts(head, full(body)))
        }
        Fate::Blanks(time, text) => {
            let body = text.map_or(body, Bytes::from);
            head.headers.remove(header::CONTENT_LENGTH);
            Ok(Response::from_parts(head, blanks(time, body)))
        }
        Fate::OtherEtag => {
            let etag = format!("\"{}\"", "0".repeat(32));
            head.headers.insert(header::ETAG, etag.parse()?);
            Ok(Response::from_parts(head, full(body)))
        }
        _ => Ok(Response::from_parts(head, full(body))),
    }
}

/// What the proxy stands before.
#[derive(Debug, Clone)]
struct Store {
    address: Arc<str>,
    busy: Arc<AtomicUsize>,
}

impl Store {
    async fn forward(
        self,
        request: Request<Bytes>,
    ) -> Result<(hyper::http::response::Parts, Bytes), BoxError> {
        self.busy.fetch_add(1, Ordering::SeqCst);
        let answer = forward(&self.address, request).await;
        self.busy.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

/// Sends a request as it is, so that its signature still holds, and gives the whole answer.
async fn forward(
    upstream: &str,
    mut request: Request<Bytes>,
) -> Result<(hyper::http::response::Parts, Bytes), BoxError> {
    let connection = TokioIo::new(TcpStream::connect(upstream).await?);
    let (mut sender, connection) = client::conn::http1::handshake(connection).await?;
    tokio::spawn(connection);
    drop_hops(request.headers_mut());
    let is_head = request.method() == Method::HEAD;
    let (mut head, body) = sender
        .send_request(request.map(Full::new))
        .await?
        .into_parts();
    let body = body.collect().await?.to_bytes();
    drop_hops(&mut head.headers);
    if !is_head {
        head.headers
            .insert(header::CONTENT_LENGTH, body.len().into());
    }
    Ok((head, body))
}

/// What belongs to one connection only.
fn drop_hops(headers: &mut HeaderMap) {
    for name in [
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::EXPECT,
    ] {
        headers.remove(name);
    }
}

/// An answer that begins at once, says nothing for a while, and then all.
fn blanks(time: Duration, body: Bytes) -> Body {
    let begun = Instant::now();
    // The declaration comes first, as AWS has it.
    let (declaration, body) = match body.windows(2).position(|pair| pair == b"?>") {
        Some(end) if body.starts_with(b"<?xml") => (body.slice(..end + 2), body.slice(end + 2..)),
        _ => (Bytes::new(), body),
    };
    let frame = |data: Bytes| Ok::<_, BoxError>(Frame::data(data));
    let pauses = stream::unfold(begun, move |begun| async move {
        sleep(Duration::from_millis(50)).await;
        (begun.elapsed() < time).then_some((frame(Bytes::from_static(b" ")), begun))
    });
    let first = stream::iter([frame(declaration)]);
    let last = stream::iter([frame(body)]);
    BoxBody::new(StreamBody::new(first.chain(pauses).chain(last)))
}

fn full(body: Bytes) -> Body {
    let never = |never: Infallible| match never {};
    Full::new(body).map_err(never).boxed()
}
