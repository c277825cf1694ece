//! The line to a gateway over HTTP: GraphQL requests, and a stream of server-sent events.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use cynic::{GraphQlResponse, MutationBuilder as _, SubscriptionBuilder as _};
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use reqwest::{
    Client, RequestBuilder, Response, Url,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    Claim, Error, Heard, Lease, LeaseState, Link, Result, StorageTest, Welcome,
    input::{lease, lease_inputs, level, outcome_input, retained_input},
    query::{self, ByteCount, Id},
    stream::Decoder,
};
use crate::{
    driver::Retained,
    operation::Outcome,
    report::{Entry, Reading, Sighting},
};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const REQUEST_LIMIT: Duration = Duration::from_secs(15);
/// A stream that is silent for longer may have lost its other end without a word.
const SILENCE_LIMIT: Duration = Duration::from_mins(5);

/// A hypervisor's enrolment token. It is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Token(String);

impl Token {
    /// The token as the gateway gave it.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

/// A gateway at its address.
#[derive(Debug, Clone)]
pub struct Gateway {
    client: Client,
    endpoint: Url,
    state_id: Uuid,
}

impl Gateway {
    /// The gateway whose base address is `url`; its API is below, at `graphql`. `state_id` tells it
    /// which state directory this process holds.
    pub fn new(url: &str, token: &Token, state_id: Uuid) -> Result<Self> {
        let setup = |what: &str| Error::Setup(what.to_owned());
        let base = if url.ends_with('/') {
            url.to_owned()
        } else {
            format!("{url}/")
        };
        let endpoint = Url::parse(&base)
            .and_then(|base| base.join("graphql"))
            .map_err(|error| Error::Setup(format!("{url} is no address ({error})")))?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.0.trim()))
            .map_err(|_| setup("the token has characters that no token has"))?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([(reqwest::header::AUTHORIZATION, bearer)]);
        let client = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("tidemark-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .build()
            .map_err(|error| Error::Setup(error.to_string()))?;
        Ok(Self {
            client,
            endpoint,
            state_id,
        })
    }

    fn post(&self, operation: &impl Serialize) -> RequestBuilder {
        self.client.post(self.endpoint.clone()).json(operation)
    }

    async fn ask<T: DeserializeOwned>(&self, operation: &impl Serialize) -> Result<T> {
        let response = self.post(operation).timeout(REQUEST_LIMIT).send().await;
        let response = response.map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        match serde_json::from_slice(&body) {
            Ok(response) => judge(response),
            // Something between us and the gateway answers in its place.
            Err(_) if !status.is_success() => Err(Error::Unreachable(status.to_string())),
            Err(error) => Err(Error::Contract(error.to_string())),
        }
    }
}

#[derive(Deserialize)]
struct Extensions {
    code: Option<String>,
}

fn judge<T>(response: GraphQlResponse<T, Extensions>) -> Result<T> {
    if let Some(error) = response.errors.into_iter().flatten().next() {
        let code = error.extensions.and_then(|extensions| extensions.code);
        let code = code.unwrap_or_else(|| "INTERNAL".into());
        return Err(Error::Refused {
            code,
            message: error.message,
        });
    }
    response
        .data
        .ok_or_else(|| Error::Contract("an answer has neither data nor errors".into()))
}

/// The payload of a mutation: without an error it is there.
fn done<P>(payload: Option<P>) -> Result<P> {
    payload.ok_or_else(|| Error::Contract("an answer has neither a payload nor errors".into()))
}

fn unreachable(error: reqwest::Error) -> Error {
    // The address is known; what else an error says may be more than one level down.
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    Error::Unreachable(words)
}

