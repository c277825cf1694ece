//! Plain fields: those that are made of their object's row alone, and wait for nothing. They are answered without a task,
//! and of a row whose other fields are not asked for only their columns are read.

use async_graphql::{
    Context, ContextSelectionSet, Error, ObjectType, OutputType, ServerResult, Value,
    parser::types::{Selection, SelectionSet},
};
use entity::row::Columns;
use futures_util::FutureExt;

/// An object of which some fields may be plain.
pub trait Plain: ObjectType {
    /// The columns that are read in any case: a row that makes no sense is left out of lists, whatever is asked of it.
    const ALWAYS: Columns = Columns::ALL;

    /// The field with this name, if it is plain.
    fn plain(_name: &str) -> Option<PlainOf<Self>>
    where
        Self: Sized,
    {
        None
    }

    /// The columns that an edge with this name is found by, if it is known that no other is looked at.
    fn edge(_name: &str) -> Option<Columns> {
        None
    }
}

/// The answer of an object to a plain field; none if it would have to be waited for.
pub type PlainField<N> = fn(&N, &Context<'_>) -> Option<ServerResult<Value>>;

/// A plain field of an object.
#[derive(Clone, Copy, Debug)]
pub struct PlainOf<N> {
    /// What it answers.
    pub answer: PlainField<N>,
    /// The columns that it is made of.
    pub columns: Columns,
}

/// The answer of the resolver `resolved` to the field of `ctx`, if it does not wait.
pub fn ready<T: OutputType, E: Into<Error>>(
    resolved: impl Future<Output = Result<T, E>>,
    ctx: &Context<'_>,
) -> Option<ServerResult<Value>> {
    let value = match resolved.now_or_never()? {
        Ok(value) => value,
        Err(error) => {
            let error = error.into().into_server_error(ctx.item.pos);
            return Some(Err(ctx.set_error_path(error)));
        }
    };
    let place = ctx.with_selection_set(&ctx.item.node.selection_set);
    value.resolve(&place, ctx.item).now_or_never()
}

/// The columns of the rows of a connection that are asked for where `ctx` is.
pub fn asked<N: Plain>(ctx: &Context<'_>) -> Columns {
    let place = ctx.with_selection_set(&ctx.item.node.selection_set);
    let rows = |name: &str, set: &SelectionSet| match name {
        "nodes" => Some(columns(&place, set, &of_object::<N>)),
        "edges" => Some(columns(&place, set, &of_edge::<N>(&place))),
        "pageInfo" | "totalCount" | "__typename" => Some(Columns::NONE),
        _ => None,
    };
    columns(&place, &place.item.node, &rows).and(N::ALWAYS)
}

fn of_edge<'a, N: Plain>(
    place: &'a ContextSelectionSet<'_>,
) -> impl Fn(&str, &SelectionSet) -> Option<Columns> + 'a {
    move |name, set| match name {
        "node" => Some(columns(place, set, &of_object::<N>)),
        // It is made of what the list is sorted by.
        "cursor" | "__typename" => Some(Columns::NONE),
        _ => None,
    }
}

fn of_object<N: Plain>(name: &str, _: &SelectionSet) -> Option<Columns> {
    match name {
        "__typename" => Some(Columns::NONE),
        name => N::plain(name)
            .map(|plain| plain.columns)
            .or_else(|| N::edge(name)),
    }
}

/// The columns of all fields that `set` asks for: of each those that `of` tells, and all where it knows of none.
fn columns(
    place: &ContextSelectionSet<'_>,
    set: &SelectionSet,
    of: &dyn Fn(&str, &SelectionSet) -> Option<Columns>,
) -> Columns {
    let parts = set.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => {
            let name = field.node.name.node.as_str();
            of(name, &field.node.selection_set.node).unwrap_or(Columns::ALL)
        }
        Selection::InlineFragment(fragment) => {
            columns(place, &fragment.node.selection_set.node, of)
        }
        Selection::FragmentSpread(spread) => {
            let name = &spread.node.fragment_name.node;
            let fragment = place.query_env.fragments.get(name);
            fragment.map_or(Columns::ALL, |fragment| {
                columns(place, &fragment.node.selection_set.node, of)
            })
        }
    });
    parts.fold(Columns::NONE, Columns::and)
}

/// Tells which fields of a noun are plain, beside its id: for each its name, its resolver and the columns that this looks at. The columns
/// behind `always` are those that a row is damaged by. Edges may follow, each with the columns that it is found by.
macro_rules! plain {
    ($noun:ident: $table:ident, always [$($always:ident),*],
        $($name:literal: $resolver:ident [$($column:ident),+];)*
        $(edge $edge:literal [$key:ident];)*) => {
        impl $crate::graphql::plain::Plain for $noun {
            const ALWAYS: entity::row::Columns = entity::row::Columns::NONE
                $(.with(entity::$table::Column::$always as usize))*;

            fn plain(name: &str) -> Option<$crate::graphql::plain::PlainOf<Self>> {
                Some(match name {
                    // Most lists ask for it: its text is made once.
                    "id" => $crate::graphql::plain::PlainOf {
                        answer: |it, _| Some(Ok(async_graphql::Value::String(it.0.id.text()))),
                        columns: const {
                            entity::row::Columns::NONE.with(entity::$table::Column::Id as usize)
                        },
                    },
                    $($name => $crate::graphql::plain::PlainOf {
                        answer: |it, ctx| $crate::graphql::plain::ready(it.$resolver(ctx), ctx),
                        columns: const {
                            entity::row::Columns::NONE
                                $(.with(entity::$table::Column::$column as usize))+
                        },
                    },)*
                    _ => return None,
                })
            }

            fn edge(name: &str) -> Option<entity::row::Columns> {
                match name {
                    $($edge => Some(const {
                        entity::row::Columns::NONE.with(entity::$table::Column::$key as usize)
                    }),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use plain;
