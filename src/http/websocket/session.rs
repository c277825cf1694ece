//! One WebSocket, from its opening to its end.

use std::time::Duration;

use async_graphql::Request;
use bytes::Bytes;
use futures_util::{
    FutureExt, SinkExt, StreamExt,
    stream::{self, BoxStream},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout, timeout_at},
};
use tokio_stream::StreamMap;
use tokio_tungstenite::tungstenite::{self, Message};

use super::{
    handshake::Socket,
    protocol::{ClientMessage, Close, ServerMessage, answer},
};
use crate::{
    domain::{Error, Requester, token},
    graphql::told::Told,
    http::{
        Gateway,
        auth::{self, Caller},
        connection::Connection,
        execution::{Carrier, Kind},
        failure::Failure,
        payer::share,
        request_id::RequestId,
    },
    queue::Turn,
};

/// How long a client may take to answer that its socket is closed.
const FAREWELL: Duration = Duration::from_secs(2);
/// The most that a client may still send meanwhile.
const LAST_BYTES: u64 = 64 * 1024 * 1024;

/// Why a session ends: the socket is gone, the client closes it, or it is to be closed.
#[derive(Debug)]
enum End {
    Gone,
    Closed,
    Close(Close),
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

impl From<tungstenite::Error> for End {
    fn from(error: tungstenite::Error) -> Self {
        Close::of(error).map_or(Self::Gone, Self::Close)
    }
}

/// What an operation gives.
enum Outcome {
    Answer(Told),
    Complete,
    /// The token of the connection cannot be used any more.
    Refused(Error),
}

type Outcomes = StreamMap<String, BoxStream<'static, Outcome>>;

/// One WebSocket.
pub(super) struct Session<E> {
    gateway: Gateway<E>,
    socket: Socket,
    caller: Caller,
    id: RequestId,
    /// The connection's place among all.
    place: Option<Connection>,
    /// Its own among those of its account, once it is known whose it is.
    slot: Option<Turn>,
    /// They end when the gateway stops.
    subscriptions: Outcomes,
    /// Queries and mutations: a gateway that stops lets them finish.
    requests: Outcomes,
}

impl<E: Carrier> Session<E> {
    /// The session of `socket`, which was opened by `caller`.
    pub fn new(
        gateway: Gateway<E>,
        socket: Socket,
        caller: Caller,
        id: RequestId,
        place: Option<Connection>,
    ) -> Self {
        Self {
            gateway,
            socket,
            caller,
            id,
            place,
            slot: None,
            subscriptions: StreamMap::new(),
            requests: StreamMap::new(),
        }
    }

    /// Serves it to its end.
    pub async fn run(mut self) {
        // Boxed, as what is asked of the database takes much room, and is over long before the socket is.
        let end = match Box::pin(self.init()).await {
            Ok(()) => self.serve().await,
            Err(end) => Err(end),
        };
        self.subscriptions.clear();
        self.requests.clear();
        match end {
            Err(End::Close(close)) => {
                tracing::debug!(?close, "a WebSocket is closed");
                if self.write(Message::Close(Some(close.into()))).await.is_ok() {
                    self.part().await;
                }
            }
            // Reading on answers it.
            Err(End::Closed) => self.part().await,
            Ok(()) | Err(End::Gone) => {}
        }
    }

