//! What an agent claims, and all that it is told of it.

use chrono::{DateTime, Utc};

use super::{AgentLeaseInput, ByteCount, Id, OperationKind, SecretText, StorageType, schema};

#[derive(cynic::InputObject)]
pub struct AgentClaimInput {
    pub limit: i32,
    pub holding: Vec<AgentLeaseInput>,
}

#[derive(cynic::QueryVariables)]
pub struct ClaimVariables {
    pub input: AgentClaimInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ClaimVariables")]
pub struct Claim {
    #[arguments(input: $input)]
    pub agent_claim: Option<AgentClaimPayload>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentClaimPayload {
    pub assignments: Vec<AgentAssignment>,
    pub storage_tests: Vec<AgentStorageTest>,
    pub measurements: Vec<AgentVolume>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentAssignment {
    pub operation_id: Id,
    pub epoch: i32,
    pub installation_id: Id,
    pub account: AgentAccount,
    pub kind: OperationKind,
    pub lease_seconds: i32,
    pub volume: Option<AgentVolume>,
    pub target_volume: Option<AgentVolume>,
    pub replace_image: bool,
    pub snapshot: Option<AgentSnapshot>,
    pub backup: Option<AgentBackup>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentVolume {
    pub id: Id,
    pub name: String,
    pub size_bytes: ByteCount,
    pub plan: AgentPlan,
    pub pool: AgentPool,
    pub group: AgentGroup,
    pub instance: Option<AgentInstance>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentAccount {
    pub id: Id,
    pub name: String,
}

#[derive(cynic::QueryFragment)]
pub struct AgentGroup {
    pub id: Id,
    pub name: String,
}

#[derive(cynic::QueryFragment)]
pub struct AgentInstance {
    pub running: bool,
    pub qmp_socket: Option<String>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentPlan {
    pub id: Id,
    pub name: String,
}

#[derive(cynic::Enum, Debug, Clone, Copy)]
pub enum AgentPlaceStanding {
    New,
    Accepted,
    Marked,
    /// One that this agent does not know.
    #[cynic(fallback)]
    Unknown,
}

#[derive(cynic::QueryFragment)]
pub struct AgentMark {
    pub installation_id: Id,
    pub place_id: Id,
    pub hypervisor_id: Option<Id>,
    pub generation: i32,
    pub standing: AgentPlaceStanding,
    pub witnesses: Vec<String>,
    pub is_asked: bool,
}

#[derive(cynic::QueryFragment)]
pub struct AgentPool {
    pub id: Id,
    pub name: String,
    pub mark: Option<AgentMark>,
    pub qcow2_file: Option<AgentQcow2FilePool>,
    pub ceph_rbd: Option<AgentCephRbdPool>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "AgentQcow2FilePool")]
pub struct AgentQcow2FilePool {
    pub path: String,
}

#[derive(cynic::QueryFragment)]
pub struct AgentCephRbdPool {
    pub pool: String,
    pub user: String,
    pub config_path: Option<String>,
    pub keyring: Option<SecretText>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentSnapshot {
    pub id: Id,
    pub volume_size_bytes: ByteCount,
}

#[derive(cynic::QueryFragment)]
pub struct AgentBackup {
    pub id: Id,
    pub name: String,
    pub volume_id: Id,
    pub storage_type: StorageType,
    pub volume_size_bytes: ByteCount,
    pub created_at: DateTime<Utc>,
    pub destination: AgentDestination,
}

#[derive(cynic::QueryFragment)]
pub struct AgentDestination {
    pub id: Id,
    pub mark: Option<AgentMark>,
    pub s3: Option<AgentS3Destination>,
    pub nfs: Option<AgentNfsDestination>,
    pub local: Option<AgentLocalDestination>,
    pub bandwidth_limit: Option<ByteCount>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "AgentS3Destination")]
pub struct AgentS3Destination {
    pub endpoint: Option<String>,
    pub region: String,
    pub bucket: String,
    pub prefix: Option<String>,
    pub access_key_id: String,
    pub secret_access_key: SecretText,
    pub force_path_style: Option<bool>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentNfsDestination {
    pub server: String,
    pub export: String,
    pub directory: Option<String>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentLocalDestination {
    pub path: String,
}

#[derive(cynic::QueryFragment)]
pub struct AgentStorageTest {
    pub id: Id,
    pub destination: AgentDestination,
    pub wait_seconds: i32,
}
