//! What a resolver finds around it: the app, who asks, and what the operation loads from.

use std::{
    any::{Any, TypeId},
    sync::LazyLock,
};

use async_graphql::{Context, DataContext, Request};
use chrono::{DateTime, Utc};
use entity::Scope;

use super::{Device, Loaders, Origin, error::Result, loader::Now};
use crate::{
    app::App,
    domain::{Error, HangUp, Requester, session::Caller},
};

static NOBODY: Requester = Requester::Anonymous;
static NOWHERE: LazyLock<Origin> = LazyLock::new(Origin::default);
static NEVER: LazyLock<HangUp> = LazyLock::new(HangUp::default);

/// The gateway's shared parts.
pub fn app<'a>(ctx: &'a Context<'_>) -> Result<&'a App> {
    Ok(ctx
        .data_opt::<App>()
        .ok_or_else(|| Error::Broken("the schema was built without an app".to_owned()))?)
}

/// Who asks. A request that says nothing of it is nobody's.
pub fn requester<'a>(ctx: &impl DataContext<'a>) -> &'a Requester {
    ctx.data_opt::<Requester>().unwrap_or(&NOBODY)
}

/// Who asks, if it is a user: everything but a sign-in begins with this.
pub fn user<'a>(ctx: &impl DataContext<'a>) -> Result<&'a Requester> {
    let requester = requester(ctx);
    requester.user()?;
    Ok(requester)
}

/// Who asks, if it is an administrator.
pub fn admin<'a>(ctx: &impl DataContext<'a>) -> Result<&'a Requester> {
    let requester = requester(ctx);
    requester.admin()?;
    Ok(requester)
}

/// The part of the tenants' tables that the requester may see.
pub fn scope<'a>(ctx: &impl DataContext<'a>) -> Result<Scope> {
    Ok(requester(ctx).scope()?)
}

/// Where the request came from.
pub fn origin<'a>(ctx: &impl DataContext<'a>) -> &'a Origin {
    ctx.data_opt::<Origin>().unwrap_or(&NOWHERE)
}

/// Who gives a password, and from where.
pub fn caller<'a>(ctx: &impl DataContext<'a>) -> Caller<'a> {
    Caller {
        address: origin(ctx).remote.as_deref().unwrap_or_default(),
        device: ctx
            .data_opt::<Device>()
            .and_then(|device| device.0.as_deref()),
        hang_up: ctx.data_opt::<HangUp>().unwrap_or(&NEVER),
    }
}

/// What the operation loads its edges from. It is there while fields are resolved; code that
/// produces the events of a subscription runs outside, and reads the database itself.
pub fn loaders<'a>(ctx: &'a Context<'_>) -> Result<&'a Loaders> {
    Ok(ctx
        .data_opt::<Loaders>()
        .ok_or_else(|| Error::Broken("nothing is loaded outside an operation".to_owned()))?)
}

/// The instant at which the operation is answered: one for all its fields.
pub async fn now(ctx: &Context<'_>) -> Result<DateTime<Utc>> {
    loaders(ctx)?.find(Now).await
}

/// What came with a request that is not yet under way.
pub fn of_request<D: Any + Send + Sync>(request: &Request) -> Option<&D> {
    let own = request.data.get(&TypeId::of::<D>());
    own.and_then(|data| data.downcast_ref())
}
