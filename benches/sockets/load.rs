//! Agents that report, and sockets that are told.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    net::TcpStream,
    task::LocalSet,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    database::OwnDatabase,
    rows::{Agent, Asked, BYTES_TOTAL, OPERATIONS, PHASE, transactions},
    server::Server,
    socket::{Socket, number},
};

/// How often an agent reports.
const INTERVAL: Duration = Duration::from_millis(250);
/// Reports before those that are measured.
const WARM_UP: usize = 12;
/// How many sockets are opened at once.
const OPENING: usize = 32;

const REPORT: &str = "mutation($input: AgentReportProgressInput!) {
    agentReportProgress(input: $input) { lease { state } } }";

/// What is measured at once.
pub struct Load<'a> {
    server: &'a Server,
    asked: Vec<Asked>,
    agents: &'a [Agent],
    seconds: u64,
    /// The number before the first that is reported: an operation never goes back.
    base: usize,
    /// What the bare server sends, with another number each time.
    pub message: Option<String>,
}

/// What was measured.
#[derive(Debug, Default)]
pub struct Figures {
    /// Which part of the messages came.
    pub delivered: f64,
    /// Milliseconds from the report.
    pub p50: f64,
    /// Milliseconds from the report.
    pub p99: f64,
    /// Microseconds of the processor for each message.
    pub micros: f64,
    /// Which part of the time the processor was used.
    pub busy: f64,
    /// Kilobytes a socket.
    pub kilobytes: f64,
    /// Transactions of the database a second.
    pub transactions: Option<f64>,
    /// A message as it was sent.
    pub message: String,
}

/// What sockets and agents tell each other.
#[derive(Default)]
struct Board {
    base: usize,
    /// When each number of each operation was reported.
    reported: RefCell<Vec<Vec<Instant>>>,
    /// How late each message was, in microseconds, of those that are measured.
    late: RefCell<Vec<u32>>,
    message: RefCell<String>,
    broken: Cell<usize>,
}

impl Figures {
    /// As a line of a table.
    pub fn print(&self, name: &str, sockets: usize) {
        let transactions = self.transactions.map(|rate| format!("{rate:.0}"));
        println!(
            "| {name} | {sockets} | {:.2} % | {:.0} / {:.0} | {:.1} | {:.0} % | {:.1} | {} |",
            self.delivered * 100.0,
            self.p50,
            self.p99,
            self.micros,
            self.busy * 100.0,
            self.kilobytes,
            transactions.unwrap_or_default(),
        );
    }
}

impl<'a> Load<'a> {
    /// Sockets that watch what is `asked`, and the agents that report to `server`.
    pub fn new(
        server: &'a Server,
        asked: Vec<Asked>,
        agents: &'a [Agent],
        seconds: u64,
        base: usize,
    ) -> Self {
        Self {
            server,
            asked,
            agents,
            seconds,
            base,
            message: None,
        }
    }

    /// Measures it.
    pub async fn run(&self, database: Option<&OwnDatabase>) -> Result<Figures> {
        LocalSet::new().run_until(self.measure(database)).await
    }

    async fn measure(&self, database: Option<&OwnDatabase>) -> Result<Figures> {
        let board = Rc::new(Board {
            base: self.base,
            reported: RefCell::new(vec![Vec::new(); OPERATIONS]),
            ..Board::default()
        });
        let before = self.server.kilobytes()?;
        let mut tasks = Vec::new();
        let mut opening = stream::iter(&self.asked)
            .map(|asked| self.open(asked))
            .buffer_unordered(OPENING);
        while let Some((socket, topic)) = opening.try_next().await? {
            let board = Rc::clone(&board);
            tasks.push(tokio::task::spawn_local(follow(socket, topic, board)));
        }
        // What opening them took is done.
        sleep(Duration::from_secs(3)).await;
        let reports = WARM_UP + usize::try_from(self.seconds)? * 4;
        let mut reporters = Vec::new();
        for (at, agent) in self.agents.iter().enumerate() {
            let reporter = Reporter::connect(self.server, agent, self.message.clone()).await?;
            // Agents do not report all at the same moment.
            let offset = INTERVAL.mul_f64(
                f64::from(u32::try_from(at)?) / f64::from(u32::try_from(self.agents.len())?),
            );
            let board = Rc::clone(&board);
            let run = reporter.run(offset, reports, board);
            reporters.push(tokio::task::spawn_local(run));
        }
        sleep(INTERVAL * u32::try_from(WARM_UP)?).await;
        let rate = match database {
            Some(database) => Some(transactions(database).await?),
            None => None,
        };
        let (began, used) = (Instant::now(), self.server.used()?);
        sleep(Duration::from_secs(self.seconds)).await;
        for reporter in reporters {
            reporter.await??;
        }
        sleep(Duration::from_millis(500)).await;
        let (elapsed, used) = (began.elapsed(), self.server.used()?.saturating_sub(used));
        let kilobytes = self.server.kilobytes()? - before;
        let rate = match (database, rate) {
            (Some(database), Some(rate)) => {
                let more = transactions(database).await? - rate;
                Some(more / elapsed.as_secs_f64())
            }
            _ => None,
        };
        ensure!(
            board.broken.get() == 0,
            "{} sockets broke",
            board.broken.get()
        );
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        let mut late = board.late.take();
        late.sort_unstable();
        let count = f64::from(u32::try_from(late.len())?);
        let sockets = f64::from(u32::try_from(self.asked.len())?);
        let expected = sockets * f64::from(u32::try_from(reports - WARM_UP)?);
        let at = |part: usize| {
            let late = late.get(late.len() * part / 100).copied();
            f64::from(late.unwrap_or_default()) / 1e3
        };
        Ok(Figures {
            delivered: count / expected,
            p50: at(50),
            p99: at(99),
            micros: used.as_secs_f64() * 1e6 / count,
            busy: used.as_secs_f64() / elapsed.as_secs_f64(),
            kilobytes: kilobytes / sockets,
            transactions: rate,
            message: board.message.take(),
        })
    }

