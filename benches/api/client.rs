//! One client with one connection, which it keeps: it asks, waits, checks the answer, and asks again.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    contestant::Contestant,
    workload::{Question, Questions},
};

/// A client. Dropped, it hangs up, whether an answer is on its way or not.
#[derive(Debug)]
pub struct Client {
    questions: Questions,
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
    name: &'static str,
    _connection: AbortOnDropHandle<()>,
}

impl Client {
    /// A client that is connected and has asked nothing yet.
    pub async fn connect(contestant: &Contestant, questions: Questions) -> Result<Self> {
        let stream = TcpStream::connect(contestant.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // What is wrong with it is told to who asks.
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(Self {
            questions,
            sender,
            host: HeaderValue::from_str(&contestant.address.to_string())?,
            authorization: contestant.authorization.clone(),
            name: contestant.who.name(),
            _connection: AbortOnDropHandle::new(connection),
        })
    }

    /// Asks what comes next.
    pub async fn ask_next(&mut self) -> Result<Bytes> {
        let question = self.questions.question();
        self.ask(question).await
    }

    /// Asks, and fails where the answer is not the right one.
    pub async fn ask(&mut self, question: Question) -> Result<Bytes> {
        let mut request = Request::post(question.path)
            .header(HOST, self.host.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let request = request.body(Full::new(question.body))?;
        self.sender
            .ready()
            .await
            .with_context(|| format!("{} hung up", self.name))?;
        let answer = self.sender.send_request(request).await;
        let answer = answer.with_context(|| format!("{} did not answer", self.name))?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(
            status.is_success() && question.reply.is(&body),
            "{} answered with {status}: {}",
            self.name,
            String::from_utf8_lossy(&body[..body.len().min(2000)])
        );
        Ok(body)
    }
}
