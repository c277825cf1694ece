//! `[agent]`: the agent in the gateway's own process.

use std::path::PathBuf;

use super::section::{Problems, section};

section! {
    /// The agent in the gateway's own process (`serve --with-agent`): for one machine that is both
    /// gateway and hypervisor. Elsewhere `tidemark-agent` runs by itself.
    Agent = "agent" {
        /// The file with the token that enrols the hypervisor, as createHypervisor returned it.
        token_file: PathBuf = PathBuf::from("/var/lib/tidemark/agent.token");
        /// Where the agent keeps its lock and what it needs between restarts.
        state_dir: PathBuf = PathBuf::from("/var/lib/tidemark/agent");
        /// How many operations it works on at once. One place of several is kept for what is quick: at most
        /// one less are backups and restores.
        concurrency: u32 = 3;
        /// For how many seconds an operation waits for a backup storage that is busy or away, once it has
        /// taken or given something; before that, for half a minute.
        storage_patience_seconds: u32 = 900;
    }
}

impl Agent {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.zero("agent.concurrency", self.concurrency);
    }
}
