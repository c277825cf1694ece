//! Accounts and their users.

use sea_orm_migration::prelude::*;

use crate::table::{drop_all, id, index, instant, table, text};

const TABLES: &[&str] = &["accounts", "users"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(table(
                "accounts",
                vec![id(), text("name"), instant("created_at")],
                &[],
            ))
            .await?;
        manager
            .create_table(table(
                "users",
                vec![
                    id(),
                    text("account_id"),
                    text("email").unique_key().to_owned(),
                    text("password_hash"),
                    text("role"),
                    instant("created_at"),
                ],
                &[("account_id", "accounts")],
            ))
            .await?;
        manager
            .create_index(index("users", &["account_id"]))
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, TABLES).await
    }
}
