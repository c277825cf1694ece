//! The agent: what works on the volumes of one hypervisor, as root.

pub mod export;
pub mod nbd;
pub mod process;
pub mod report;
