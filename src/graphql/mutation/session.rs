//! Signing in and out, and tokens for automation.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use storage::Secret;

use super::audit::audited;
use crate::{
    domain::{api_token, session},
    graphql::{
        context::{app, caller, user},
        error::Result,
        id,
        scalar::DateTime,
        session::{SessionChange, changed, held},
        types::{ApiToken, Session, TokenScope, Viewer},
        visible,
    },
};

/// Who signs in.
#[derive(InputObject)]
pub struct SignInInput {
    /// The user's email address.
    pub email: String,
    /// The user's password.
    #[graphql(secret)]
    pub password: String,
}

/// A session.
#[derive(SimpleObject)]
pub struct SignInPayload {
    /// Send it as `Authorization: Bearer …`, or in `connection_init` as
    /// `{"authorization": "Bearer …"}`.
    pub token: String,
    /// Who signed in.
    pub viewer: Viewer,
}

/// Which session to end.
#[derive(Debug, InputObject)]
pub struct EndSessionInput {
    /// One of the caller's own.
    pub session_id: ID,
}

/// A session that was ended.
#[derive(Debug, SimpleObject)]
pub struct EndSessionPayload {
    /// The session.
    pub session: Session,
}

/// What the new token is to be.
#[derive(Debug, InputObject)]
pub struct CreateApiTokenInput {
    /// 1 to 128 characters.
    pub name: String,
    /// How much of what the caller may do it may do.
    #[graphql(default_with = "Some(TokenScope::Full)")]
    pub scope: Option<TokenScope>,
    /// When it ends. If left out: never, or with the API token that makes it, which none outlasts.
    pub expires_at: Option<DateTime>,
}

/// A token that was made.
#[derive(SimpleObject)]
pub struct CreateApiTokenPayload {
    /// The token.
    pub api_token: ApiToken,
    /// What its bearer sends. It is shown once and not kept.
    pub secret: String,
}

/// Which token to revoke.
#[derive(Debug, InputObject)]
pub struct RevokeApiTokenInput {
    /// One of the caller's own.
    pub api_token_id: ID,
}

/// A token that was revoked.
#[derive(Debug, SimpleObject)]
pub struct RevokeApiTokenPayload {
    /// The token.
    pub api_token: ApiToken,
}

/// Changes to sessions and tokens.
#[derive(Debug, Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Signs a user in. A browser that asks from the gateway's own pages gets a cookie, too, and need
    /// not keep the token; the session that it had before ends.
    #[graphql(visible = "visible::to_people")]
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] input: SignInInput,
    ) -> Result<Option<SignInPayload>> {
        audited(ctx, &[], async {
            let (email, password) = (&input.email, input.password);
            let signed_in =
                session::sign_in(app(ctx)?, email, password, caller(ctx), held(ctx)).await?;
            let (caller, issued) = (signed_in.requester, signed_in.issued);
            let token = &issued.token;
            let change = SessionChange::Began {
                secret: Secret::new(&issued.secret),
                device: signed_in.device,
                lasts: token.expires_at.map(|ends| ends - token.created_at),
            };
            changed(ctx, change);
            Ok(SignInPayload {
                token: issued.secret,
                viewer: Viewer::of(&caller)?,
            })
        })
        .await
    }

    /// Ends the session or token that the request came with, and its streams.
    #[graphql(visible = "visible::to_users")]
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<bool> {
        let done = audited(ctx, &[], async {
            session::sign_out(app(ctx)?, user(ctx)?).await?;
            changed(ctx, SessionChange::Ended);
            Ok(())
        });
        Ok(done.await?.is_some())
    }

    /// Ends one of the caller's own sessions, and its streams.
    #[graphql(visible = "visible::to_users")]
    async fn end_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: EndSessionInput,
    ) -> Result<Option<EndSessionPayload>> {
        audited(ctx, &[&input.session_id], async {
            let requester = user(ctx)?;
            let id = id::find(&input.session_id, "session")?;
            let ended = session::end_own(app(ctx)?, requester, id).await?;
            if requester.token() == Some(ended.id) {
                changed(ctx, SessionChange::Ended);
            }
            Ok(EndSessionPayload {
                session: Session::of(Arc::new(ended), requester),
            })
        })
        .await
    }

    /// Makes a token by which automation acts in the caller's name: at most 100 at a time. What an API
    /// token makes may do no more than itself, and ends with it.
    #[graphql(visible = "visible::to_users")]
    async fn create_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is to be.")] input: CreateApiTokenInput,
    ) -> Result<Option<CreateApiTokenPayload>> {
        audited(ctx, &[], async {
            let wanted = api_token::Create {
                name: &input.name,
                scope: input.scope.unwrap_or(TokenScope::Full).into(),
                expires_at: input.expires_at.map(|at| at.0),
            };
            let issued = api_token::create(app(ctx)?, user(ctx)?, wanted).await?;
            Ok(CreateApiTokenPayload {
                api_token: issued.token.into(),
                secret: issued.secret,
            })
        })
        .await
    }

    /// Revokes one of the caller's own tokens, and all that it made, and ends their streams.
    #[graphql(visible = "visible::to_users")]
    async fn revoke_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: RevokeApiTokenInput,
    ) -> Result<Option<RevokeApiTokenPayload>> {
        audited(ctx, &[&input.api_token_id], async {
            let requester = user(ctx)?;
            let id = id::find(&input.api_token_id, "API token")?;
            let token = api_token::revoke_own(app(ctx)?, requester, id).await?;
            Ok(RevokeApiTokenPayload {
                api_token: token.into(),
            })
        })
        .await
    }
}
