//! The timeline of operations.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object};

use super::{Operation, wraps};
use crate::graphql::{
    context::{loaders, requester},
    error::Result,
    loader::UsersOfAccount,
    page::Cursor,
    plain::Plain,
    scalar::DateTime,
};

/// What happened to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::operation_event::OperationEventKind")]
pub enum OperationEventKind {
    /// It was asked for, and no guard said no.
    Accepted,
    /// An agent took it on.
    Started,
    /// It entered another phase.
    Progressed,
    /// Its agent was lost; it waits for another attempt.
    Requeued,
    /// It is done.
    Completed,
    /// It ended by an error.
    Failed,
    /// It was stopped.
    Cancelled,
}

/// A transition of an operation.
#[derive(Clone, Debug)]
pub struct OperationEvent(pub Arc<entity::operation_event::Model>);

wraps!(OperationEvent, operation_event, listed);

impl Plain for OperationEvent {}

/// A transition of an operation: who did it, when and why. It never changes.
#[Object]
impl OperationEvent {
    /// Its place among all events: where `operationEvents` goes on after it.
    async fn cursor(&self) -> String {
        Cursor::of_event(self.0.seq).encode()
    }

    /// When it happened.
    async fn at(&self) -> DateTime {
        self.0.at.into()
    }

    /// What happened.
    async fn kind(&self) -> OperationEventKind {
        self.0.kind.into()
    }

    /// The operation as it is now.
    async fn operation(&self, ctx: &Context<'_>) -> Result<Operation> {
        Ok(loaders(ctx)?.find(self.0.operation_id).await?.into())
    }

    /// Who did it: a user's email, an agent, or the gateway itself. Customers read neither the email
    /// of an administrator nor the name of a hypervisor.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        let Some(actor) = self.0.actor.as_deref() else {
            return Ok(None);
        };
        let reader = requester(ctx);
        let own = reader.user()?;
        if reader.is_admin() || own.email == actor {
            return Ok(Some(actor));
        }
        if actor.starts_with("agent ") {
            return Ok(Some("agent"));
        }
        if !actor.contains('@') {
            return Ok(Some(actor));
        }
        let colleagues = loaders(ctx)?.find(UsersOfAccount(own.account_id)).await?;
        let known = colleagues
            .iter()
            .any(|user| user.email == actor && user.role == entity::user::Role::User);
        Ok(Some(if known { actor } else { "administrator" }))
    }

    /// Why, for a person.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }
}
