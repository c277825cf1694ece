//! Rows as lists read them: the columns one after the other, by their places, and without what a look-up by name or a copy
//! of each text costs. A page of the API has thousands of columns.

use std::sync::Arc;

use sea_orm::{
    DbErr, FromQueryResult, QueryResult, RuntimeErr,
    entity::prelude::DateTimeUtc,
    sqlx::{self, Decode, Postgres, Row as _, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow},
};

/// A row of a table.
pub trait Row: FromQueryResult {
    /// Whether some of the columns can be read without the others.
    const IN_PART: bool = false;

    /// The row that was read. What it is read from begins with `columns`, in the order of the table. Nobody may look at the
    /// other columns of the row.
    fn read(row: &QueryResult, columns: Columns) -> Result<Self, DbErr> {
        debug_assert_eq!(columns, Columns::ALL);
        Self::from_query_result(row, "")
    }
}

/// Which columns of a table are read, by their places in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Columns(u64);

impl Columns {
    /// All of them.
    pub const ALL: Self = Self(u64::MAX);
    /// None of them.
    pub const NONE: Self = Self(0);

    /// These as well.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// The one at this place as well. No table has more than 64.
    #[must_use]
    pub const fn with(self, place: usize) -> Self {
        Self(self.0 | (1 << place))
    }

    /// Whether the one at this place is among them.
    pub const fn have(self, place: usize) -> bool {
        (self.0 >> place) & 1 == 1
    }
}

/// The columns of a row that were read, one after the other.
#[derive(Debug)]
pub struct Cells<'r> {
    of: Of<'r>,
    columns: Columns,
    /// In the table.
    place: usize,
    /// In what was read.
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

    /// What stands where nothing was read.
    fn unread() -> Self;
}

impl<'r> Cells<'r> {
    /// Those of `row`, which begins with `columns`.
    pub fn of(row: &'r QueryResult, columns: Columns) -> Result<Self, DbErr> {
        let postgres = row.try_as_pg_row().map(Of::Postgres);
        let of = postgres.or_else(|| row.try_as_sqlite_row().map(Of::Sqlite));
        let of = of.ok_or_else(|| DbErr::Type("a row of an unknown database".to_owned()))?;
        Ok(Self {
            of,
            columns,
            place: 0,
            next: 0,
        })
    }

    /// The next column of the table.
    pub fn take<T: Cell>(&mut self) -> Result<T, DbErr> {
        let place = self.place;
        self.place += 1;
        if self.columns.have(place) {
            self.take_next()
        } else {
            Ok(T::unread())
        }
    }

    /// What comes next in what was read.
    fn take_next<T: Cell>(&mut self) -> Result<T, DbErr> {
        let at = self.next;
        self.next += 1;
        self.cell(at)
    }

    /// What was read at this place.
    pub fn cell<T: Cell>(&self, at: usize) -> Result<T, DbErr> {
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

    fn unread() -> Self {
        None
    }
}

impl Cell for String {
    type Kept<'r> = &'r str;

    fn of(kept: Option<&str>) -> Result<Self, DbErr> {
        present(kept).map(ToOwned::to_owned)
    }

    fn unread() -> Self {
        Self::new()
    }
}

macro_rules! kept_as_it_is {
    ($($type:ty),+) => {$(
        impl Cell for $type {
            type Kept<'r> = Self;

            fn of(kept: Option<Self>) -> Result<Self, DbErr> {
                present(kept)
            }

            fn unread() -> Self {
                Self::default()
            }
        }
    )+};
}

kept_as_it_is!(bool, i32, i64, DateTimeUtc);

/// Has an enum read by the name by which the database keeps it.
macro_rules! kept_by_name {
    ($($type:ty: $unread:ident),+ $(,)?) => {$(
        impl $crate::row::Cell for $type {
            type Kept<'r> = &'r str;

            fn of(kept: Option<&str>) -> Result<Self, sea_orm::DbErr> {
                sea_orm::ActiveEnum::try_from_value(&$crate::row::present(kept)?.to_owned())
            }

            fn unread() -> Self {
                Self::$unread
            }
        }
    )+};
}

/// Has the rows of a table read by the places of these columns, which are all of them in their order.
macro_rules! read_by_place {
    ($($column:ident),+ $(,)?) => {
        impl $crate::row::Row for Model {
            const IN_PART: bool = true;

            fn read(
                row: &sea_orm::QueryResult,
                columns: $crate::row::Columns,
            ) -> Result<Self, sea_orm::DbErr> {
                let mut cells = $crate::row::Cells::of(row, columns)?;
                Ok(Self { $($column: cells.take()?),+ })
            }
        }

        #[cfg(test)]
        #[test]
        fn the_columns_are_read_in_their_order() {
            use sea_orm::{IdenStatic, Iterable};
            let columns: Vec<_> = Column::iter().map(|column| column.as_str().to_owned()).collect();
            assert_eq!(columns, [$(stringify!($column)),+]);
            assert!(columns.len() <= 64);
            for (place, column) in Column::iter().enumerate() {
                assert_eq!(column as usize, place);
            }
        }
    };
}
pub(crate) use {kept_by_name, read_by_place};
