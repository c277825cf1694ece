//! Documents and bodies by the thousand, as every kind of caller: none ends the process, none makes it fail
//! inside, and what they took is given back. `just soak-requests` sends more of them than the tests do.

mod generate;

use std::{alloc::System, time::Duration};

use entity::{HypervisorId, user::Role};
use futures_util::{StreamExt, stream};
use reqwest::StatusCode;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tidemark::domain::{
    token::{self, Bearer},
    user,
};
use tokio::time::timeout;

use self::generate::Generator;
use crate::harness::Gateway;

/// The allocator of the tests' program counts what lives.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many requests are sent as each kind of caller, unless `TIDEMARK_SOAK_REQUESTS` says so.
const REQUESTS: usize = 400;
/// How many are sent before the tokens are made anew: some of them sign out, or end users and tokens.
const ROUND: usize = 200;
/// How many are sent at once.
const AT_ONCE: usize = 8;
/// What may live longer than the requests that made it: the documents that passed, 20 MiB of them at most, and
/// connections' buffers.
const MAY_STAY: usize = 24 * 1024 * 1024;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Bytes that the allocator gave and did not get back.
fn live_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_document_and_no_body_ends_the_gateway_or_fails_inside_or_stays_in_memory() {
    let seed = setting("TIDEMARK_SOAK_SEED").unwrap_or(1);
    let requests =
        setting("TIDEMARK_SOAK_REQUESTS").map_or(REQUESTS, |count| usize::try_from(count).unwrap());
    println!("TIDEMARK_SOAK_SEED={seed}, {requests} requests as each kind of caller");
    let gateway = Gateway::start_api(|_| {}).await;
    let sdl = tidemark::graphql::builder(gateway.app.clone())
        .finish()
        .sdl();
    let hypervisor = hypervisor(&gateway).await;

    let mut at_first = None;
    let mut statuses = std::collections::BTreeMap::new();
    for (role, seed) in [None, Some("user"), Some("admin"), Some("agent")]
        .into_iter()
        .zip(seed..)
    {
        let mut generator = Generator::new(&sdl, seed, vec![hypervisor.to_string()]);
        let mut left = requests;
        while left > 0 {
            let token = token_of(&gateway, role, hypervisor).await;
            let round: Vec<_> = (0..ROUND.min(left)).map(|_| generator.body()).collect();
            left -= round.len();
            let answers = stream::iter(round).map(|body| send(&gateway, token.as_deref(), body));
            let answers: Vec<_> = answers.buffer_unordered(AT_ONCE).collect().await;
            for status in answers {
                *statuses.entry((role, status.as_u16())).or_insert(0_usize) += 1;
            }
            at_first.get_or_insert_with(live_bytes);
        }
        println!("live bytes: {} after those of {role:?}", live_bytes());
    }
    println!("{statuses:?}");
    let served = statuses.keys().filter(|(_, status)| *status == 200).count();
    assert_eq!(served, 4, "some of each role's are answered: {statuses:?}");

    // What has hung up is let go of when it is seen.
    let at_first = at_first.unwrap();
    let settled = testbed::until("memory is given back", async || {
        (live_bytes() < at_first + MAY_STAY).then(live_bytes)
    });
    let at_last = settled.await;
    println!("live bytes: {at_first} after the first round, {at_last} at the end");
    assert!(
        gateway
            .post("{ serverTime }")
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
}

/// Sends one body, and reads what comes.
async fn send(gateway: &Gateway, token: Option<&str>, body: Vec<u8>) -> StatusCode {
    let streamed = body.len().is_multiple_of(3);
    let path = if streamed {
        "/graphql/stream"
    } else {
        "/graphql"
    };
    let mut request = gateway
        .client
        .post(gateway.url(path))
        .header("content-type", "application/json")
        .timeout(Duration::from_mins(1));
    if streamed {
        request = request.header("accept", "text/event-stream");
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let told = String::from_utf8_lossy(&body).into_owned();
    let answer = request
        .body(body)
        .send()
        .await
        .unwrap_or_else(|error| panic!("{error}: {told}"));
    let status = answer.status();
    // A stream that was subscribed to has no end: it is hung up on.
    let patience = Duration::from_secs(if streamed { 1 } else { 60 });
    let text = match timeout(patience, answer.text()).await {
        Ok(Ok(text)) => text,
        Err(_) if streamed => String::new(),
        failed => panic!("{failed:?}: {told}"),
    };
    assert!(
        status.is_success() || status.is_client_error(),
        "{status} {text}: {told}"
    );
    assert!(
        !text.contains("\"extensions\":{\"code\":\"INTERNAL\""),
        "{text}: {told}"
    );
    status
}

/// A new token of a caller of this kind.
async fn token_of(
    gateway: &Gateway,
    role: Option<&str>,
    hypervisor: HypervisorId,
) -> Option<String> {
    let app = &gateway.app;
    let bearer = match role? {
        "agent" => Bearer::Agent(hypervisor),
        role => {
            let name = format!("{}@example.com", app.ids.next(|id| id.to_string()));
            let role = if role == "admin" {
                Role::Admin
            } else {
                Role::User
            };
            let password = crate::harness::PASSWORD.to_owned();
            let user = user::create_in_account_named(app, &name, &name, password, role);
            Bearer::Session(user.await.unwrap().id)
        }
    };
    let db = app.database.writes();
    let now = app.clock.now(db).await.unwrap();
    let issued = token::issue(app, db, bearer, "soak", now, None).await;
    Some(issued.unwrap().secret)
}

/// A hypervisor, made through the API.
async fn hypervisor(gateway: &Gateway) -> HypervisorId {
    let none = HypervisorId::from_uuid(uuid::Uuid::nil());
    let admin = token_of(gateway, Some("admin"), none).await.unwrap();
    let ask = async |query: &str, input: Value| -> Value {
        let request = gateway
            .client
            .post(gateway.url("/graphql"))
            .bearer_auth(&admin);
        let request = request.json(&json!({ "query": query, "variables": { "input": input } }));
        request.send().await.unwrap().json().await.unwrap()
    };
    let group = "mutation($input: CreateHypervisorGroupInput!) {
        createHypervisorGroup(input: $input) { hypervisorGroup { id } } }";
    let group = ask(group, json!({ "name": "g" })).await;
    let group = &group["data"]["createHypervisorGroup"]["hypervisorGroup"]["id"];
    let made = "mutation($input: CreateHypervisorInput!) {
        createHypervisor(input: $input) { hypervisor { id } } }";
    let made = ask(made, json!({ "name": "h", "hypervisorGroupId": group })).await;
    let id = made["data"]["createHypervisor"]["hypervisor"]["id"].as_str();
    id.unwrap().parse().unwrap()
}
