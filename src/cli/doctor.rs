//! `tidemark doctor`: looks for what would keep the gateway from working. It changes nothing.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use tidemark::{
    app::App,
    config::{Config, KeySource},
    database::Database,
    domain::{Clock, place_mark, secret},
    secret::Keys,
};
use tokio::{process::Command, time::timeout};

use super::ConfigFile;

const PATIENCE: Duration = Duration::from_secs(10);
/// How far apart the clocks of this machine and of the database may be.
const MAX_SKEW_SECONDS: i64 = 5;

/// What one look found.
enum Finding {
    Good(String),
    /// Something will not work, and what to do.
    Bad(String, String),
}

pub(super) async fn run(file: &ConfigFile) -> anyhow::Result<ExitCode> {
    let config = file.load()?;
    let mut findings = vec![tool("qemu-img").await, tool("qemu-nbd").await];
    findings.extend(paths(&config));
    let keys = keys(&config, &mut findings);
    findings.extend(database(&config, keys).await);
    let mut bad = 0;
    for finding in findings {
        match finding {
            Finding::Good(what) => println!("ok    {what}"),
            Finding::Bad(what, remedy) => {
                bad += 1;
                println!("BAD   {what}\n      → {remedy}");
            }
        }
    }
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn tool(name: &str) -> Finding {
    let remedy =
        format!("install it where an agent runs: apt-get install qemu-utils (it brings {name})");
    let run = Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match timeout(PATIENCE, run).await {
        Ok(Ok(output)) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Finding::Good(text.lines().next().unwrap_or(name).to_owned())
        }
        Ok(Ok(output)) => Finding::Bad(format!("{name} fails: {}", output.status), remedy),
        Ok(Err(error)) => Finding::Bad(format!("{name} does not run: {error}"), remedy),
        Err(_) => Finding::Bad(format!("{name} does not answer"), remedy),
    }
}

fn paths(config: &Config) -> Vec<Finding> {
    let mut directories = vec![config.agent.state_dir.clone()];
    if let Some(file) = config.database.sqlite_file() {
        let directory = Path::new(file).parent().unwrap_or(Path::new("."));
        directories.insert(
            0,
            if directory.as_os_str().is_empty() {
                PathBuf::from(".")
            } else {
                directory.to_owned()
            },
        );
    }
    directories
        .into_iter()
        .map(|path| writable(&path))
        .collect()
}

fn writable(directory: &Path) -> Finding {
    let shown = directory.display();
    match tempfile::tempfile_in(directory) {
        Ok(_) => Finding::Good(format!("{shown} can be written to")),
        Err(error) => Finding::Bad(
            format!("{shown} cannot be written to: {error}"),
            format!(
                "make it, and give it to the user that runs Tidemark: install -d -o USER {shown}"
            ),
        ),
    }
}

/// The keys that secrets are encrypted with; none if they cannot be had.
fn keys(config: &Config, findings: &mut Vec<Finding>) -> Option<Keys> {
    for source in &config.secrets.keys {
        if let KeySource::File(path) = source
            && path.metadata().is_ok_and(|file| file.mode() & 0o007 != 0)
        {
            let shown = path.display();
            findings.push(Finding::Bad(
                format!("everybody on this machine can read or change the key {shown}"),
                format!("let nobody but the user that runs Tidemark read it: chmod 600 {shown}"),
            ));
        }
    }
    match config.secrets.load() {
        Ok(keys) => Some(keys),
        Err(error) => {
            findings.push(Finding::Bad(
                error.to_string(),
                "put every key that secrets were encrypted with back in its place".to_owned(),
            ));
            None
        }
    }
}

