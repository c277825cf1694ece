//! A machine with a gateway and an agent on it, in one process or in two.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Output},
};

use nix::sys::signal::Signal;
use sea_orm::DatabaseConnection;
use serde_json::json;
use tempfile::TempDir;
use testbed::until;
use tokio::process::Command;

use super::{
    client::Client,
    database::{Engine, OwnDatabase},
    platform::{self, Platform},
    process::{Running, agent_program, gateway},
    request::Request,
};

/// The times and limits of a machine: short, so that nobody waits.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub cooldown_seconds: u32,
    pub lease_seconds: u32,
    pub heartbeat_seconds: u32,
    pub in_flight_limit: u32,
    pub max_attempts: u32,
    pub measure_interval_seconds: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            cooldown_seconds: 0,
            lease_seconds: 3,
            heartbeat_seconds: 1,
            in_flight_limit: 100,
            max_attempts: 5,
            measure_interval_seconds: 1800,
        }
    }
}

/// What the secrets of storages are encrypted with.
const SECRETS_KEY: &str = "base64:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";

/// One test's machine.
pub struct Machine {
    pub owner: Client,
    pub admin: Client,
    pub platform: Platform,
    pub gateway: Option<Running>,
    pub agent: Option<Running>,
    address: SocketAddr,
    rules: Rules,
    database: Option<OwnDatabase>,
    directory: TempDir,
}

impl Machine {
    /// A gateway on SQLite with the platform set up, and no agent yet.
    pub async fn new(rules: Rules) -> Self {
        Self::on(Engine::Sqlite, rules).await
    }

