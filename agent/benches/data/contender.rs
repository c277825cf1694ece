//! What an engineer would script with other tools, and what the hardware can do at best.

use std::path::Path;

/// A script of the shell, and the programs that it needs.
///
/// It is given `SOURCE` (a volume: a file, or an image of a pool) and `QEMU_SOURCE` (the same, as QEMU
/// wants it), `OBJECT` (our object of it: a file, or a name of rclone's), `OUT` (an empty directory),
/// and what the [services](crate::services) are found by. A backup of its own it leaves as
/// `$OUT/backup` or below `$BUCKET/others`. What it writes it also flushes, as our operations do.
#[derive(Default)]
pub struct Contender {
    pub name: &'static str,
    pub needs: &'static [&'static str],
    /// Run before the clock starts.
    pub prepare: String,
    pub script: String,
    /// Run after the clock has stopped.
    pub finish: &'static str,
    /// So slow that one run has to do.
    pub once: bool,
    /// All of the volume goes through it, also what is empty.
    pub streams: bool,
    /// It leaves a backup.
    pub stores: bool,
}

impl Contender {
    /// The programs that are not installed.
    pub fn missing(&self) -> Vec<&'static str> {
        let installed = |program: &&str| {
            ["/usr/local/bin", "/usr/bin", "/bin"]
                .iter()
                .any(|directory| Path::new(directory).join(program).is_file())
        };
        let needs = self.needs.iter().copied();
        needs.filter(|program| !installed(program)).collect()
    }
}
