//! The agent: what works on the volumes of one hypervisor, as root.
//!
//! It takes operations from the gateway over the public API, as anybody else would, and shares no
//! code with it. The layers, from the gateway to the disk:
//!
//! | module | what it is for |
//! |---|---|
//! | [`link`] | the gateway: requests, and the stream that wakes |
//! | [`work`] | leases, concurrency, reports |
//! | [`operation`] | the steps of each operation, and their undoing |
//! | [`driver`] | volumes on their storage |
//! | [`export`] | bytes between volumes and backups |
//! | [`nbd`], [`qcow2`], [`qmp`], [`process`], [`lock`] | what those stand on |
//!
//! [`run()`] is all that is needed to have an agent in a process.

mod clock;
mod config;
pub mod driver;
pub mod export;
pub mod link;
pub mod lock;
pub mod nbd;
pub mod operation;
pub mod process;
pub mod qcow2;
pub mod qmp;
pub mod report;
mod run;
pub mod state;
pub mod work;

pub use config::{
    AgentConfig, ConfigError, default_concurrency, default_state_dir,
    default_storage_patience_seconds,
};
pub use driver::Tools;
pub use link::Token;
pub use run::{Error, run};
