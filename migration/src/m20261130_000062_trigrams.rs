//! By what PostgreSQL finds a part of a name: its groups of three letters. That takes the extension `pg_trgm`; where it may not be
//! made, names are read one by one, as they are on SQLite.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

const NAMES: [(&str, &str); 4] = [
    ("volumes", "search_name"),
    ("backups", "search_name"),
    ("backups", "search_volume_name"),
    ("operations", "search_subject"),
];

/// Where it is refused, nothing else is undone.
const EXTENSION: &str = "DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'names are searched without an index: %', SQLERRM;
END $$";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let db = manager.get_connection();
        db.execute_unprepared(EXTENSION).await?;
        for (table, column) in NAMES {
            // The extension may have been there before, in a schema of its own.
            let index = format!(
                "DO $$ DECLARE place text; BEGIN
                    SELECT nspname INTO place FROM pg_extension
                        JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm';
                    IF FOUND THEN
                        EXECUTE format('CREATE INDEX {table}_{column} ON {table} USING gin \
                            ({column} %I.gin_trgm_ops)', place);
                    END IF;
                END $$"
            );
            db.execute_unprepared(&index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        // The extension stays: others may use it.
        for (table, column) in NAMES {
            let drop = format!("DROP INDEX IF EXISTS {table}_{column}");
            manager.get_connection().execute_unprepared(&drop).await?;
        }
        Ok(())
    }
}
