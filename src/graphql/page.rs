//! Pages of lists: the arguments of a connection, its order, and the cursors between its rows.
//!
//! A cursor is the row's place in the order and nothing else: it stays good when the row is gone,
//! and rows that come or go shift no page.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike};
use entity::row::Columns;
use sea_orm::{
    ColumnTrait, ColumnType, Condition, EntityTrait, IdenStatic, Iterable, ModelTrait, Order,
    QueryFilter, QueryOrder, QuerySelect, Select, Value,
};
use serde::{Deserialize, Serialize};

use crate::domain::{Error, Result};

/// The most rows that a page has.
pub const MAX_SIZE: u64 = 100;
/// How many rows a page has when nothing is said.
pub const DEFAULT_SIZE: u64 = 20;

/// The arguments of a connection as they came.
#[derive(Debug, Default)]
pub struct PageArguments {
    /// How many rows from the front.
    pub first: Option<i32>,
    /// Only rows behind this cursor.
    pub after: Option<String>,
    /// How many rows from the back.
    pub last: Option<i32>,
    /// Only rows ahead of this cursor.
    pub before: Option<String>,
}

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    size: u64,
    backwards: bool,
    after: Option<Cursor>,
    before: Option<Cursor>,
}

/// The place of a row in an order: its values in the order's columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
enum Part {
    Number(i64),
    Text(String),
}

/// The order of a list. Its last column is unique, so that no two rows share a place.
#[derive(Debug)]
pub struct Sort<E: EntityTrait> {
    by: Option<E::Column>,
    unique: E::Column,
    descending: bool,
}

/// The rows of one page, in the list's order.
#[derive(Debug)]
pub struct Rows<M> {
    /// The rows.
    pub rows: Vec<Arc<M>>,
    /// Whether there may be rows ahead of them.
    pub has_previous: bool,
    /// Whether there may be rows behind them.
    pub has_next: bool,
}

impl PageArguments {
    /// The page of a list in the order `sort` that the arguments ask for.
    pub fn page<E: EntityTrait>(self, sort: Sort<E>) -> Result<Page> {
        let (size, backwards) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "`first` and `last` cannot be used together.",
                ));
            }
            (Some(first), None) => (size("first", first)?, false),
            (None, Some(last)) => (size("last", last)?, true),
            (None, None) => (DEFAULT_SIZE, false),
        };
        let cursor = |text: Option<String>| text.map(|text| sort.decode(&text)).transpose();
        Ok(Page {
            size,
            backwards,
            after: cursor(self.after)?,
            before: cursor(self.before)?,
        })
    }
}

fn size(argument: &str, asked: i32) -> Result<u64> {
    u64::try_from(asked)
        .ok()
        .filter(|size| *size <= MAX_SIZE)
        .ok_or_else(|| Error::invalid(format!("`{argument}` is a number from 0 to {MAX_SIZE}.")))
}

impl Page {
    /// How many rows to read: one more than the page has tells whether there are more.
    pub fn read_size(&self) -> u64 {
        self.size + 1
    }

    /// Whether rows are read from the back of the list.
    pub fn is_backwards(&self) -> bool {
        self.backwards
    }

    /// Narrows `query` to the rows between the cursors.
    pub fn between_cursors<E: EntityTrait>(&self, query: Select<E>, sort: Sort<E>) -> Select<E> {
        let mut query = query;
        if let Some(cursor) = &self.after {
            query = query.filter(sort.beyond(cursor, sort.descending));
        }
        if let Some(cursor) = &self.before {
            query = query.filter(sort.beyond(cursor, !sort.descending));
        }
        query
    }

    /// `query` with its cursors, order and limit.
    pub fn of<E: EntityTrait>(&self, query: Select<E>, sort: Sort<E>) -> Select<E> {
        let order = sort.order(self.backwards);
        let query = self.between_cursors(query, sort);
        sort.columns()
            .fold(query, |query, column| query.order_by(column, order.clone()))
            .limit(self.read_size())
    }

    /// The page from what was read: drops the extra row and turns them the right way round. A row that could not
    /// be read is none, and left out; the extra one may come in its place.
    pub fn rows<M>(&self, read: Vec<Option<Arc<M>>>) -> Rows<M> {
        let is_more = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX) > self.size;
        let more = is_more(read.len());
        let mut read: Vec<_> = read.into_iter().flatten().collect();
        if is_more(read.len()) {
            read.pop();
        }
        if self.backwards {
            read.reverse();
        }
        Rows {
            rows: read,
            has_previous: if self.backwards {
                more
            } else {
                self.after.is_some()
            },
            has_next: if self.backwards {
                self.before.is_some()
            } else {
                more
            },
        }
    }
}

#[expect(
    clippy::expl_impl_clone_on_copy,
    reason = "a derived one would ask for an entity that is Copy, although only columns are copied"
)]
impl<E: EntityTrait> Clone for Sort<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: EntityTrait> Copy for Sort<E> {}

impl<E: EntityTrait> Sort<E> {
    /// The smallest first.
    pub const fn ascending(unique: E::Column) -> Self {
        Self {
            by: None,
            unique,
            descending: false,
        }
    }

    /// The largest first. Ids grow with time, so this is the newest first.
    pub const fn descending(unique: E::Column) -> Self {
        Self {
            by: None,
            unique,
            descending: true,
        }
    }

    /// The same direction by `column` first.
    #[must_use]
    pub const fn by(self, column: E::Column) -> Self {
        Self {
            by: Some(column),
            ..self
        }
    }

    /// The columns that make the order.
    pub fn columns(self) -> impl Iterator<Item = E::Column> {
        self.by.into_iter().chain([self.unique])
    }