/// A number of seconds from the contract, where it is an `Int`.
pub(super) fn seconds(seconds: i32) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[async_trait]
impl Link for Gateway {
    async fn hello(&self) -> Result<Welcome> {
        let input = query::AgentHelloInput {
            version: env!("CARGO_PKG_VERSION"),
            state_id: Id(self.state_id),
            capabilities: vec![
                query::AgentCapability::VolumeSnapshot,
                query::AgentCapability::VolumeBackup,
            ],
        };
        let operation = query::Hello::build(query::HelloVariables { input });
        let payload = done(self.ask::<query::Hello>(&operation).await?.agent_hello)?;
        Ok(Welcome {
            hypervisor_name: payload.hypervisor_name,
            lease: seconds(payload.lease_seconds),
            heartbeat: seconds(payload.heartbeat_seconds),
        })
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Vec<(Lease, LeaseState)>> {
        let input = query::AgentRenewInput {
            leases: lease_inputs(leases),
        };
        let operation = query::Renew::build(query::RenewVariables { input });
        let payload = done(self.ask::<query::Renew>(&operation).await?.agent_renew)?;
        Ok(payload.leases.into_iter().map(lease).collect())
    }

    async fn claim(&self, limit: usize, holding: &[Lease]) -> Result<Claim> {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let holding = lease_inputs(holding);
        let input = query::AgentClaimInput { limit, holding };
        let operation = query::Claim::build(query::ClaimVariables { input });
        let payload = done(self.ask::<query::Claim>(&operation).await?.agent_claim)?;
        let tests = payload.storage_tests.into_iter().map(|test| StorageTest {
            id: test.id.0,
            storage: test.destination.try_into(),
            wait: seconds(test.wait_seconds),
        });
        Ok(Claim {
            assignments: payload.assignments.into_iter().map(Into::into).collect(),
            storage_tests: tests.collect(),
            measurements: payload
                .measurements
                .into_iter()
                .map(TryInto::try_into)
                .collect(),
        })
    }

    async fn report_progress(&self, held: Lease, reading: &Reading) -> Result<Heard> {
        let input = query::AgentReportProgressInput {
            operation_id: Id(held.operation_id),
            epoch: held.epoch,
            phase: reading.phase,
            bytes_done: ByteCount(reading.bytes_done),
            bytes_total: ByteCount(reading.bytes_total),
        };
        let variables = query::ReportProgressVariables { input };
        let operation = query::ReportProgress::build(variables);
        let answer = self.ask::<query::ReportProgress>(&operation).await?;
        let payload = done(answer.agent_report_progress)?;
        Ok(Heard {
            state: lease(payload.lease).1,
            is_watched: payload.is_watched,
        })
    }

    async fn log(&self, held: Lease, entries: &[Entry]) -> Result<LeaseState> {
        let entries = entries.iter().map(|entry| query::AgentLogEntryInput {
            at: entry.at,
            level: level(entry.level),
            message: &entry.message,
            public: entry.public,
            number: entry.number,
        });
        let input = query::AgentLogInput {
            operation_id: Id(held.operation_id),
            epoch: held.epoch,
            entries: entries.collect(),
        };
        let operation = query::Log::build(query::LogVariables { input });
        let answer = self.ask::<query::Log>(&operation).await?;
        Ok(lease(done(answer.agent_log)?.lease).1)
    }

    async fn report_retained(&self, volume_id: Uuid, retained: &[Retained]) -> Result<bool> {
        let input = query::AgentReportRetainedInput {
            volume_id: Id(volume_id),
            retained: retained_input(retained),
        };
        let variables = query::ReportRetainedVariables { input };
        let operation = query::ReportRetained::build(variables);
        let answer = self.ask::<query::ReportRetained>(&operation).await?;
        Ok(done(answer.agent_report_retained)?.accepted)
    }

    async fn report_place(&self, sighting: &Sighting) -> Result<bool> {
        let input = query::AgentReportPlaceInput {
            place_id: Id(sighting.place_id),
            generation: i32::try_from(sighting.generation).unwrap_or(i32::MAX),
            problem: sighting.problem.as_deref(),
        };
        let operation = query::ReportPlace::build(query::ReportPlaceVariables { input });
        let answer = self.ask::<query::ReportPlace>(&operation).await?;
        Ok(done(answer.agent_report_place)?.accepted)
    }

    async fn finish(&self, held: Lease, outcome: &Outcome) -> Result<bool> {
        let input = query::AgentFinishInput {
            operation_id: Id(held.operation_id),
            epoch: held.epoch,
            outcome: outcome_input(outcome),
        };
        let operation = query::Finish::build(query::FinishVariables { input });
        let answer = self.ask::<query::Finish>(&operation).await?;
        Ok(done(answer.agent_finish)?.accepted)
    }

    async fn finish_storage_test(
        &self,
        id: Uuid,
        outcome: std::result::Result<(), String>,
    ) -> Result<bool> {
        let message = outcome.as_ref().err().map_or("", String::as_str);
        let input = query::AgentFinishStorageTestInput {
            id: Id(id),
            ok: outcome.is_ok(),
            message,
        };
        let variables = query::FinishStorageTestVariables { input };
        let operation = query::FinishStorageTest::build(variables);
        let answer = self.ask::<query::FinishStorageTest>(&operation).await?;
        Ok(done(answer.agent_finish_storage_test)?.accepted)
    }

    async fn listen(&self) -> Result<BoxStream<'static, Result<i32>>> {
        let operation = query::Listen::build(());
        let request = self.post(&operation).header(ACCEPT, "text/event-stream");
        let opened = tokio::time::timeout(REQUEST_LIMIT, request.send()).await;
        let response = opened
            .map_err(|_| Error::Unreachable("the stream does not open".into()))?
            .map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(Error::Unreachable(response.status().to_string()));
        }
        Ok(events(response))
    }
}

/// The events of a response, until it ends, fails, or is silent for too long.
fn events(response: Response) -> BoxStream<'static, Result<i32>> {
    let pieces = until_silent(response.bytes_stream().map_err(unreachable).boxed());
    let decoded = pieces.scan(Decoder::default(), |decoder, piece| {
        let events = piece.and_then(|piece| {
            let events = decoder.push(&piece);
            events.ok_or_else(|| Error::Contract("the stream holds no events".into()))
        });
        std::future::ready(Some(events))
    });
    decoded
        .flat_map(|events| {
            futures_util::stream::iter(match events {
                Ok(events) => events.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        })
        .take_while(|event| {
            let complete = event.as_ref().is_ok_and(|event| event.kind == "complete");
            std::future::ready(!complete)
        })
        .map(|event| {
            let response =
                serde_json::from_str::<GraphQlResponse<query::Listen, Extensions>>(&event?.data);
            judge(response.map_err(|error| Error::Contract(error.to_string()))?)
                .map(|event| event.agent_work.claimable)
        })
        .boxed()
}

/// Ends a stream with an error when nothing comes for too long.
fn until_silent<T: Send + 'static>(
    stream: BoxStream<'static, Result<T>>,
) -> BoxStream<'static, Result<T>> {
    futures_util::stream::unfold(Some(stream), |stream| async {
        let mut stream = stream?;
        match tokio::time::timeout(SILENCE_LIMIT, stream.next()).await {
            Ok(Some(item)) => Some((item, Some(stream))),
            Ok(None) => None,
            Err(_) => Some((Err(Error::Unreachable("the stream is silent".into())), None)),
        }
    })
    .boxed()
}
