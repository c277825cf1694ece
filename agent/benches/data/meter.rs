//! What something costs: time, processor time and memory, with all of its children.

use std::{
    collections::{HashMap, HashSet},
    fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeValLike as _,
};
use tokio::{process::Command, time::interval};

/// Often enough to see a buffer that lives for a moment, seldom enough not to be seen.
const SAMPLE: Duration = Duration::from_millis(50);

/// What a run took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// From its beginning to its end.
    pub elapsed: Duration,
    /// Of all processors, in this process and its children.
    pub processor: Duration,
    /// By how much this process grew, at most.
    pub own_bytes: u64,
    /// What its children had together, at most.
    pub child_bytes: u64,
}

/// Runs a future of this process.
pub async fn measure<T>(work: impl Future<Output = Result<T>>) -> Result<(T, Cost)> {
    let peak = Arc::new(Peak::default());
    let before = processes()?;
    let base = Memory::of(&before, &HashSet::new())?.own;
    // The services that run already are no part of it.
    let others = before.into_keys().collect();
    let sampler = tokio::spawn(sample(Arc::clone(&peak), others));
    let (used, start) = (processor_time()?, Instant::now());
    let outcome = work.await;
    let elapsed = start.elapsed();
    let processor = processor_time()?.saturating_sub(used);
    sampler.abort();
    let cost = Cost {
        elapsed,
        processor,
        own_bytes: peak.own.load(Ordering::Relaxed).saturating_sub(base),
        child_bytes: peak.children.load(Ordering::Relaxed),
    };
    Ok((outcome?, cost))
}

/// Runs a script of the shell.
pub async fn shell(script: &str, variables: &[(&str, String)]) -> Result<Cost> {
    let run = async {
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .envs(variables.iter().map(|(name, value)| (name, value)))
            // rclone does not start where a machine has certificates of its own.
            .env_remove("AWS_CA_BUNDLE")
            .stdin(Stdio::null())
            .output()
            .await?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{script}: {complaint}");
        Ok(())
    };
    Ok(measure(run).await?.1)
}

#[derive(Default)]
struct Peak {
    own: AtomicU64,
    children: AtomicU64,
}

async fn sample(peak: Arc<Peak>, others: HashSet<u32>) {
    let mut ticks = interval(SAMPLE);
    loop {
        ticks.tick().await;
        if let Ok(memory) = processes().and_then(|all| Memory::of(&all, &others)) {
            peak.own.fetch_max(memory.own, Ordering::Relaxed);
            peak.children.fetch_max(memory.children, Ordering::Relaxed);
        }
    }
}

/// Resident memory at an instant.
struct Memory {
    own: u64,
    children: u64,
}

impl Memory {
    /// Of this process, and of its descendants but `others`.
    fn of(processes: &Processes, others: &HashSet<u32>) -> Result<Self> {
        let me = std::process::id();
        let own = processes.get(&me).context("this process is not listed")?.1;
        let children = processes
            .iter()
            .filter(|(pid, _)| !others.contains(pid) && descends(**pid, me, processes));
        Ok(Self {
            own,
            children: children.map(|(_, (_, bytes))| bytes).sum(),
        })
    }
}

/// By their ids: their parents and their resident bytes.
type Processes = HashMap<u32, (u32, u64)>;

fn processes() -> Result<Processes> {
    let mut processes = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let pid = path
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok());
        let Some(pid) = pid else { continue };
        // Processes come and go.
        if let Ok(stat) = fs::read_to_string(path.join("stat"))
            && let Some(found) = parse(&stat)
        {
            processes.insert(pid, found);
        }
    }
    Ok(processes)
}

fn descends(mut pid: u32, ancestor: u32, processes: &Processes) -> bool {
    while let Some(&(parent, _)) = processes.get(&pid) {
        if parent == ancestor {
            return true;
        }
        pid = parent;
    }
    false
}

/// The parent and the resident bytes in a line of `/proc/PID/stat`.
fn parse(stat: &str) -> Option<(u32, u64)> {
    const PAGE: u64 = 4096;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let parent = fields.nth(1)?.parse().ok()?;
    let pages: u64 = fields.nth(19)?.parse().ok()?;
    Some((parent, pages * PAGE))
}

fn processor_time() -> Result<Duration> {
    let time = |usage: &Usage| {
        let sum = usage.user_time() + usage.system_time();
        Duration::from_micros(sum.num_microseconds().unsigned_abs())
    };
    let own = getrusage(UsageWho::RUSAGE_SELF)?;
    let children = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(time(&own) + time(&children))
}
