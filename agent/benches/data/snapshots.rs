//! How long a snapshot takes, beside the storage's own tool.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use tidemark_agent::operation::{Volume, Work};
use tokio::process::Command;

use crate::{
    GIB, Options,
    choice::{Source, Target},
    site::Site,
};

const ROUNDS: usize = 10;
/// How many older snapshots the volume has.
const OLDER: [usize; 2] = [0, 4];
const SIZE: u64 = 10 * GIB;
const PERCENT: u64 = 10;
/// The tool's snapshot.
const NAME: &str = "alone";

/// Takes snapshots of a volume, by us and by the tool in turn.
pub async fn run(options: &Options, source: Source) -> Result<()> {
    let Some(site) = Site::new(&options.directory, source, Target::Local).await? else {
        println!(
            "\nLeft out: snapshots on {}, for want of its services.",
            source.name()
        );
        return Ok(());
    };
    let (volume, _) = site.filled_volume(SIZE, PERCENT).await?;
    let tool = Tool::new(&site, source, &volume);
    println!(
        "\n## Snapshots on {}: {} GiB with {PERCENT} % data\n",
        source.name(),
        SIZE / GIB
    );
    println!("Medians of {ROUNDS}, in milliseconds.\n");
    println!(
        "| older snapshots | **Tidemark**, the operation | {} | more |",
        tool.name
    );
    println!("|---:|---:|---:|---:|");
    let mut kept = 0;
    for older in OLDER {
        while kept < older {
            site.snapshot(&volume).await?;
            kept += 1;
        }
        let (mut ours, mut alone) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            alone.push(tool.snapshot().await?);
            let (snapshot, elapsed) = site.snapshot(&volume).await?;
            ours.push(elapsed);
            let volume = volume.clone();
            site.complete(Work::DeleteSnapshot { volume, snapshot })
                .await?;
        }
        let [ours, alone] = [ours, alone].map(median);
        println!("| {older} | {ours:.1} | {alone:.1} | {:.1} |", ours - alone);
    }
    Ok(())
}

/// In milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// What an administrator would type.
struct Tool {
    name: &'static str,
    program: &'static str,
    create: Vec<String>,
    delete: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

impl Tool {
    fn new(site: &Site, source: Source, volume: &Volume) -> Self {
        let variables = site.variables(volume, &site.backup_of(volume));
        let found = variables.iter().find(|(name, _)| *name == "SOURCE");
        let image = found.map(|(_, value)| value.clone()).unwrap_or_default();
        let snapshot = format!("{image}@{NAME}");
        match source {
            Source::Qcow2 => Self {
                name: "`qemu-img snapshot -c`",
                program: "qemu-img",
                create: words(&["snapshot", "-c", NAME, &image]),
                delete: words(&["snapshot", "-d", NAME, &image]),
                variables,
            },
            Source::Ceph => Self {
                name: "`rbd snap create`",
                program: "rbd",
                create: words(&["snap", "create", "--no-progress", &snapshot]),
                delete: words(&["snap", "rm", "--no-progress", &snapshot]),
                variables,
            },
        }
    }

    /// Takes a snapshot and lets it go; how long the taking took.
    async fn snapshot(&self) -> Result<Duration> {
        let begun_at = Instant::now();
        self.run(&self.create).await?;
        let elapsed = begun_at.elapsed();
        self.run(&self.delete).await?;
        Ok(elapsed)
    }

    async fn run(&self, arguments: &[String]) -> Result<()> {
        let output = Command::new(self.program)
            .args(arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .await?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {complaint}");
        Ok(())
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
