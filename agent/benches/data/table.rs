//! The table that is printed: Markdown, a line for each run.

use std::time::Duration;

use crate::meter::Cost;

/// The best of several runs of one thing.
pub struct Row {
    /// What ran.
    pub name: String,
    /// What it cost.
    pub cost: Cost,
    /// Bytes of data that it moved.
    pub data_bytes: u64,
    /// Bytes that it left at the destination.
    pub stored_bytes: Option<u64>,
}

/// Prints the head of a table.
pub fn head(title: &str) {
    println!("\n### {title}\n");
    println!("| what | s | MB/s of data | CPU s/GB | memory, MiB | stored, MB |");
    println!("|---|---:|---:|---:|---:|---:|");
}

impl Row {
    /// Keeps the faster of two runs, and the larger of their needs of memory.
    pub fn improve(&mut self, other: Self) {
        let own_bytes = self.cost.own_bytes.max(other.cost.own_bytes);
        let child_bytes = self.cost.child_bytes.max(other.cost.child_bytes);
        if other.cost.elapsed < self.cost.elapsed {
            *self = other;
        }
        self.cost.own_bytes = own_bytes;
        self.cost.child_bytes = child_bytes;
    }

    /// Prints the line.
    pub fn print(&self) {
        let Cost {
            elapsed,
            processor,
            own_bytes,
            child_bytes,
        } = self.cost;
        let memory = if own_bytes > 1 << 20 {
            format!("{} + {}", own_bytes >> 20, child_bytes >> 20)
        } else {
            format!("{}", child_bytes >> 20)
        };
        let (speed, effort) = if self.data_bytes > 0 {
            let speed = format!("{:.0}", ratio(self.data_bytes, elapsed) / 1e6);
            (
                speed,
                format!("{:.2}", 1e9 / ratio(self.data_bytes, processor)),
            )
        } else {
            ("–".into(), "–".into())
        };
        let stored = self.stored_bytes.map_or_else(
            || "–".into(),
            |bytes| format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10),
        );
        let name = &self.name;
        let seconds = elapsed.as_secs_f64();
        println!("| {name} | {seconds:.2} | {speed} | {effort} | {memory} | {stored} |");
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn ratio(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / time.as_secs_f64()
}
