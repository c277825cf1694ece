//! Which places have said whose they are, and the index by which what lies in a pool is found.

use sea_orm_migration::prelude::*;

use crate::table::{count, drop_all, index, instant_null, table, text, text_null};

const TABLE: &str = "place_marks";
const VOLUMES: &str = "volumes";
const OF_POOL: &[&str] = &["pool_id", "id"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // It refers to nothing: a place is a pool or a backup storage, and hypervisors are nil where it is shared.
        let columns = vec![
            text("place_id"),
            text("hypervisor_id"),
            count("generation"),
            instant_null("marked_at"),
            text_null("problem"),
            instant_null("problem_at"),
        ];
        let mut marks = table(TABLE, columns, &[]);
        marks.primary_key(Index::create().col("place_id").col("hypervisor_id"));
        manager.create_table(marks).await?;
        manager.create_index(index(VOLUMES, OF_POOL)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut of_pool = Index::drop();
        of_pool
            .name(format!("{VOLUMES}_{}", OF_POOL.join("_")))
            .table(VOLUMES);
        manager.drop_index(of_pool).await?;
        drop_all(manager, &[TABLE]).await
    }
}
