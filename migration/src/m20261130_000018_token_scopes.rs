//! What a token may do, and which token made it.

use sea_orm_migration::prelude::*;

use crate::table::{add_columns, drop_columns, index, text, text_null};

const TABLE: &str = "tokens";
/// The columns of the index by which a user's tokens are found; the one of `user_id` alone goes.
const OF_USER: &[&str] = &["user_id", "kind", "expires_at"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Whatever was made so far may do all that its user may.
        let scope = text("scope").default("full").to_owned();
        add_columns(manager, TABLE, vec![scope, text_null("parent_id")]).await?;
        manager.create_index(index(TABLE, &["parent_id"])).await?;
        manager.create_index(index(TABLE, OF_USER)).await?;
        drop_index(manager, "tokens_user_id").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index(TABLE, &["user_id"])).await?;
        drop_index(manager, "tokens_user_id_kind_expires_at").await?;
        drop_index(manager, "tokens_parent_id").await?;
        drop_columns(manager, TABLE, &["scope", "parent_id"]).await
    }
}

async fn drop_index(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    let drop = Index::drop().name(name).table(TABLE).to_owned();
    manager.drop_index(drop).await
}
