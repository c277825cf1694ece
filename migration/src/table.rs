//! Columns as every table of ours writes them: ids and enums as text, sizes as 64-bit integers,
//! instants with a time zone.

use sea_orm_migration::prelude::*;

/// The primary key: a UUIDv7 as text.
pub fn id() -> ColumnDef {
    let mut column = text("id");
    column.primary_key();
    column
}

/// A text that is never null.
pub fn text(name: &'static str) -> ColumnDef {
    let mut column = text_null(name);
    column.not_null();
    column
}

/// A text that may be null.
pub fn text_null(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text();
    column
}

/// A size in bytes, or a number that may grow like one.
pub fn bytes(name: &'static str) -> ColumnDef {
    let mut column = bytes_null(name);
    column.not_null();
    column
}

/// A size in bytes that may be unknown.
pub fn bytes_null(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer();
    column
}

/// A small count.
pub fn count(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.integer().not_null();
    column
}

/// Yes or no.
pub fn flag(name: &'static str) -> ColumnDef {
    let mut column = flag_null(name);
    column.not_null();
    column
}

/// Yes, no, or not said.
pub fn flag_null(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.boolean();
    column
}

/// An instant that is always there.
pub fn instant(name: &'static str) -> ColumnDef {
    let mut column = instant_null(name);
    column.not_null();
    column
}

/// An instant that may not have come yet.
pub fn instant_null(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.timestamp_with_time_zone();
    column
}

/// A table with its columns and what they refer to: `(column, table)`, always that table's `id`.
pub fn table(
    name: &'static str,
    columns: Vec<ColumnDef>,
    references: &[(&'static str, &'static str)],
) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for column in columns {
        table.col(column);
    }
    for (column, target) in references.iter().copied() {
        table.foreign_key(ForeignKey::create().from(name, column).to(target, "id"));
    }
    table
}

/// An index named after its table and columns.
pub fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("{table}_{}", columns.join("_")))
        .table(table);
    for column in columns.iter().copied() {
        index.col(column);
    }
    index
}

/// Drops tables, the last one first.
pub async fn drop_all(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables.iter().rev().copied() {
        manager
            .drop_table(Table::drop().table(table).to_owned())
            .await?;
    }
    Ok(())
}

/// Adds columns, which may be null, to a table. SQLite takes one at a time.
pub async fn add_columns(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: Vec<ColumnDef>,
) -> Result<(), DbErr> {
    for column in columns {
        manager
            .alter_table(Table::alter().table(table).add_column(column).to_owned())
            .await?;
    }
    Ok(())
}

/// Drops columns of a table.
pub async fn drop_columns(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    for column in columns.iter().copied() {
        manager
            .alter_table(Table::alter().table(table).drop_column(column).to_owned())
            .await?;
    }
    Ok(())
}