    /// Waits for `connection_init` and finds out who it is.
    async fn init(&mut self) -> Result<(), End> {
        let deadline = Instant::now() + self.gateway.stream.init_timeout();
        let stopping = self.gateway.stopping.clone();
        let payload = loop {
            let message = tokio::select! {
                () = stopping.cancelled() => return Err(Close::GoingAway.into()),
                message = timeout_at(deadline, receive(&mut self.socket)) => {
                    message.map_err(|_| Close::InitTimeout)??
                }
            };
            match message {
                Some(ClientMessage::ConnectionInit { payload }) => break payload,
                Some(ClientMessage::Subscribe { .. }) => return Err(Close::Unauthorized.into()),
                Some(ClientMessage::Ping {}) => self.send(&ServerMessage::Pong).await?,
                Some(ClientMessage::Pong {} | ClientMessage::Complete { .. }) | None => {}
            }
        };
        if let Some(authorization) = ClientMessage::authorization(payload.as_ref()) {
            let secret = auth::bearer(authorization).ok_or(Close::Forbidden)?;
            let requester = self.gateway.authenticate(secret, &self.id).await;
            self.caller.requester = requester
                .map_err(|_| Close::Internal)?
                .ok_or(Close::Forbidden)?;
        }
        // Signing in needs no WebSocket, and nothing else is for strangers.
        if matches!(self.caller.requester, Requester::Anonymous) {
            return Err(Close::Forbidden.into());
        }
        if let Some(place) = &self.place {
            place.standing.recognise();
        }
        let slot = self.gateway.streams.socket(self.caller.payer()).await;
        self.slot = Some(slot.map_err(|failure| Close::TryLater(failure.message().to_owned()))?);
        self.send(&ServerMessage::ConnectionAck).await
    }

    /// Carries operations out until one side ends it.
    async fn serve(&mut self) -> Result<(), End> {
        let stopping = self.gateway.stopping.clone();
        let period = self.gateway.stream.ping_interval();
        let mut ping = interval_at(Instant::now() + period, period);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pong_due: Option<Instant> = None;
        loop {
            let deadline = pong_due.unwrap_or_else(Instant::now);
            tokio::select! {
                () = stopping.cancelled() => break,
                message = receive(&mut self.socket) => {
                    let message = message?;
                    pong_due = None;
                    if let Some(message) = message {
                        self.take(message).await?;
                    }
                }
                Some((id, outcome)) = self.subscriptions.next() => self.tell(id, outcome).await?,
                Some((id, outcome)) = self.requests.next() => self.tell(id, outcome).await?,
                () = sleep_until(deadline), if pong_due.is_some() => return Err(End::Gone),
                _ = ping.tick() => {
                    self.write(Message::Ping(Bytes::new())).await?;
                    if pong_due.is_none() {
                        pong_due = Some(Instant::now() + self.gateway.stream.pong_timeout());
                    }
                }
            }
        }
        self.subscriptions.clear();
        while let Some((id, outcome)) = self.requests.next().await {
            self.tell(id, outcome).await?;
        }
        Err(Close::GoingAway.into())
    }

    /// Does what the client asks.
    async fn take(&mut self, message: ClientMessage) -> Result<(), End> {
        match message {
            ClientMessage::ConnectionInit { .. } => Err(Close::TooManyInits.into()),
            ClientMessage::Ping {} => self.send(&ServerMessage::Pong).await,
            ClientMessage::Pong {} => Ok(()),
            ClientMessage::Complete { id } => {
                self.forget(&id);
                Ok(())
            }
            ClientMessage::Subscribe { id, payload } => self.begin(id, *payload).await,
        }
    }

    async fn begin(&mut self, id: String, mut request: Request) -> Result<(), End> {
        if self.subscriptions.contains_key(&id) || self.requests.contains_key(&id) {
            return Err(Close::Duplicate(id).into());
        }
        let limit = usize::try_from(self.gateway.stream.max_operations).unwrap_or(usize::MAX);
        if self.subscriptions.len() + self.requests.len() >= limit {
            let refusal = Failure::too_many_operations(limit).into_answer();
            return self.send_answer(&id, &Told::of(&refusal)).await;
        }
        let kind = self.gateway.executor.kind(&mut request);
        let outcomes = match kind {
            Kind::Subscription => &mut self.subscriptions,
            Kind::Query | Kind::Mutation => &mut self.requests,
        };
        outcomes.insert(id, outcomes_of(&self.gateway, request, kind, &self.caller));
        Ok(())
    }