async fn database(config: &Config, keys: Option<Keys>) -> Vec<Finding> {
    if config
        .database
        .sqlite_file()
        .is_some_and(|file| !Path::new(file).exists())
    {
        return vec![Finding::Bad(
            "the database is not there yet".to_owned(),
            "make it: tidemark migrate".to_owned(),
        )];
    }
    let connect = Database::connect(&config.database.url, 1);
    let database = match timeout(PATIENCE, connect).await {
        Ok(Ok(database)) => database,
        Ok(Err(error)) => return vec![unreachable(&error.to_string())],
        Err(_) => return vec![unreachable("no answer in time")],
    };
    let mut findings = vec![Finding::Good("the database answers".to_owned())];
    let pending = database.pending_migrations().await;
    let is_current = matches!(pending, Ok(0));
    findings.push(match pending {
        Ok(0) => Finding::Good("the database has all migrations".to_owned()),
        Ok(missing) => Finding::Bad(
            format!("the database lacks {missing} migrations"),
            "bring it up to date: tidemark migrate".to_owned(),
        ),
        Err(error) => Finding::Bad(
            format!("the database's migrations cannot be read: {error}"),
            "a newer Tidemark may have migrated it: run that one".to_owned(),
        ),
    });
    findings.push(match Clock::Database.now(database.reads()).await {
        Ok(now) => clock(now),
        Err(error) => unreachable(&error.to_string()),
    });
    if let (true, Some(keys)) = (is_current, keys) {
        let app = App::new(database, config.settings()).with_keys(keys);
        findings.extend(secrets(&app).await);
        findings.extend(places(&app).await);
    }
    findings
}

/// Whether every secret that is kept still opens.
async fn secrets(app: &App) -> Vec<Finding> {
    let kept = match secret::list(app.database.reads()).await {
        Ok(kept) => kept,
        Err(error) => return vec![unreachable(&error.to_string())],
    };
    let unreadable = kept.iter().filter_map(|kept| kept.open(app).err());
    let mut findings: Vec<_> = unreadable
        .map(|error| {
            Finding::Bad(
                error.to_string(),
                "add the key that encrypted it to secrets.keys, or set the secret anew".to_owned(),
            )
        })
        .collect();
    if findings.is_empty() {
        let count = kept.len();
        findings.push(match (count, app.keys.is_empty()) {
            (0, true) => Finding::Good("no secrets are kept, and no key is configured".to_owned()),
            _ => Finding::Good(format!(
                "all secrets that are kept ({count}) can be decrypted"
            )),
        });
    }
    findings
}

/// How far every pool reaches, and whether it and every backup storage was the one that is meant when it was last looked at.
async fn places(app: &App) -> Vec<Finding> {
    let mut findings: Vec<_> = match place_mark::list_reaches(app.database.reads()).await {
        Ok(reaches) => reaches.into_iter().map(Finding::Good).collect(),
        Err(error) => return vec![unreachable(&error.to_string())],
    };
    findings.extend(missing_places(app).await);
    findings
}

async fn missing_places(app: &App) -> Vec<Finding> {
    match place_mark::list_problems(app.database.reads()).await {
        Ok(problems) if problems.is_empty() => vec![Finding::Good(
            "no pool and no backup storage was missing when it was last used".to_owned(),
        )],
        Ok(problems) => {
            let remedy = "mount its disk; if the disk was replaced, accept it: acceptPlace";
            let bad =
                |(name, problem)| Finding::Bad(format!("the {name}: {problem}"), remedy.to_owned());
            problems.into_iter().map(bad).collect()
        }
        Err(error) => vec![unreachable(&error.to_string())],
    }
}

fn unreachable(cause: &str) -> Finding {
    Finding::Bad(
        format!("the database does not answer: {cause}"),
        "check database.url, that the server runs, and that it lets this machine in".to_owned(),
    )
}

/// Cooldowns and leases go by the database's clock, logs by this machine's: they should agree.
fn clock(database: DateTime<Utc>) -> Finding {
    #[expect(
        clippy::disallowed_methods,
        reason = "the question is how far this machine's own clock is off"
    )]
    let own = DateTime::<Utc>::from(SystemTime::now());
    let skew = (own - database).num_seconds().abs();
    if skew <= MAX_SKEW_SECONDS {
        Finding::Good("the clocks of this machine and of the database agree".to_owned())
    } else {
        Finding::Bad(
            format!("this machine's clock is {skew} s off the database's"),
            "synchronise both machines by NTP".to_owned(),
        )
    }
}
