//! The logs of operations.

use std::sync::Arc;

use async_graphql::{Enum, Object};

use super::wraps;
use crate::graphql::{plain::Plain, scalar::DateTime};

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::operation_log::LogLevel")]
pub enum LogLevel {
    /// For developers.
    Debug,
    /// What went as it should.
    Info,
    /// What went otherwise but was handled.
    Warn,
    /// What failed.
    Error,
}

/// A line that an agent wrote.
#[derive(Clone, Debug)]
pub struct OperationLog(pub Arc<entity::operation_log::Model>);

wraps!(OperationLog, operation_log, listed);

impl Plain for OperationLog {}

/// A line that an agent wrote while it worked on an operation.
#[Object]
impl OperationLog {
    /// When it was written, by the agent's clock.
    async fn at(&self) -> DateTime {
        self.0.at.into()
    }

    /// How much it matters.
    async fn level(&self) -> LogLevel {
        self.0.level.into()
    }

    /// What it says.
    async fn message(&self) -> &str {
        &self.0.message
    }
}
