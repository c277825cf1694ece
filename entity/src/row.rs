//! Rows as lists read them: the columns one after the other, by their places, and without what a look-up by name or a copy
//! of each text costs. A page of the API has thousands of columns.

use std::sync::Arc;

use sea_orm::{
    DbErr, FromQueryResult, QueryResult, RuntimeErr,
    entity::prelude::DateTimeUtc,
    sqlx::{self, Decode, Postgres, Row as _, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow},
};

/// A row of a table. What it is read from begins with the table's columns, in their order.
pub trait Row: FromQueryResult {
    /// The row that was read.
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Self::from_query_result(row, "")
    }
}

/// The columns of a row, from the first.
#[derive(Debug)]
pub struct Cells<'r> {
    of: Of<'r>,
    next: usize,
}

enum Of<'r> {
    Postgres(&'r PgRow),
    Sqlite(&'r SqliteRow),
}

/// What a column may hold.
pub trait Cell: Sized {
    /// As the database keeps it.
    type Kept<'r>: Type<Postgres> + Type<Sqlite> + Decode<'r, Postgres> + Decode<'r, Sqlite>;

    /// As it was kept; `None` where that is null.
    fn of(kept: Option<Self::Kept<'_>>) -> Result<Self, DbErr>;
}

impl<'r> Cells<'r> {
    /// Those of `row`.
    pub fn of(row: &'r QueryResult) -> Result<Self, DbErr> {
        let postgres = row.try_as_pg_row().map(Of::Postgres);
        let of = postgres.or_else(|| row.try_as_sqlite_row().map(Of::Sqlite));
        let of = of.ok_or_else(|| DbErr::Type("a row of an unknown database".to_owned()))?;
        Ok(Self { of, next: 0 })
    }

    /// The next one.
    pub fn take<T: Cell>(&mut self) -> Result<T, DbErr> {
        let at = self.next;
        self.next += 1;
        let kept = match self.of {
            Of::Postgres(row) => row.try_get(at),
            Of::Sqlite(row) => row.try_get(at),
        };
        T::of(
            kept.map_err(|error: sqlx::Error| {
                DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
            })?,
        )
    }
}

impl std::fmt::Debug for Of<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Postgres(_) => "PostgreSQL",
            Self::Sqlite(_) => "SQLite",
        })
    }
}

/// What is never null.
pub(crate) fn present<T>(kept: Option<T>) -> Result<T, DbErr> {
    kept.ok_or_else(|| DbErr::Type("a column is null that never is".to_owned()))
}

impl<T: Cell> Cell for Option<T> {
    type Kept<'r> = T::Kept<'r>;

    fn of(kept: Option<Self::Kept<'_>>) -> Result<Self, DbErr> {
        kept.map(|kept| T::of(Some(kept))).transpose()
    }
}

impl Cell for String {
    type Kept<'r> = &'r str;

    fn of(kept: Option<&str>) -> Result<Self, DbErr> {
        present(kept).map(ToOwned::to_owned)
    }
}

macro_rules! kept_as_it_is {
    ($($type:ty),+) => {$(
        impl Cell for $type {
            type Kept<'r> = Self;

            fn of(kept: Option<Self>) -> Result<Self, DbErr> {
                present(kept)
            }
        }
    )+};
}

kept_as_it_is!(bool, i32, i64, DateTimeUtc);

/// Has an enum read by the name by which the database keeps it.
macro_rules! kept_by_name {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::row::Cell for $type {
            type Kept<'r> = &'r str;

            fn of(kept: Option<&str>) -> Result<Self, sea_orm::DbErr> {
                sea_orm::ActiveEnum::try_from_value(&$crate::row::present(kept)?.to_owned())
            }
        }
    )+};
}

/// Has the rows of a table read by the places of these columns, which are all of them in their order.
macro_rules! read_by_place {
    ($($column:ident),+ $(,)?) => {
        impl $crate::row::Row for Model {
            fn read(row: &sea_orm::QueryResult) -> Result<Self, sea_orm::DbErr> {
                let mut cells = $crate::row::Cells::of(row)?;
                Ok(Self { $($column: cells.take()?),+ })
            }
        }

        #[cfg(test)]
        #[test]
        fn the_columns_are_read_in_their_order() {
            use sea_orm::{IdenStatic, Iterable};
            let columns: Vec<_> = Column::iter().map(|column| column.as_str().to_owned()).collect();
            assert_eq!(columns, [$(stringify!($column)),+]);
        }
    };
}
pub(crate) use {kept_by_name, read_by_place};
