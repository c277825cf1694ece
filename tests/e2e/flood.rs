//! While strangers sign in as fast as they can, an agent keeps its lease and a customer gets their page. How fast
//! is measured by `just soak-sign-in`, on a machine with nothing else to do; here it only has to come.

use std::{
    collections::BTreeMap,
    env, fs,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::harness::{Client, Engine, Machine, PASSWORD, PEOPLE, Rules};

const CLIENTS: usize = 300;
/// As many as a document may have.
const FIELDS: usize = 10;
/// As long as an agent's lease usually lasts: nothing may take longer.
const LEASE: Duration = Duration::from_secs(90);
const RENEWAL: &str = "mutation { agentRenew(input: { leases: [
    { operationId: \"0190a0a0-0000-7000-8000-000000000000\", epoch: 1 }] }) { __typename } }";
const PAGE: &str =
    "{ viewer { user { email } } volumes(first: 20) { totalCount nodes { id name status } } }";

/// What became of the strangers' requests: the statuses of answers, and how many did not wait for one.
#[derive(Clone, Default)]
struct Outcomes(Arc<Mutex<BTreeMap<String, u32>>>);

impl Outcomes {
    fn count(&self, outcome: &str) {
        let mut outcomes = self.0.lock().unwrap();
        *outcomes.entry(outcome.to_owned()).or_default() += 1;
    }
}

/// One stranger of an address of their own, who never waits before the next try. Every other time they
/// hang up at once.
async fn stranger(number: usize, address: String, outcomes: Outcomes) {
    for round in 0.. {
        let fields: Vec<_> = (0..FIELDS)
            .map(|field| {
                let email = format!("{number}-{round}-{field}@example.com");
                format!("a{field}: signIn(input: {{ email: \"{email}\", password: \"guess\" }}) {{ token }}")
            })
            .collect();
        let body = json!({ "query": format!("mutation {{ {} }}", fields.join(" ")) }).to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-forwarded-for: 198.18.{}.{}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            number / 250,
            number % 250,
            body.len()
        );
        let waits = (number + round).is_multiple_of(2);
        let asked = async {
            let mut stream = TcpStream::connect(&address).await?;
            stream.write_all((head + &body).as_bytes()).await?;
            let mut answer = String::new();
            if waits {
                stream.read_to_string(&mut answer).await?;
            }
            std::io::Result::Ok(answer)
        };
        match asked.await {
            Ok(answer) if waits => outcomes.count(answer.get(9..12).unwrap_or("cut off")),
            Ok(_) => outcomes.count("not waited for"),
            Err(error) => {
                outcomes.count(&error.kind().to_string());
                // No port is left for the moment.
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

/// A machine whose gateway believes what its callers say of where they come from.
async fn machine(engine: Engine) -> Machine {
    let mut machine = Machine::on(engine, Rules::default()).await;
    let path = machine.path("tidemark.toml");
    let config = fs::read_to_string(&path).unwrap();
    let believing = "[http]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";
    assert!(config.contains("[http]\n"), "{config}");
    fs::write(&path, config.replacen("[http]\n", believing, 1)).unwrap();
    machine.restart(false).await;
    machine
}

/// Asks again and again for as long as `lasts`, and at least five times; how long each answer took.
async fn ask(client: Client, document: &str, field: &str, lasts: Duration) -> Vec<Duration> {
    let began = Instant::now();
    let mut took = Vec::new();
    while took.len() < 5 || began.elapsed() < lasts {
        let asked = Instant::now();
        let answer = timeout(LEASE, client.answer(document, json!({}))).await;
        let answer: Value = answer.expect("no answer within a lease");
        assert!(answer["data"][field].is_object(), "{answer:#}");
        took.push(asked.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    took
}

/// Floods the gateway for as long as `lasts`; how long renewals and pages took, and what became of the flood.
async fn flood(
    machine: &Machine,
    lasts: Duration,
) -> (Vec<Duration>, Vec<Duration>, BTreeMap<String, u32>) {
    let outcomes = Outcomes::default();
    let mut strangers = JoinSet::new();
    for number in 0..CLIENTS {
        let address = machine.address().to_string();
        strangers.spawn(stranger(number, address, outcomes.clone()));
    }
    // Strangers wait for each other by then.
    let is_flooded = || outcomes.0.lock().unwrap().contains_key("429");
    while !is_flooded() {
        sleep(Duration::from_millis(1)).await;
    }
    // They keep their connections, as agents and browsers do.
    let keeping = |token: &str| Client {
        http: reqwest::Client::new(),
        ..machine.owner.with_token(token)
    };
    let agent = keeping(&machine.platform.agent_token);
    let owner = machine.owner.token.as_deref().unwrap();
    let (renewals, pages) = tokio::join!(
        ask(agent, RENEWAL, "agentRenew", lasts),
        ask(keeping(owner), PAGE, "viewer", lasts),
    );
    strangers.shutdown().await;
    let outcomes = outcomes.0.lock().unwrap().clone();
    (renewals, pages, outcomes)
}

/// Signs a customer in, coming again for as long as the gateway says that too many do.
async fn signed_in(machine: &Machine) {
    let (email, ..) = PEOPLE[2];
    let input = json!({ "input": { "email": email, "password": PASSWORD } });
    let document = "mutation($input: SignInInput!) { signIn(input: $input) { token } }";
    let client = Client::anonymous(machine.base());
    loop {
        let answer = client.answer(document, input.clone()).await;
        if answer["data"]["signIn"]["token"].is_string() {
            return;
        }
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(code, "RATE_LIMITED", "{answer:#}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// The databases that there are to measure with.
fn engines() -> Vec<(&'static str, Engine)> {
    let postgres = Engine::postgres().map(|engine| ("PostgreSQL", engine));
    [("SQLite", Engine::Sqlite)]
        .into_iter()
        .chain(postgres)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_renews_and_a_customer_reads_while_strangers_sign_in_as_fast_as_they_can() {
    let machine = machine(Engine::Sqlite).await;
    let (_, _, outcomes) = flood(&machine, Duration::ZERO).await;
    assert!(outcomes.contains_key("429"), "{outcomes:?}");
    // What nobody waits for any more is not in the way of who signs in now.
    timeout(LEASE, signed_in(&machine)).await.unwrap();
    let database = machine.database().await;
    let kept = entity::audit_event::Entity::find()
        .filter(entity::audit_event::Column::Actor.eq("anonymous"))
        .count(&database)
        .await;
    assert_eq!(kept.unwrap(), 0, "what strangers were refused is counted");
    database.close().await.unwrap();
    machine.end().await;
}

/// The middle, the 99th of 100, and the worst, in milliseconds.
fn figures(mut took: Vec<Duration>) -> String {
    took.sort();
    let at = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)].as_secs_f64() * 1e3;
    format!(
        "{} | {:.0} | {:.0} | {:.0}",
        took.len(),
        at(50),
        at(99),
        at(100)
    )
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures"]
async fn soak_a_flood_of_sign_ins() {
    let seconds = env::var("SOAK_SECONDS").ok();
    let seconds = seconds.map_or(30, |text| text.parse().unwrap());
    println!("| database | what | times | middle, ms | 99 of 100, ms | worst, ms |");
    println!("|---|---|---:|---:|---:|---:|");
    let mut told = Vec::new();
    for (name, engine) in engines() {
        let machine = machine(engine).await;
        let (renewals, pages, outcomes) = flood(&machine, Duration::from_secs(seconds)).await;
        println!("| {name} | an agent's renewal | {} |", figures(renewals));
        println!("| {name} | a customer's page | {} |", figures(pages));
        let began = Instant::now();
        signed_in(&machine).await;
        let took = began.elapsed().as_secs_f64() * 1e3;
        println!("| {name} | signing in afterwards | 1 | {took:.0} | {took:.0} | {took:.0} |");
        told.push(format!("{name}: {outcomes:?}"));
        machine.end().await;
    }
    println!(
        "\nWhat became of the strangers' requests, {CLIENTS} at once, {FIELDS} sign-ins each:"
    );
    for line in told {
        println!("{line}");
    }
}
