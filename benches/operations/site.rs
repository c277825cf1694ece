//! A database with accounts, hosts and volumes, a gateway on it, and agents that work.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use entity::{account, hypervisor, user, volume};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, IdenStatic, Iterable,
    QueryFilter, Statement, TryGetable,
};
use tempfile::TempDir;
use tidemark::{
    app::App,
    database::Database,
    domain::{
        Settings,
        token::{Bearer, issue},
    },
};
use tokio::task::JoinSet;

use crate::{
    Options,
    api::Api,
    contestant::Contestant,
    customer::Waiting,
    database::{Kind, OwnDatabase},
    gateway::Gateway,
    hypervisor as agents, platform, rows,
};

/// What is not as shipped: that volumes rest, and that nobody reads what the gateway counts.
const METRICS: &str = "127.0.0.1:0";
/// How many accounts there are at most.
const ACCOUNTS: u32 = 256;

/// All that is measured.
pub struct Site {
    pub gateway: Contestant,
    pub database: OwnDatabase,
    pub db: DatabaseConnection,
    /// Where the gateway tells what it counts.
    pub metrics: String,
    /// Customers who wait.
    pub waiting: Arc<Waiting>,
    /// Customers, and the volumes that each asks for.
    pub customers: Vec<(Api, Vec<String>)>,
    agents: JoinSet<Result<()>>,
    _directory: TempDir,
}

impl Site {
    /// Starts all of it; none where there is no server.
    pub async fn new(options: &Options, volumes: u32) -> Result<Option<Self>> {
        let directory = tempfile::Builder::new()
            .prefix("tidemark-bench-")
            .tempdir()?;
        let Some(database) = OwnDatabase::make(Kind::Postgres, directory.path()).await? else {
            return Ok(None);
        };
        let free = std::net::TcpListener::bind(METRICS)?.local_addr()?;
        let settings = [
            ("TIDEMARK_RULES_COOLDOWN_SECONDS", "0".to_owned()),
            ("TIDEMARK_METRICS_LISTEN", free.to_string()),
        ];
        let started = Gateway {
            url: &database.url,
            directory: directory.path(),
            settings: &settings,
        };
        started.migrate().await?;
        platform::create_people(&started).await?;
        let gateway = started.serve().await?;
        let platform = platform::set_up(&gateway).await?;
        let db = database.connect().await?;
        let like = rows::fill(&db, &platform, 1).await?.remove(0);
        let accounts = volumes.clamp(1, ACCOUNTS);
        fill(&db, &platform, &like, accounts, options.agents, volumes).await?;
        database.settle().await?;

        let app = App::new(
            Database::connect(&database.url, 2).await?,
            Settings::default(),
        );
        let now = app.clock.now(&db).await?;
        let token = async |bearer: Bearer| {
            let issued = issue(&app, &db, bearer, "bench", now, None).await?;
            anyhow::Ok(Api::new(gateway.address, issued.secret))
        };
        let mut customers = Vec::new();
        for user in user::Entity::find()
            .filter(user::Column::Email.starts_with("bench"))
            .all(&db)
            .await?
        {
            let own = Statement::from_sql_and_values(
                DbBackend::Postgres,
                "SELECT id FROM volumes WHERE account_id = $1 AND name LIKE 'bench%' LIMIT 200",
                [user.account_id.into()],
            );
            let own = db.query_all_raw(own).await?;
            let own = own.iter().map(|row| row.try_get("", "id"));
            let own: Vec<String> = own.collect::<Result<_, _>>()?;
            customers.push((token(Bearer::Session(user.id)).await?, own));
        }
        let waiting = Arc::<Waiting>::default();
        let mut agents = JoinSet::new();
        for host in hypervisor::Entity::find()
            .filter(hypervisor::Column::Name.starts_with("bench"))
            .all(&db)
            .await?
        {
            let api = token(Bearer::Agent(host.id)).await?;
            agents.spawn(agents::work(api, Arc::clone(&waiting)));
        }
        app.database.close().await?;
        Ok(Some(Self {
            gateway,
            database,
            db,
            metrics: format!("http://{free}/metrics"),
            waiting,
            customers,
            agents,
            _directory: directory,
        }))
    }

