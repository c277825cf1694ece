//! What processes cost, by what Linux tells of them, and what the machine is.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

/// What Linux tells programs are hundredths, whatever the kernel itself counts in: proc(5).
const TICK: Duration = Duration::from_millis(10);
/// How often the disk is asked to keep something.
const SYNCS: u32 = 200;

/// Time of processors that was used so far.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// By the contestant.
    pub server: Duration,
    /// By all processes of the database's server.
    pub database: Option<Duration>,
}

impl Used {
    /// By the process `server`, and by the server of databases whose first process is `database`.
    pub fn by(server: u32, database: Option<u32>) -> Result<Self> {
        Ok(Self {
            server: Stat::of(server)?.own,
            database: database.map(family).transpose()?,
        })
    }

    /// Since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        let database = self.database.zip(earlier.database);
        Self {
            server: self.server.saturating_sub(earlier.server),
            database: database.map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

/// Has the peak of a process's memory begin anew.
pub fn forget_peak(pid: u32) -> Result<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// The most resident memory that a process had since then.
pub fn peak_mib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(kibibytes(&status, "VmHWM:")? / 1024)
}

/// Who started `pid`, which is a process of PostgreSQL on this machine.
pub fn parent_of(pid: u32) -> Result<u32> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    ensure!(
        name.trim() == "postgres",
        "PostgreSQL does not run on this machine, where its processors could be measured"
    );
    Ok(Stat::of(pid)?.parent)
}

/// What is measured on, in a sentence or two.
pub fn machine(directory: &Path) -> Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("of an unknown kind", |(_, model)| model);
    let count = std::thread::available_parallelism()?;
    let memory = kibibytes(&fs::read_to_string("/proc/meminfo")?, "MemTotal:")?;
    let syncs = syncs_a_second(directory)?;
    Ok(format!(
        "{count} processors ({model}), {} GB of memory; the disk keeps {syncs:.0} small writes a second, one after the \
         other (`fdatasync`). Clients, contestants and database share the processors.",
        memory * 1024 / 1_000_000_000
    ))
}

/// What a process and its children have used, those that have ended as well.
fn family(first: u32) -> Result<Duration> {
    let mut used = Stat::of(first)?.with_ended();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        // Processes come and go.
        if let Some(stat) = pid.and_then(|pid| Stat::of(pid).ok())
            && stat.parent == first
        {
            used += stat.with_ended();
        }
    }
    Ok(used)
}

/// What `/proc/PID/stat` tells.
struct Stat {
    parent: u32,
    own: Duration,
    of_ended_children: Duration,
}

impl Stat {
    fn of(pid: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name is in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(") ").context("no fields")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let field = |number: usize| -> Result<u32> {
            Ok(fields.get(number).context("too few fields")?.parse()?)
        };
        Ok(Self {
            parent: field(1)?,
            own: TICK * (field(11)? + field(12)?),
            of_ended_children: TICK * (field(13)? + field(14)?),
        })
    }

    fn with_ended(&self) -> Duration {
        self.own + self.of_ended_children
    }
}

/// What a line of `/proc` that begins with `name` tells.
fn kibibytes(lines: &str, name: &str) -> Result<u64> {
    let mut lines = lines.lines();
    let line = lines.find_map(|line| line.strip_prefix(name));
    let line = line.with_context(|| format!("no {name}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn syncs_a_second(directory: &Path) -> Result<f64> {
    let mut file: File = tempfile::tempfile_in(directory)?;
    let began = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
    }
    Ok(f64::from(SYNCS) / began.elapsed().as_secs_f64())
}
