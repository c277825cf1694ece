//! The agent's queries. A field that the contract does not have, or has otherwise, does not compile.

use chrono::{DateTime, Utc};
use storage::Secret;
use uuid::Uuid;

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

// ── claim ──

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
}

// ── progress and log ──

#[derive(cynic::InputObject)]
pub struct AgentReportProgressInput<'a> {
    pub operation_id: Id,
    pub epoch: i32,
    pub phase: &'a str,
    pub bytes_done: ByteCount,
    pub bytes_total: ByteCount,
}

#[derive(cynic::QueryVariables)]
pub struct ReportProgressVariables<'a> {
    pub input: AgentReportProgressInput<'a>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ReportProgressVariables")]
pub struct ReportProgress {
    #[arguments(input: $input)]
    pub agent_report_progress: Option<AgentReportProgressPayload>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentReportProgressPayload {
    pub lease: AgentLease,
}

#[derive(cynic::InputObject)]
pub struct AgentLogEntryInput<'a> {
    pub at: DateTime<Utc>,
    pub level: LogLevel,
    pub message: &'a str,
    pub public: bool,
    pub number: i32,
}

#[derive(cynic::InputObject)]
pub struct AgentLogInput<'a> {
    pub operation_id: Id,
    pub epoch: i32,
    pub entries: Vec<AgentLogEntryInput<'a>>,
}

#[derive(cynic::QueryVariables)]
pub struct LogVariables<'a> {
    pub input: AgentLogInput<'a>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "LogVariables")]
pub struct Log {
    #[arguments(input: $input)]
    pub agent_log: Option<AgentLogPayload>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentLogPayload {
    pub lease: AgentLease,
}

// ── measurements ──

#[derive(cynic::InputObject)]
pub struct AgentReportRetainedInput {
    pub volume_id: Id,
    pub retained: Vec<AgentRetainedInput>,
}

#[derive(cynic::QueryVariables)]
pub struct ReportRetainedVariables {
    pub input: AgentReportRetainedInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ReportRetainedVariables")]
pub struct ReportRetained {
    #[arguments(input: $input)]
    pub agent_report_retained: Option<AgentReportRetainedPayload>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentReportRetainedPayload {
    pub accepted: bool,
}

// ── places ──

#[derive(cynic::InputObject)]
pub struct AgentReportPlaceInput<'a> {
    pub place_id: Id,
    pub generation: i32,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'a str>,
}

#[derive(cynic::QueryVariables)]
pub struct ReportPlaceVariables<'a> {
    pub input: AgentReportPlaceInput<'a>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ReportPlaceVariables")]
pub struct ReportPlace {
    #[arguments(input: $input)]
    pub agent_report_place: Option<AgentReportPlacePayload>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentReportPlacePayload {
    pub accepted: bool,
}

// ── finish ──

#[derive(cynic::InputObject)]
pub struct AgentRetainedInput {
    pub snapshot_id: Id,
    pub retained_bytes: ByteCount,
}

#[derive(cynic::InputObject)]
pub struct AgentCompletedInput<'a> {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<ByteCount>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<&'a str>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub retained: Option<Vec<AgentRetainedInput>>,
    pub image_replaced: bool,
}

#[derive(cynic::InputObject)]
pub struct AgentFailedInput<'a> {
    pub code: ErrorCode,
    pub message: &'a str,
    pub volume_touched: bool,
    pub image_replaced: bool,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub removed: Option<AgentRemoved>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub begun: Option<bool>,
}

#[derive(cynic::Enum, Debug, Clone, Copy)]
pub enum AgentRemoved {
    Nothing,
    Some,
    Unknown,
}

#[derive(cynic::InputObject)]
pub struct AgentStoppedInput {
    pub volume_touched: bool,
    pub image_replaced: bool,
}

#[derive(cynic::InputObject)]
pub enum AgentOutcomeInput<'a> {
    Completed(AgentCompletedInput<'a>),
    Failed(AgentFailedInput<'a>),
    Stopped(AgentStoppedInput),
}

#[derive(cynic::InputObject)]
pub struct AgentFinishInput<'a> {
    pub operation_id: Id,
    pub epoch: i32,
    pub outcome: AgentOutcomeInput<'a>,
}

#[derive(cynic::QueryVariables)]
pub struct FinishVariables<'a> {
    pub input: AgentFinishInput<'a>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "FinishVariables")]
pub struct Finish {
    #[arguments(input: $input)]
    pub agent_finish: Option<AgentFinishPayload>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentFinishPayload {
    pub accepted: bool,
}

// ── storage tests ──

#[derive(cynic::InputObject)]
pub struct AgentFinishStorageTestInput<'a> {
    pub id: Id,
    pub ok: bool,
    pub message: &'a str,
}

#[derive(cynic::QueryVariables)]
pub struct FinishStorageTestVariables<'a> {
    pub input: AgentFinishStorageTestInput<'a>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "FinishStorageTestVariables")]
pub struct FinishStorageTest {
    #[arguments(input: $input)]
    pub agent_finish_storage_test: Option<AgentFinishStorageTestPayload>,
}

#[derive(cynic::QueryFragment)]
pub struct AgentFinishStorageTestPayload {
    pub accepted: bool,
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