    /// The server's version.
    pub async fn version(&self) -> Result<String> {
        self.database.version().await
    }

    /// The one value that a statement calls `told`.
    pub async fn ask<T: TryGetable>(&self, statement: &str) -> Result<T> {
        let statement = Statement::from_string(DbBackend::Postgres, statement);
        let row = self.db.query_one_raw(statement).await?;
        Ok(row.context("there is no answer")?.try_get("", "told")?)
    }

    /// How many statements the gateway has run.
    pub async fn statements(&self) -> Result<f64> {
        let told = reqwest::get(&self.metrics).await?.text().await?;
        let lines = told
            .lines()
            .filter(|line| line.contains("statement_seconds_count"));
        let counts = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        Ok(counts.sum())
    }

    /// Ends all of it. An agent that has failed is told of.
    pub async fn end(mut self) -> Result<()> {
        if let Some(ended) = self.agents.try_join_next() {
            ended??;
        }
        self.agents.shutdown().await;
        self.gateway.end().await?;
        self.db.close().await?;
        self.database.drop().await
    }
}

/// Makes accounts with a user each, hosts, and volumes of each account on each host, all like those that are there.
async fn fill(
    db: &DatabaseConnection,
    platform: &platform::Platform,
    volume: &str,
    accounts: u32,
    hosts: u32,
    volumes: u32,
) -> Result<()> {
    let id = |kind: &str, number: &str| {
        format!("'0190a0a0-000{kind}-7000-8000-' || lpad(to_hex({number}), 12, '0')")
    };
    let name = || ("name", "'bench ' || n.i".to_owned());
    let search = || ("search_name", "'bench ' || n.i".to_owned());
    let account = platform.account.to_string();
    let of_account = ("id", account.as_str());
    like::<account::Entity>(db, of_account, accounts, &[("id", id("1", "n.i")), name()]).await?;
    let user = [
        ("id", id("2", "n.i")),
        ("account_id", id("1", "n.i")),
        ("email", "'bench' || n.i || '@harbour.example'".to_owned()),
    ];
    like::<user::Entity>(db, ("account_id", &account), accounts, &user).await?;
    let host = platform.hypervisor.to_string();
    let own = [
        ("id", id("3", "n.i")),
        name(),
        search(),
        ("agent_state_id", "NULL".to_owned()),
    ];
    like::<hypervisor::Entity>(db, ("id", &host), hosts, &own).await?;
    let row = [
        ("id", id("4", "n.i")),
        ("account_id", id("1", &format!("1 + n.i % {accounts}"))),
        (
            "hypervisor_id",
            id("3", &format!("1 + n.i / {accounts} % {hosts}")),
        ),
        name(),
        search(),
    ];
    like::<volume::Entity>(db, ("id", volume), volumes, &row).await?;
    db.execute_unprepared("UPDATE volume_plans SET max_snapshots = 1000000")
        .await?;
    // As after the first look of an agent.
    db.execute_unprepared(
        "INSERT INTO place_marks (place_id, hypervisor_id, generation, marked_at) \
         SELECT id, hypervisor_id, 1, now() FROM storage_pools WHERE hypervisor_id IS NOT NULL",
    )
    .await?;
    Ok(())
}

/// Makes rows like the one whose column is `of`, with other values in some columns.
async fn like<E: EntityTrait>(
    db: &DatabaseConnection,
    of: (&str, &str),
    count: u32,
    changes: &[(&str, String)],
) -> Result<()> {
    let table = E::default();
    let table = sea_orm::EntityName::table_name(&table);
    let columns: Vec<String> = E::Column::iter()
        .map(|column| column.as_str().to_owned())
        .collect();
    let value = |column: &String| {
        let change = changes.iter().find(|(changed, _)| changed == column);
        change.map_or_else(|| format!("t.{column}"), |(_, value)| value.clone())
    };
    let values: Vec<_> = columns.iter().map(value).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {table} t, generate_series(1, {count}) AS n(i) \
         WHERE t.{} = '{}'",
        columns.join(", "),
        values.join(", "),
        of.0,
        of.1
    );
    db.execute_unprepared(&sql)
        .await
        .map_err(|error| anyhow!("{table}: {error}"))?;
    Ok(())
}