    /// The columns that make the order, by their places in the table.
    pub fn places(self) -> Columns {
        let places = E::Column::iter().enumerate().filter(|(_, column)| {
            let mut ours = self.columns();
            ours.any(|ours| ours.as_str() == column.as_str())
        });
        places.fold(Columns::NONE, |columns, (place, _)| columns.with(place))
    }

    /// The direction in which the database is read.
    pub fn order(self, backwards: bool) -> Order {
        if self.descending == backwards {
            Order::Asc
        } else {
            Order::Desc
        }
    }

    /// The cursor of `row`, as callers get it.
    pub fn encode(self, row: &E::Model) -> String {
        let parts = self.columns().filter_map(|column| match row.get(column) {
            Value::String(Some(text)) => Some(Part::Text(text)),
            Value::BigInt(Some(number)) => Some(Part::Number(number)),
            Value::ChronoDateTimeUtc(Some(at)) => Some(Part::Number(at.timestamp_millis())),
            _ => None,
        });
        Cursor(parts.collect()).encode()
    }

    /// The place that a caller's cursor names.
    pub fn decode(self, text: &str) -> Result<Cursor> {
        let broken = || Error::invalid("This is no cursor of this list.");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| broken())?;
        let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| broken())?;
        let fits = self.columns().count() == cursor.0.len()
            && self
                .columns()
                .zip(&cursor.0)
                .all(|(column, part)| value(column, part).is_some());
        fits.then_some(cursor).ok_or_else(broken)
    }

    /// The rows on the far side of `cursor`, going down or up.
    fn beyond(self, cursor: &Cursor, down: bool) -> Condition {
        let past = |column: E::Column, value: Value| {
            if down {
                column.lt(value)
            } else {
                column.gt(value)
            }
        };
        let mut beyond = Condition::any();
        let mut same = Condition::all();
        for (column, part) in self.columns().zip(&cursor.0) {
            if let Some(value) = value(column, part) {
                beyond = beyond.add(same.clone().add(past(column, value.clone())));
                same = same.add(column.eq(value));
            }
        }
        beyond
    }
}

impl Cursor {
    /// The cursor of an event of the timeline.
    pub fn of_event(seq: i64) -> Self {
        Self(vec![Part::Number(seq)])
    }

    /// The event that a caller's cursor names.
    pub fn event(text: &str) -> Result<i64> {
        let sort = Sort::<entity::operation_event::Entity>::ascending(
            entity::operation_event::Column::Seq,
        );
        match sort.decode(text)?.0.as_slice() {
            [Part::Number(seq)] => Ok(*seq),
            _ => Err(Error::invalid("This is no cursor of an event.")),
        }
    }

    /// As callers get it.
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::json!(self.0).to_string())
    }
}

/// The part as a value of the column, if it can be one.
fn value(column: impl ColumnTrait, part: &Part) -> Option<Value> {
    match (column.def().get_column_type(), part) {
        (ColumnType::BigInteger | ColumnType::Integer, Part::Number(number)) => {
            Some(Value::from(*number))
        }
        (ColumnType::TimestampWithTimeZone | ColumnType::DateTime, Part::Number(millis)) => {
            DateTime::from_timestamp_millis(*millis)
                // No database keeps all instants that a program can name.
                .filter(|at| (0..=9999).contains(&at.year()))
                .map(Value::from)
        }
        (ColumnType::Text | ColumnType::String(_), Part::Text(text)) => {
            // PostgreSQL has no text with a zero byte.
            (!text.contains('\0')).then(|| Value::from(text.clone()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use entity::volume::{Column, Entity};

    use super::*;

    fn arguments(first: Option<i32>, last: Option<i32>) -> PageArguments {
        PageArguments {
            first,
            last,
            ..PageArguments::default()
        }
    }

    #[test]
    fn a_page_has_twenty_rows_when_nothing_is_said() {
        let page = arguments(None, None)
            .page(Sort::<Entity>::descending(Column::Id))
            .unwrap();
        assert_eq!(page.size, DEFAULT_SIZE);
    }

    #[test]
    fn sizes_that_no_page_has_are_refused() {
        for (first, last) in [
            (Some(101), None),
            (Some(-1), None),
            (None, Some(101)),
            (Some(1), Some(1)),
        ] {
            let page = arguments(first, last).page(Sort::<Entity>::descending(Column::Id));
            assert!(page.is_err(), "{first:?} {last:?}");
        }
    }

    #[test]
    fn a_cursor_of_another_order_is_refused() {
        let by_id = Sort::<Entity>::descending(Column::Id);
        let by_size = by_id.by(Column::SizeBytes);
        let by_name = by_id.by(Column::Name);
        let cursor = Cursor(vec![Part::Number(7), Part::Text("x".to_owned())]);
        assert_eq!(by_size.decode(&cursor.encode()).unwrap(), cursor);
        assert!(by_id.decode(&cursor.encode()).is_err());
        assert!(by_name.decode(&cursor.encode()).is_err());
        assert!(by_id.decode("no base64!").is_err());
        let by_time = by_id.by(Column::CreatedAt);
        for (millis, good) in [
            (0, true),
            (i64::MAX, false),
            (-8_000_000_000_000_000, false),
        ] {
            let parts = vec![Part::Number(millis), Part::Text("x".to_owned())];
            assert_eq!(
                by_time.decode(&Cursor(parts).encode()).is_ok(),
                good,
                "{millis}"
            );
        }
    }

    #[test]
    fn an_event_is_found_again_by_its_cursor() {
        let cursor = Cursor::of_event(42).encode();
        assert_eq!(Cursor::event(&cursor).unwrap(), 42);
    }
}
