//! The agent's queries. A field that the contract does not have, or has otherwise, does not compile.
//!
//! Here is what several of them share, and those by which an agent stays in touch: hello, renewal, and being woken.

mod claim;
mod finish;
mod report;

use chrono::{DateTime, Utc};
use storage::Secret;
use uuid::Uuid;

pub use self::{claim::*, finish::*, report::*};

#[cynic::schema("tidemark")]
mod schema {}

/// An id of the contract, which is always a UUID: it may become part of a path.
#[derive(cynic::Scalar, Debug, Clone, Copy, PartialEq, Eq)]
#[cynic(graphql_type = "ID")]
pub struct Id(pub Uuid);

#[derive(cynic::Scalar, Debug, Clone, Copy)]
pub struct ByteCount(pub u64);

cynic::impl_scalar!(DateTime<Utc>, schema::DateTime);

/// A text of the contract that is not to be shown.
#[derive(serde::Deserialize, Debug)]
#[serde(transparent)]
pub struct SecretText(pub Secret);

cynic::impl_scalar!(SecretText, schema::String);

#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    CreateSnapshot,
    CreateBackup,
    RestoreInPlace,
    RestoreToNewVolume,
    DeleteSnapshot,
    DeleteBackup,
    CreateVolume,
    DeleteVolume,
    /// One that this agent does not know.
    #[cynic(fallback)]
    Unknown,
}

#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageType {
    Qcow2File,
    CephRbd,
    /// One that this agent does not know.
    #[cynic(fallback)]
    Unknown,
}

#[derive(cynic::Enum, Debug, Clone, Copy)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(cynic::Enum, Debug, Clone, Copy)]
pub enum AgentCapability {
    VolumeSnapshot,
    VolumeBackup,
}

#[derive(cynic::Enum, Debug, Clone, Copy)]
pub enum AgentLeaseState {
    Held,
    Cancel,
    Lost,
    /// One that this agent does not know.
    #[cynic(fallback)]
    Unknown,
}

#[derive(cynic::Enum, Debug, Clone, Copy)]
#[cynic(non_exhaustive)]
pub enum ErrorCode {
    StorageFailed,
    BackupStorageUnreachable,
    BackupStorageFull,
    BackupCorrupt,
    TargetTooSmall,
    StorageTypeMismatch,
    ItemNotAvailable,
    VolumeAttachedToRunningInstance,
    AgentOutdated,
    ImageDamaged,
    #[cynic(fallback)]
    Other,
}

/// Gateways know what they knew when they were made: these travel as text, so that a word that one does not know costs no
/// more than itself. That the contract has them is checked all the same.
macro_rules! travels_as_text {
    ($($name:ident),+) => {$(
        impl cynic::coercions::CoercesTo<schema::String> for $name {}

        impl cynic::schema::IsScalar<schema::String> for $name {
            type SchemaType = schema::String;
        }
    )+};
}

travels_as_text!(LogLevel, AgentCapability, ErrorCode);

// ── hello ──

#[derive(cynic::InputObject)]
pub struct AgentHelloInput<'a> {
    pub version: &'a str,
    pub state_id: Id,
    pub capabilities: Vec<AgentCapability>,
}

#[derive(cynic::QueryVariables)]
pub struct HelloVariables<'a> {
    pub input: AgentHelloInput<'a>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "HelloVariables")]
pub struct Hello {
    #[arguments(input: $input)]
    pub agent_hello: Option<AgentHelloPayload>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentHelloPayload {
    pub hypervisor_name: String,
    pub lease_seconds: i32,
    pub heartbeat_seconds: i32,
}

// ── renew ──

#[derive(cynic::InputObject)]
pub struct AgentLeaseInput {
    pub operation_id: Id,
    pub epoch: i32,
}

#[derive(cynic::InputObject)]
pub struct AgentRenewInput {
    pub leases: Vec<AgentLeaseInput>,
}

#[derive(cynic::QueryVariables)]
pub struct RenewVariables {
    pub input: AgentRenewInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RenewVariables")]
pub struct Renew {
    #[arguments(input: $input)]
    pub agent_renew: Option<AgentRenewPayload>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentRenewPayload {
    pub leases: Vec<AgentLease>,
}

#[derive(cynic::QueryFragment, Clone, Copy)]
pub struct AgentLease {
    pub operation_id: Id,
    pub epoch: i32,
    pub state: AgentLeaseState,
}

// ── being woken ──

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription")]
pub struct Listen {
    pub agent_work: AgentWork,
}

#[derive(cynic::QueryFragment)]
pub struct AgentWork {
    pub claimable: i32,
}
