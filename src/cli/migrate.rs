//! `tidemark migrate`: brings the database's schema to what this build needs.

use anyhow::Context;

use super::{ConfigFile, open};

pub(super) async fn run(file: &ConfigFile) -> anyhow::Result<()> {
    let config = file.load()?;
    let database = open(&config).await?.database;
    let missing = database
        .pending_migrations()
        .await
        .context("the database's migrations cannot be read")?;
    database
        .migrate()
        .await
        .context("the database cannot be migrated; nothing of the failed step is kept")?;
    database.close().await?;
    match missing {
        0 => println!("The database has all migrations."),
        1 => println!("Applied 1 migration."),
        missing => println!("Applied {missing} migrations."),
    }
    Ok(())
}
