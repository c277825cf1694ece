//! The installation: what this gateway's database is one of. Its id is made once, and told to agents so that
//! backups and places say whose they are.

use std::sync::Arc;

use entity::{InstallationId, installation};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};
use tokio::sync::OnceCell;

use super::{Error, Result};
use crate::app::App;

/// The id, once it was read. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Installation(Arc<OnceCell<InstallationId>>);

/// The installation's id. It is made where there is none; gateways that do so at once agree on one.
pub async fn id(app: &App) -> Result<InstallationId> {
    app.installation
        .0
        .get_or_try_init(|| ensure(app))
        .await
        .copied()
}

async fn ensure(app: &App) -> Result<InstallationId> {
    let known = installation::Entity::find().one(app.database.reads());
    if let Some(known) = known.await? {
        return Ok(known.id);
    }
    let db = app.database.writes();
    let made = installation::ActiveModel {
        id: Set(app.ids.next(InstallationId::from_uuid)),
        singleton: Set(true),
        created_at: Set(app.clock.now(db).await?),
    };
    let first = OnConflict::column(installation::Column::Singleton)
        .do_nothing()
        .to_owned();
    installation::Entity::insert(made)
        .on_conflict(first)
        .exec_without_returning(db)
        .await?;
    let row = installation::Entity::find().one(db).await?;
    row.map(|row| row.id)
        .ok_or_else(|| Error::Broken("the installation has no id".into()))
}