    async fn open(&self, asked: &Asked) -> Result<(Socket, usize)> {
        let address = self.server.address;
        if !self.server.is_gateway {
            let path = format!("/watch/{}", asked.topic);
            let socket = Socket::open(address, &path, &asked.token).await?;
            return Ok((socket, asked.topic));
        }
        let mut socket = Socket::open(address, "/graphql/ws", &asked.token).await?;
        socket.send(r#"{"type":"connection_init"}"#).await?;
        let answer = socket.receive().await?;
        ensure!(answer.contains("connection_ack"), "{answer}");
        let payload = json!({ "query": asked.document, "variables": { "id": asked.id } });
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": payload });
        socket.send(&subscribe.to_string()).await?;
        let first = socket.receive().await?;
        ensure!(first.contains(r#""type":"next""#), "{first}");
        Ok((socket, asked.topic))
    }
}

async fn follow(mut socket: Socket, topic: usize, board: Rc<Board>) {
    loop {
        let read = socket.read(|text| board.note(topic, text)).await;
        if let Err(error) = read {
            eprintln!("a socket broke: {error}");
            board.broken.set(board.broken.get() + 1);
            return;
        }
    }
}

impl Board {
    fn note(&self, topic: usize, text: &[u8]) {
        let number = number(text).and_then(|number| number.checked_sub(self.base + 1));
        let Some(number) = number else { return };
        let reported = self.reported.borrow();
        let at = reported
            .get(topic)
            .and_then(|reported| reported.get(number));
        let Some(at) = at.filter(|_| number >= WARM_UP) else {
            return;
        };
        let micros = u32::try_from(at.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.late.borrow_mut().push(micros);
        if self.message.borrow().is_empty() {
            *self.message.borrow_mut() = String::from_utf8_lossy(text).into_owned();
        }
    }
}

/// An agent's connection.
struct Reporter {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    agent: Agent,
    message: Option<String>,
}

impl Reporter {
    async fn connect(server: &Server, agent: &Agent, message: Option<String>) -> Result<Self> {
        let stream = TcpStream::connect(server.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(connection);
        Ok(Self {
            sender,
            host: server.address.to_string(),
            agent: agent.clone(),
            message,
        })
    }

    /// Reports the operations of its agent so often. Numbers go on where the operation is.
    async fn run(mut self, offset: Duration, reports: usize, board: Rc<Board>) -> Result<()> {
        sleep(offset).await;
        let mut turns = interval(INTERVAL);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let operations = self.agent.operations.clone();
        for number in 1..=reports {
            turns.tick().await;
            for (topic, operation) in &operations {
                board.reported.borrow_mut()[*topic].push(Instant::now());
                let number = board.base + number;
                self.report(*topic, operation, number).await?;
            }
        }
        Ok(())
    }

    async fn report(&mut self, topic: usize, operation: &str, done: usize) -> Result<()> {
        let (path, body) = if let Some(message) = &self.message {
            (format!("/tell/{topic}"), renumbered(message, done)?)
        } else {
            let input = json!({ "input": {
                "operationId": operation, "epoch": 1, "phase": PHASE, "bytesDone": done,
                "bytesTotal": BYTES_TOTAL,
            } });
            let body = json!({ "query": REPORT, "variables": input });
            ("/graphql".to_owned(), body.to_string())
        };
        let request = Request::post(path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", self.agent.token))
            .body(Full::new(Bytes::from(body)))?;
        let answer = self.sender.send_request(request).await?;
        let answer = answer.into_body().collect().await?.to_bytes();
        let answer = String::from_utf8_lossy(&answer);
        let is_good = self.message.is_some() || answer.contains("HELD");
        ensure!(is_good, "{answer}");
        Ok(())
    }
}

/// `message` with another number, in as many bytes.
fn renumbered(message: &str, number: usize) -> Result<String> {
    let mark = "\"bytesDone\":";
    let (before, rest) = message.split_once(mark).context("no number")?;
    let rest = rest.trim_start_matches('"');
    let end = rest
        .find(|digit: char| !digit.is_ascii_digit())
        .context("no end")?;
    let behind = rest[end..].trim_start_matches('"');
    Ok(format!("{before}{mark}{number}{behind}"))
}
