//! Searches: what somebody types is looked for in names, and taken for an id where it is one.

use async_graphql::ID;
use entity::name::search_key;
use sea_orm::{
    ColumnTrait, Condition, Value,
    sea_query::{self, Expr, LikeExpr},
};

use crate::{
    domain::text::MAX_NAME_CHARS,
    graphql::{id, scalar::DateTime},
};

/// Names are searched for parts of at least so many characters, and for shorter beginnings.
const MIN_PART_CHARS: usize = 3;
/// The most characters that a name has without its case: some letters become three.
const MAX_KEY_CHARS: usize = 3 * MAX_NAME_CHARS;

/// `column` is this id; an id that can be none fits nothing.
pub fn is<T: Into<Value>>(column: impl ColumnTrait, id: Option<T>) -> Condition {
    match id {
        Some(id) => Condition::all().add(column.eq(id)),
        None => nothing(),
    }
}

/// What fits nothing.
fn nothing() -> Condition {
    Condition::any().add(Expr::value(false))
}

/// What somebody looks for.
#[derive(Clone, Debug)]
pub struct Search {
    /// Of names; none where no name is like that.
    pattern: Option<LikeExpr>,
    id: Option<String>,
}

impl Search {
    /// What `text` looks for. Names are compared by what the gateway made of both sides, so that no database's idea of case
    /// matters. What is shorter than an index of parts could find is looked for at the beginning only.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        // Ids are written in one way, and typed in others.
        let id = id::lookup::<uuid::Uuid>(&ID::from(text));
        Self {
            pattern: pattern(text),
            id: id.map(|id| id.hyphenated().to_string()),
        }
    }

    /// That the name is like it of which `column` holds what searches compare.
    pub fn in_name(&self, column: impl ColumnTrait) -> Condition {
        match self.pattern.clone() {
            Some(pattern) => Condition::all().add(column.like(pattern)),
            None => nothing(),
        }
    }

    /// The same of a name that is not a column.
    pub fn in_text(&self, name: Expr) -> Condition {
        match self.pattern.clone() {
            Some(pattern) => Condition::all().add(sea_query::ExprTrait::like(name, pattern)),
            None => nothing(),
        }
    }

    /// That one of these columns is this id.
    pub fn in_ids<C: ColumnTrait>(&self, columns: impl IntoIterator<Item = C>) -> Condition {
        let Some(id) = &self.id else {
            return nothing();
        };
        columns.into_iter().fold(Condition::any(), |any, column| {
            any.add(column.eq(id.as_str()))
        })
    }
}

/// That the name is like `text` of which `column` holds what searches compare.
pub fn name_contains(column: impl ColumnTrait, text: &str) -> Condition {
    match pattern(text) {
        Some(pattern) => Condition::all().add(column.like(pattern)),
        None => nothing(),
    }
}

/// That `column` lies in a span: from an instant on, and before another.
pub fn between(
    column: impl ColumnTrait,
    after: Option<DateTime>,
    before: Option<DateTime>,
) -> Condition {
    Condition::all()
        .add_option(after.map(|at| column.gte(at.0)))
        .add_option(before.map(|at| column.lt(at.0)))
}

fn pattern(text: &str) -> Option<LikeExpr> {
    let wanted = search_key(text);
    let letters = wanted.chars().count();
    if letters > MAX_KEY_CHARS || wanted.contains('\0') {
        // No name is like that, and not every database can be asked for it.
        return None;
    }
    let mut pattern = String::new();
    if letters >= MIN_PART_CHARS {
        pattern.push('%');
    }
    for letter in wanted.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    Some(LikeExpr::new(pattern).escape('!'))
}
