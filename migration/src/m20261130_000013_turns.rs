//! Whose turn it is: when each account was last served on each hypervisor, and the index by which the next is found.

use sea_orm_migration::prelude::*;

use crate::table::{bytes, drop_all, index, instant, table, text};

const TABLE: &str = "turns";
const OPERATIONS: &str = "operations";
const WAITING: &[&str] = &["status", "hypervisor_id", "account_id", "id"];
/// What that index serves, too.
const FORMER: &[&str] = &["status", "hypervisor_id"];

fn drop_index(columns: &[&'static str]) -> IndexDropStatement {
    let mut drop = Index::drop();
    drop.name(format!("{OPERATIONS}_{}", columns.join("_")))
        .table(OPERATIONS);
    drop
}

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // It refers to nothing: whoever is served no more is forgotten after a day.
        let columns = vec![
            text("hypervisor_id"),
            text("account_id"),
            bytes("turn"),
            instant("at"),
        ];
        let mut turns = table(TABLE, columns, &[]);
        turns.primary_key(Index::create().col("hypervisor_id").col("account_id"));
        manager.create_table(turns).await?;
        manager
            .create_index(index(TABLE, &["hypervisor_id", "turn"]))
            .await?;
        manager.create_index(index(TABLE, &["at"])).await?;
        manager.create_index(index(OPERATIONS, WAITING)).await?;
        manager.drop_index(drop_index(FORMER)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index(OPERATIONS, FORMER)).await?;
        manager.drop_index(drop_index(WAITING)).await?;
        drop_all(manager, &[TABLE]).await
    }
}
