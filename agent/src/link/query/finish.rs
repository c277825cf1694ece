//! How an agent's work on an operation ended.

use super::{ByteCount, ErrorCode, Id, schema};

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
    pub image_in_doubt: Option<bool>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub removed: Option<&'a str>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub begun: Option<bool>,
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
