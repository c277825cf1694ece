//! Statements that make many rows at once, each like one that is there but for what differs from row to row.

use sea_orm::{DbBackend, EntityTrait, IdenStatic, Iterable};

use crate::harness::World;

/// Over how many seconds everything was made: two months, so that nothing has ended by its age.
const SPAN: u64 = 60 * 24 * 3600;

/// What is written in SQL of one database or the other.
pub struct Sql {
    backend: DbBackend,
    now: i64,
}

impl Sql {
    /// Of the database of `world`.
    pub fn of(world: &World) -> Self {
        Self {
            backend: world.app.database.backend(),
            now: world.now().timestamp(),
        }
    }

    /// The id of the row `number` of a kind.
    pub fn id(&self, kind: u32, number: &str) -> String {
        match self.backend {
            DbBackend::Sqlite => format!("printf('{kind:08x}-0000-7000-8000-%012x', {number})"),
            _ => format!("'{kind:08x}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0')"),
        }
    }

    /// The instant so many seconds ago.
    pub fn ago(&self, seconds: &str) -> String {
        let now = self.now;
        match self.backend {
            DbBackend::Sqlite => {
                format!("strftime('%Y-%m-%dT%H:%M:%S+00:00', {now} - ({seconds}), 'unixepoch')")
            }
            _ => format!("to_timestamp({now} - ({seconds}))"),
        }
    }

    /// When the row `i` of `rows` was made: the last one now.
    pub fn made(&self, rows: u64) -> String {
        self.ago(&format!("({rows} - n.i) * {SPAN} / {rows}"))
    }

    /// `rows` rows like the one that `like` finds, but for `changes`.
    pub fn rows<E>(&self, rows: u64, like: &str, changes: &[(E::Column, String)]) -> String
    where
        E: EntityTrait + Default,
        E::Column: Iterable,
    {
        let table = E::default().table_name().to_owned();
        let value = |column: &E::Column| {
            let change = changes
                .iter()
                .find(|(own, _)| own.as_str() == column.as_str());
            change.map_or_else(|| format!("t.{}", column.as_str()), |(_, sql)| sql.clone())
        };
        let columns: Vec<_> = E::Column::iter().collect();
        let names: Vec<_> = columns.iter().map(IdenStatic::as_str).collect();
        let values: Vec<_> = columns.iter().map(value).collect();
        let (numbers, from) = match self.backend {
            DbBackend::Sqlite => (
                format!(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
                ),
                "n".to_owned(),
            ),
            _ => (
                String::new(),
                format!("generate_series(CAST(1 AS bigint), {rows}) AS n(i)"),
            ),
        };
        format!(
            "INSERT INTO {table} ({}) {numbers}SELECT {} FROM {from}, {table} t WHERE {like}",
            names.join(", "),
            values.join(", ")
        )
    }
}