    /// The same on another database.
    pub async fn on(engine: Engine, rules: Rules) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("tidemark-")
            .tempdir()
            .unwrap();
        let database = OwnDatabase::make(&engine, directory.path()).await;
        let anonymous = Client::anonymous(String::new());
        let mut machine = Self {
            owner: anonymous.clone(),
            admin: anonymous,
            platform: Platform::default(),
            gateway: None,
            agent: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            rules,
            database: Some(database),
            directory,
        };
        for made in ["pool", "backups", "content"] {
            fs::create_dir(machine.path(made)).unwrap();
        }
        machine.write_config();
        machine.run_well(&["migrate", "--config"]).await;
        for (email, account, admin) in platform::PEOPLE {
            let mut command = machine.command(&["user", "create", "--config"]);
            command.args(["--email", email, "--account", account]);
            if admin {
                command.arg("--admin");
            }
            let output = command
                .env("TIDEMARK_PASSWORD", platform::PASSWORD)
                .output();
            assert!(output.await.unwrap().status.success());
        }
        machine.start(false).await;
        machine.write_config();
        let client = Client::anonymous(machine.base());
        let [admin, owner, _] = platform::PEOPLE.map(|(email, ..)| email);
        machine.admin = client.sign_in(admin, platform::PASSWORD).await;
        machine.owner = client.sign_in(owner, platform::PASSWORD).await;
        machine.platform = platform::set_up(&machine).await;
        machine
    }

    /// The same with the agent in the gateway's process.
    pub async fn with_agent(rules: Rules) -> Self {
        let mut machine = Self::new(rules).await;
        machine.restart(true).await;
        machine
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A path on the machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The image of a volume.
    pub fn image(&self, volume: &str) -> PathBuf {
        self.path("pool").join(format!("{volume}.qcow2"))
    }

    /// The directory of a backup.
    pub fn backup(&self, volume: &str, backup: &str) -> PathBuf {
        self.path("backups/volumes").join(volume).join(backup)
    }

    /// A customer of another account.
    pub async fn stranger(&self) -> Client {
        let (email, ..) = platform::PEOPLE[2];
        let client = Client::anonymous(self.base());
        client.sign_in(email, platform::PASSWORD).await
    }

    /// Requests in the name of the volumes' owner.
    pub fn request(&self) -> Request<'_> {
        Request::new(&self.owner, &self.platform)
    }

    /// Requests in an administrator's name.
    pub fn request_as_admin(&self) -> Request<'_> {
        Request::new(&self.admin, &self.platform)
    }

    /// A connection to the database, past the gateway.
    pub async fn database(&self) -> DatabaseConnection {
        self.database.as_ref().unwrap().connect().await
    }

    /// Starts the gateway, and waits until it can serve.
    pub async fn start(&mut self, with_agent: bool) {
        self.spawn_gateway(with_agent).await;
        let client = Client::anonymous(self.base());
        until("a gateway that is ready", async || {
            (client.status("/readyz").await? == 200).then_some(())
        })
        .await;
    }

    /// Starts the gateway, and waits until it listens.
    pub async fn spawn_gateway(&mut self, with_agent: bool) {
        let mut command = self.command(&["serve", "--config"]);
        if with_agent {
            command.arg("--with-agent");
        }
        let mut gateway = Running::start(command, &self.path("gateway.log"));
        let serving = gateway.logged("serving").await;
        self.address = serving["address"].as_str().unwrap().parse().unwrap();
        self.gateway = Some(gateway);
    }

    /// Stops the gateway in order, and starts it again.
    pub async fn restart(&mut self, with_agent: bool) {
        assert!(self.terminate().await.success());
        self.start(with_agent).await;
    }

    /// SIGTERM to the gateway.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.gateway.take().unwrap().terminate().await
    }

    /// `kill -9` of the gateway, and of the agent in it.
    pub async fn kill(&mut self) {
        self.gateway.take().unwrap().kill().await;
    }

    /// Starts an agent as a process of its own, with `tools` in place of QEMU's.
    pub async fn start_agent(&mut self, tools: &[(&str, &Path)]) {
        let program = agent_program().await;
        let config = self.path("agent.toml");
        let mut text = format!(
            "gateway_url = \"{}\"\ntoken = \"{}\"\nstate_dir = \"{}\"\n[tools]\n",
            self.base(),
            self.platform.agent_token,
            self.path("agent").display()
        );
        for (tool, path) in tools {
            writeln!(text, "{tool} = \"{}\"", path.display()).unwrap();
        }
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        command.arg("--config").arg(config).env("NO_COLOR", "1");
        self.agent = Some(Running::start(command, &self.path("agent.log")));
    }

    /// A command of the gateway's binary whose last word is the configuration's file.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(gateway());
        command.args(words);
        if words.contains(&"--config") {
            command.arg(self.path("tidemark.toml"));
        }
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().await.unwrap()
    }

    /// Runs a command to its good end.
    pub async fn run_well(&self, words: &[&str]) -> String {
        let output = self.run(words).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Stops all processes and takes the database away.
    pub async fn end(mut self) {
        if let Some(agent) = self.agent.take() {
            assert!(agent.terminate().await.success());
        }
        if let Some(gateway) = self.gateway.take() {
            assert!(gateway.terminate().await.success());
        }
        if let Some(database) = self.database.take() {
            database.drop().await;
        }
    }

    pub fn write_config(&self) {
        let Rules {
            cooldown_seconds,
            lease_seconds,
            heartbeat_seconds,
            in_flight_limit,
            max_attempts,
            measure_interval_seconds,
        } = self.rules;
        let config = json!({
            "database": { "url": self.database.as_ref().unwrap().url, "max_connections": 8 },
            "http": { "listen": self.address },
            "log": { "format": "json", "filter": "info,tidemark=debug,tidemark_agent=debug" },
            "rules": {
                "cooldown_seconds": cooldown_seconds,
                "lease_seconds": lease_seconds,
                "heartbeat_seconds": heartbeat_seconds,
                "in_flight_limit": in_flight_limit,
                "max_attempts": max_attempts,
                "measure_interval_seconds": measure_interval_seconds,
                "deadline_seconds": 120,
                "cleanup_interval_seconds": 1,
                "stream_refresh_seconds": 1,
            },
            "secrets": { "keys": [SECRETS_KEY] },
            "agent": {
                "token_file": self.path("agent.token"),
                "state_dir": self.path("agent"),
                "concurrency": 4,
            },
        });
        let config: toml::Table = serde_json::from_value(config).unwrap();
        fs::write(self.path("tidemark.toml"), config.to_string()).unwrap();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for running in [&self.gateway, &self.agent].into_iter().flatten() {
            running.signal(Signal::SIGKILL);
        }
        if !std::thread::panicking() {
            return;
        }
        for log in ["gateway.log", "agent.log"] {
            let Ok(text) = fs::read_to_string(self.path(log)) else {
                continue;
            };
            let lines: Vec<_> = text
                .lines()
                .filter(|line| !line.contains("Repairing cluster"))
                .collect();
            eprintln!("the end of {log}:");
            for line in &lines[lines.len().saturating_sub(60)..] {
                eprintln!("  {line}");
            }
        }
    }
}