    /// Tells the client what came of an operation.
    async fn tell(&mut self, id: String, outcome: Outcome) -> Result<(), End> {
        match outcome {
            // Strangers watch nothing, so that the token has ended since.
            Outcome::Answer(told)
                if told.is_unauthenticated() && self.subscriptions.contains_key(&id) =>
            {
                Err(Close::Forbidden.into())
            }
            Outcome::Answer(told) => {
                if told.is_refusal() {
                    self.forget(&id);
                }
                self.send_answer(&id, &told).await
            }
            Outcome::Complete => {
                self.forget(&id);
                self.send(&ServerMessage::Complete { id: &id }).await
            }
            Outcome::Refused(error) => Err(self.refused(&error).into()),
        }
    }

    fn forget(&mut self, id: &str) {
        self.subscriptions.remove(id);
        self.requests.remove(id);
    }

    fn refused(&self, error: &Error) -> Close {
        if matches!(error, Error::Unauthenticated) {
            Close::Forbidden
        } else {
            tracing::error!(%error, id = %self.id, "a token cannot be checked");
            Close::Internal
        }
    }

    async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), End> {
        self.send_text(serde_json::to_string(message)).await
    }

    async fn send_answer(&mut self, id: &str, told: &Told) -> Result<(), End> {
        self.send_text(answer(id, told)).await
    }

    async fn send_text(&mut self, text: serde_json::Result<String>) -> Result<(), End> {
        let text = text.map_err(|error| {
            tracing::error!(%error, "a message cannot be written as JSON");
            Close::Internal
        })?;
        self.write(Message::Text(text.into())).await
    }

    /// Writes a frame. A client that does not take it in time is gone.
    async fn write(&mut self, frame: Message) -> Result<(), End> {
        let patience = self.gateway.stream.pong_timeout();
        timeout(patience, self.socket.send(frame))
            .await
            .map_err(|_| End::Gone)?
            .map_err(|_| End::Gone)
    }

    /// Ends the closing handshake. Who does not answer in time is cut off.
    async fn part(&mut self) {
        let farewell = async {
            // Ends where both sides have closed it, and where nothing more can be read.
            while self.socket.next().await.is_some() {}
            // What is still under way is taken in and dropped: the system would answer it by a reset,
            // and the client would never read why the socket was closed.
            let stream = self.socket.get_mut();
            stream.shutdown().await?;
            tokio::io::copy(&mut stream.take(LAST_BYTES), &mut tokio::io::sink()).await
        };
        let _ = timeout(FAREWELL, farewell).await;
    }
}

/// The next message of the protocol; `None` for a frame that only says that the peer lives.
async fn receive(socket: &mut Socket) -> Result<Option<ClientMessage>, End> {
    match socket.next().await.ok_or(End::Gone)?? {
        Message::Text(text) => Ok(Some(ClientMessage::read(&text)?)),
        Message::Binary(_) => {
            Err(Close::BadRequest("Invalid message: it is not text".to_owned()).into())
        }
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
        Message::Close(_) => Err(End::Closed),
    }
}

/// Carries an operation out in the name of whom the token speaks for now, not when the socket opened.
fn outcomes_of<E: Carrier>(
    gateway: &Gateway<E>,
    request: Request,
    kind: Kind,
    caller: &Caller,
) -> BoxStream<'static, Outcome> {
    let gateway = gateway.clone();
    let caller = caller.clone();
    async move {
        let app = gateway.app_of(share(&caller.requester));
        // Boxed, as its room would be kept for as long as the stream lasts.
        match Box::pin(token::reauthenticate(app, &caller.requester)).await {
            Ok(requester) => gateway
                .answers(
                    request,
                    kind,
                    Caller {
                        requester,
                        ..caller
                    },
                )
                .map(Outcome::Answer)
                .chain(stream::iter([Outcome::Complete]))
                .boxed(),
            Err(error) => stream::iter([Outcome::Refused(error)]).boxed(),
        }
    }
    .flatten_stream()
    .boxed()
}
