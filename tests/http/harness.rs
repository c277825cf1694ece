//! A gateway on a port of its own, with a user who has a token.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use entity::user::Role;
use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tidemark::{
    app::App,
    config::Config,
    database::Database,
    domain::{
        Requester, hypervisor,
        token::{self, Bearer},
        user,
    },
    graphql::{self, operation::Carrier},
    http::Server,
    lifecycle::{Failure, Lifecycle},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        self, Message, client::IntoClientRequest, handshake::client::Request, protocol::CloseFrame,
    },
};

use crate::schema::{Stage, schema};

/// The password of ann@example.com.
pub const PASSWORD: &str = "correct horse battery";

pub struct Gateway {
    pub app: App,
    pub address: SocketAddr,
    pub client: Client,
    pub token: String,
    pub stage: Stage,
    pub lifecycle: Lifecycle,
    pub running: JoinHandle<Result<(), Failure>>,
    statements: Arc<AtomicUsize>,
    _directory: TempDir,
}

impl Gateway {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// One with a schema that does what transports must bear.
    pub async fn start_with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::serve(configure, |_, stage| schema(stage)).await
    }

    /// One with the API itself.
    pub async fn start_api(configure: impl FnOnce(&mut Config)) -> Self {
        Self::serve(configure, |app, _| graphql::builder(app).finish()).await
    }

    async fn serve<E: Carrier>(
        configure: impl FnOnce(&mut Config),
        schema: impl FnOnce(App, Stage) -> E,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.http.listen = ([127, 0, 0, 1], 0).into();
        config.database.url = format!("sqlite://{}/gateway.db", directory.path().display());
        configure(&mut config);
        let mut database = Database::connect(&config.database.url, 4).await.unwrap();
        let statements = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&statements);
        database.observe(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let app = App::new(database, config.settings());
        app.database.migrate().await.unwrap();
        let token = token_of(&app, "ann@example.com", Role::User).await;
        let stage = Stage::default();
        let server = Server::bind(config.http.listen).await.unwrap();
        let address = server.address();
        let lifecycle = Lifecycle::new();
        let running = {
            let schema = schema(app.clone(), stage.clone());
            let (lifecycle, app) = (lifecycle.clone(), app.clone());
            tokio::spawn(async move { lifecycle.run(server, app, schema, &config).await })
        };
        Self {
            app,
            address,
            client: Client::builder().no_proxy().build().unwrap(),
            token,
            stage,
            lifecycle,
            running,
            statements,
            _directory: directory,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    /// `query` by GET.
    pub fn get_query(&self, query: &str) -> RequestBuilder {
        let mut url = reqwest::Url::parse(&self.url("/graphql")).unwrap();
        url.query_pairs_mut().append_pair("query", query);
        self.client.get(url)
    }

    /// `query` by POST.
    pub fn post(&self, query: &str) -> RequestBuilder {
        self.client
            .post(self.url("/graphql"))
            .json(&json!({ "query": query }))
    }

    /// Opens a WebSocket that has said nothing yet.
    pub async fn socket(&self) -> Socket {
        Socket::open(&format!("ws://{}/graphql/ws", self.address), None).await
    }

    /// Opens a WebSocket and signs in on it.
    pub async fn ready_socket(&self) -> Socket {
        let mut socket = self.socket().await;
        socket.init(&format!("Bearer {}", self.token)).await;
        assert_eq!(socket.receive().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// A token of a user with an account of their own.
    pub async fn token_of(&self, email: &str) -> String {
        token_of(&self.app, email, Role::User).await
    }

    /// An administrator.
    pub async fn admin(&self) -> Requester {
        let admin = token_of(&self.app, "admin@example.com", Role::Admin).await;
        token::authenticate(&self.app, &admin).await.unwrap()
    }

    /// How many statements the database was sent so far.
    pub fn statements(&self) -> usize {
        self.statements.load(Ordering::Relaxed)
    }

    /// A token of a hypervisor's agent.
    pub async fn agent_token(&self) -> String {
        let admin = self.admin().await;
        let group = hypervisor::create_group(&self.app, &admin, "group", None).await;
        let group = group.unwrap().id;
        let made = hypervisor::create(&self.app, &admin, group, "host", None).await;
        made.unwrap().1
    }

    /// Ends the user's token.
    pub async fn revoke(&self) {
        let requester = token::authenticate(&self.app, &self.token).await.unwrap();
        token::revoke(&self.app, requester.token().unwrap())
            .await
            .unwrap();
    }

    /// Waits until `count` endless subscriptions are open.
    pub async fn watchers(&self, count: u32) {
        let mut watchers = self.stage.watchers.subscribe();
        watchers.wait_for(|open| *open == count).await.unwrap();
    }
}

/// The token of a user who is made.
pub async fn token_of(app: &App, email: &str, role: Role) -> String {
    let password = PASSWORD.to_owned();
    let user = user::create_in_account_named(app, email, email, password, role)
        .await
        .unwrap();
    let db = app.database.writes();
    let now = app.clock.now(db).await.unwrap();
    token::issue(app, db, Bearer::Session(user.id), "test", now, None)
        .await
        .unwrap()
        .secret
}

/// The client's side of a WebSocket.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn open(url: &str, authorization: Option<&str>) -> Self {
        let mut request = url.into_client_request().unwrap();
        if let Some(authorization) = authorization {
            let headers = request.headers_mut();
            headers.insert("authorization", authorization.parse().unwrap());
        }
        Self::connect(request).await.unwrap()
    }

    /// Sends `request` to open one.
    pub async fn connect(mut request: Request) -> tungstenite::Result<Self> {
        request.headers_mut().insert(
            "sec-websocket-protocol",
            "graphql-ws, graphql-transport-ws".parse().unwrap(),
        );
        let (socket, response) = connect_async(request).await?;
        let protocol = &response.headers()["sec-websocket-protocol"];
        assert_eq!(protocol, "graphql-transport-ws");
        Ok(Self(socket))
    }

    pub async fn init(&mut self, authorization: &str) {
        let payload = json!({ "authorization": authorization });
        self.send(&json!({ "type": "connection_init", "payload": payload }))
            .await;
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        let payload = json!({ "query": query });
        self.send(&json!({ "type": "subscribe", "id": id, "payload": payload }))
            .await;
    }

    pub async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    /// Sends bytes that need not be a frame.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    /// Closes it, and gives what the gateway answers, up to the end of the connection.
    pub async fn close(&mut self) -> Option<CloseFrame> {
        let frame = CloseFrame {
            code: 1000.into(),
            reason: "enough".into(),
        };
        self.0.close(Some(frame)).await.unwrap();
        let mut answer = None;
        while let Some(read) = self.0.next().await {
            if let Message::Close(frame) = read.unwrap() {
                answer = frame;
            }
        }
        answer
    }

    pub async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next message of the protocol.
    pub async fn receive(&mut self) -> Value {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not a message: {other:?}"),
            }
        }
    }

    /// The next message of the protocol, if the gateway does not close it instead.
    pub async fn try_receive(&mut self) -> Option<Value> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return serde_json::from_str(&text).ok(),
                Message::Ping(_) | Message::Pong(_) => {}
                _ => return None,
            }
        }
    }

    /// The next ping of the gateway.
    pub async fn ping(&mut self) {
        while !matches!(self.0.next().await.unwrap().unwrap(), Message::Ping(_)) {}
    }

    /// Reads to the end of the connection as one that answers no frame, and says what came, and when it ended.
    /// A chatty one sends pings as long as they are taken.
    pub async fn read_without_answer(self, is_chatty: bool) -> (Vec<u8>, Instant) {
        let (mut reader, mut writer) = tokio::io::split(self.0.into_inner());
        let chatter = tokio::spawn(async move {
            // A ping without content, masked by nothing.
            while is_chatty && writer.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if !is_chatty {
                // What stops to write has closed its side.
                std::future::pending::<()>().await;
            }
        });
        let mut told = Vec::new();
        // What is sent into a closed connection may reset it.
        let _ = reader.read_to_end(&mut told).await;
        if is_chatty {
            chatter.await.unwrap();
        }
        (told, Instant::now())
    }

    /// Why the gateway closed it.
    pub async fn closed(&mut self) -> CloseFrame {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Close(frame) => {
                    // Reading on answers it.
                    while self.0.next().await.is_some_and(|read| read.is_ok()) {}
                    return frame.unwrap();
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not closed but: {other:?}"),
            }
        }
    }
}
