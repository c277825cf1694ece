//! Who sees what in the introspection. It hides what a caller may not use; whether they may is
//! checked by every resolver, whatever was hidden.

use async_graphql::Context;

use super::context::requester;

/// Administrators only.
pub fn to_admins(ctx: &Context<'_>) -> bool {
    requester(ctx).is_admin()
}

/// Agents only.
pub fn to_agents(ctx: &Context<'_>) -> bool {
    requester(ctx).is_agent()
}

/// People who are signed in: users and administrators.
pub fn to_users(ctx: &Context<'_>) -> bool {
    requester(ctx).user().is_ok()
}

/// Who may change something: a token that only reads has no mutations.
pub fn to_changers(ctx: &Context<'_>) -> bool {
    requester(ctx).may_change().is_ok()
}

/// Everybody but agents, who use the fields that are made for them.
pub fn to_people(ctx: &Context<'_>) -> bool {
    !requester(ctx).is_agent()
}
