//! What an agent tells while it works, and beside its work.

use chrono::{DateTime, Utc};

use super::{AgentLease, AgentRetainedInput, ByteCount, Id, LogLevel, schema};

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
    pub is_watched: bool,
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
