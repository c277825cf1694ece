//! The tokens of agents: made anew, and revoked.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::audit::audited;
use crate::{
    domain::agent_token,
    graphql::{
        context::{admin, app},
        error::Result,
        id,
        types::Hypervisor,
        visible,
    },
};

/// Whose agent's tokens to revoke.
#[derive(Debug, InputObject)]
pub struct RevokeAgentTokenInput {
    /// The hypervisor.
    pub hypervisor_id: ID,
}

/// Whose agent's tokens were revoked.
#[derive(Debug, SimpleObject)]
pub struct RevokeAgentTokenPayload {
    /// The hypervisor.
    pub hypervisor: Hypervisor,
}

/// For whose agent to make a token.
#[derive(Debug, InputObject)]
pub struct CreateEnrolmentTokenInput {
    /// The hypervisor.
    pub hypervisor_id: ID,
}

/// For whose agent a token was made.
#[derive(SimpleObject)]
pub struct CreateEnrolmentTokenPayload {
    /// The hypervisor.
    pub hypervisor: Hypervisor,
    /// What its agent sends as `Authorization: Bearer …`. It is shown once and not kept.
    pub enrolment_token: String,
}

/// Changes to the tokens of agents.
#[derive(Debug, Default)]
pub struct AgentTokenMutation;

#[Object]
impl AgentTokenMutation {
    /// Revokes all tokens of a hypervisor's agent: from now on it is refused, and its streams end. What it was doing
    /// goes back to the queue when its lease ends. The agent works again with a token of `createEnrolmentToken`.
    #[graphql(visible = "visible::to_admins")]
    async fn revoke_agent_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: RevokeAgentTokenInput,
    ) -> Result<Option<RevokeAgentTokenPayload>> {
        audited(ctx, &[&input.hypervisor_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.hypervisor_id, "hypervisor")?;
            let hypervisor = agent_token::revoke_all(app(ctx)?, requester, id).await?;
            Ok(RevokeAgentTokenPayload {
                hypervisor: hypervisor.into(),
            })
        })
        .await
    }

    /// Makes another token that the agent of a hypervisor enrols with. Those that it has stay valid.
    #[graphql(visible = "visible::to_admins")]
    async fn create_enrolment_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For whose agent.")] input: CreateEnrolmentTokenInput,
    ) -> Result<Option<CreateEnrolmentTokenPayload>> {
        audited(ctx, &[&input.hypervisor_id], async {
            let requester = admin(ctx)?;
            let id = id::find(&input.hypervisor_id, "hypervisor")?;
            let (hypervisor, enrolment_token) =
                agent_token::create(app(ctx)?, requester, id).await?;
            Ok(CreateEnrolmentTokenPayload {
                hypervisor: hypervisor.into(),
                enrolment_token,
            })
        })
        .await
    }
}
