//! Searches for operations: by the name of what they are about, by that of their volume, and by ids.

use entity::{
    Scope,
    operation::{Column, Entity},
    volume,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, ExprTrait, QueryFilter,
    QuerySelect, QueryTrait, Select,
    sea_query::{Expr, Query},
};

use super::search::Search;
use crate::{app::App, graphql::error::Result};

/// So many names at most are looked up before the operations are.
const FEW: usize = 1000;
/// What may be an id that is looked for.
const IDS: [Column; 5] = [
    Column::Id,
    Column::VolumeId,
    Column::TargetVolumeId,
    Column::SnapshotId,
    Column::BackupId,
];

/// That an operation is like `text`: for any number of them.
pub fn searched(text: &str) -> Condition {
    let search = Search::of(text);
    let volumes = volume::Entity::find()
        .select_only()
        .column(volume::Column::Id)
        .filter(search.in_name(volume::Column::SearchName))
        .into_query();
    Condition::any()
        .add(search.in_name(Column::SearchSubject))
        .add(Column::VolumeId.in_subquery(volumes.clone()))
        .add(Column::TargetVolumeId.in_subquery(volumes))
        .add(search.in_ids(IDS))
}

/// The same for one list. PostgreSQL has an index of the parts of names: where it finds few, they are named; where it finds many, a
/// page soon comes across some, and looks at the name of each row's volume.
pub async fn look_up(app: &App, scope: Scope, text: &str) -> Result<Condition> {
    let db = app.database.reads();
    if db.get_database_backend() == DbBackend::Sqlite {
        return Ok(searched(text));
    }
    let search = Search::of(text);
    let volumes =
        volume::Entity::once_visible_to(scope).filter(search.in_name(volume::Column::SearchName));
    let subjects = Entity::visible_to(scope).filter(search.in_name(Column::SearchSubject));
    let found = match ids(app, volumes, volume::Column::Id).await? {
        Some(volumes) => ids(app, subjects, Column::Id)
            .await?
            .map(|subjects| (volumes, subjects)),
        None => None,
    };
    let found = match found {
        Some((volumes, subjects)) => Condition::any()
            .add(Column::Id.is_in(subjects))
            .add(Column::VolumeId.is_in(volumes.clone()))
            .add(Column::TargetVolumeId.is_in(volumes)),
        None => Condition::any()
            .add(search.in_name(Column::SearchSubject))
            .add(search.in_text(name_of(Column::VolumeId)))
            .add(search.in_text(name_of(Column::TargetVolumeId))),
    };
    Ok(found.add(search.in_ids(IDS)))
}

/// What searches compare of the volume that the operation's `column` names.
fn name_of(column: Column) -> Expr {
    let name = Query::select()
        .column((volume::Entity, volume::Column::SearchName))
        .from(volume::Entity)
        .and_where(Expr::col((volume::Entity, volume::Column::Id)).equals((Entity, column)))
        .to_owned();
    Expr::SubQuery(None, Box::new(name.into()))
}

/// The ids of `rows`, if they are few.
async fn ids<E: EntityTrait>(
    app: &App,
    rows: Select<E>,
    id: E::Column,
) -> Result<Option<Vec<String>>> {
    let most = u64::try_from(FEW).unwrap_or(u64::MAX);
    let ids: Vec<String> = rows
        .select_only()
        .column(id)
        .limit(most + 1)
        .into_tuple()
        .all(app.database.reads())
        .await?;
    Ok((ids.len() <= FEW).then_some(ids))
}
