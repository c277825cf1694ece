//! The agent: what works on the volumes of one hypervisor, as root.

pub mod driver;
pub mod export;
pub mod nbd;
pub mod operation;
pub mod process;
pub mod qcow2;
pub mod report;
