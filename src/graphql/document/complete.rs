//! Completes the answer to an operation in which fields failed, as the specification wants it
//! (GraphQL, section 6.4.4 "Handling Execution Errors"): a failed field is null, a null where none
//! may be makes its parent null, and fields stand in the order of the document. async-graphql
//! leaves failed fields out, and makes an object null all of whose fields failed.

use std::{cell::Cell, collections::HashSet};

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::Type,
    executable::{Field, Operation, Selection, SelectionSet},
    schema::ExtendedType,
};
use async_graphql::{Name, PathSegment, Response, ServerError, Value, indexmap::IndexMap};

use super::Conditions;

/// The most selections that are walked: far above what the limits let through.
const MAX_STEPS: u32 = 1_000_000;

/// The data of `response`, completed. `operation` of `document` was carried out.
pub fn complete(
    schema: &Schema,
    document: &ExecutableDocument,
    operation: &Operation,
    conditions: &Conditions,
    response: &Response,
) -> Value {
    let data = response.data.clone();
    let completion = Completion {
        schema,
        document,
        conditions,
        above: above(&response.errors),
        steps: Cell::new(MAX_STEPS),
    };
    let set = &operation.selection_set;
    completion.named(&set.ty, &[set], "", data)
}

/// The places above those of `errors`: what stands there was an object or a list.
fn above(errors: &[ServerError]) -> HashSet<String> {
    let mut above = HashSet::new();
    for error in errors {
        let mut place = String::new();
        for segment in &error.path {
            above.insert(place.clone());
            place = match segment {
                PathSegment::Field(name) => below(&place, name),
                PathSegment::Index(index) => below(&place, &index.to_string()),
            };
        }
    }
    above
}

fn below(place: &str, segment: &str) -> String {
    format!("{place}/{segment}")
}

struct Completion<'a> {
    schema: &'a Schema,
    document: &'a ExecutableDocument,
    conditions: &'a Conditions,
    above: HashSet<String>,
    steps: Cell<u32>,
}

type Fields = IndexMap<Name, Value>;
type Asked<'a> = IndexMap<&'a str, Vec<&'a Field>>;

impl<'a> Completion<'a> {
    /// An object of `type_name` of which `sets` were asked; none if it has to be null.
    fn object(
        &self,
        type_name: &str,
        sets: &[&'a SelectionSet],
        place: &str,
        mut got: Fields,
    ) -> Option<Fields> {
        let Some(type_name) = self.runtime_type(type_name, sets, &got) else {
            return Some(got);
        };
        let mut asked = Asked::new();
        for set in sets {
            self.collect(&type_name, set, &mut asked);
        }
        let mut done = Fields::with_capacity(asked.len());
        for (key, fields) in asked {
            let value = got.shift_remove(key).unwrap_or_default();
            let value = match fields.first() {
                Some(field) => {
                    let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
                    let ty = &field.definition.ty;
                    let value = self.value(ty, &sets, &below(place, key), value);
                    if value == Value::Null && ty.is_non_null() {
                        return None;
                    }
                    value
                }
                None => value,
            };
            done.insert(Name::new(key), value);
        }
        Some(done)
    }

    fn value(&self, ty: &Type, sets: &[&'a SelectionSet], place: &str, value: Value) -> Value {
        match (ty, value) {
            (Type::List(item) | Type::NonNullList(item), Value::List(items)) => {
                let items = items.into_iter().enumerate();
                let items = items.map(|(index, value)| {
                    self.value(item, sets, &below(place, &index.to_string()), value)
                });
                let items: Vec<_> = items.collect();
                if !item.is_non_null() || items.iter().all(|item| *item != Value::Null) {
                    Value::List(items)
                } else {
                    Value::Null
                }
            }
            (Type::Named(name) | Type::NonNullNamed(name), value) => {
                self.named(name, sets, place, value)
            }
            (_, value) => value,
        }
    }

    fn named(&self, ty: &str, sets: &[&'a SelectionSet], place: &str, value: Value) -> Value {
        let got = match value {
            Value::Object(got) => got,
            Value::Null if self.above.contains(place) => Fields::new(),
            value => return value,
        };
        self.object(ty, sets, place, got)
            .map_or(Value::Null, Value::Object)
    }

    /// What the object is; unknown for one of an abstract type that does not tell its name.
    fn runtime_type(
        &self,
        type_name: &str,
        sets: &[&'a SelectionSet],
        got: &Fields,
    ) -> Option<String> {
        match self.schema.types.get(type_name)? {
            ExtendedType::Interface(_) | ExtendedType::Union(_) => {}
            _ => return Some(type_name.to_owned()),
        }
        let told = |key: &str| match got.get(key) {
            Some(Value::String(name)) => Some(name.clone()),
            _ => None,
        };
        let mut fields = sets.iter().flat_map(|set| set.fields());
        let asked = fields.find(|field| field.name == "__typename");
        asked
            .and_then(|field| told(field.response_key()))
            .or_else(|| told(super::MARK))
    }

    /// What is asked of an object of `type_name`, in the document's order.
    fn collect(&self, type_name: &str, set: &'a SelectionSet, asked: &mut Asked<'a>) {
        for selection in &set.selections {
            let Some(left) = self.steps.get().checked_sub(1) else {
                return;
            };
            self.steps.set(left);
            if !self.conditions.includes(selection.directives()) {
                continue;
            }
            let (condition, set) = match selection {
                Selection::Field(field) => {
                    asked.entry(field.response_key()).or_default().push(field);
                    continue;
                }
                Selection::FragmentSpread(spread) => {
                    match self.document.fragments.get(&spread.fragment_name) {
                        Some(fragment) => {
                            (Some(&fragment.selection_set.ty), &fragment.selection_set)
                        }
                        None => continue,
                    }
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.type_condition.as_ref(), &fragment.selection_set)
                }
            };
            if condition.is_none_or(|on| self.applies(on, type_name)) {
                self.collect(type_name, set, asked);
            }
        }
    }

    fn applies(&self, condition: &str, type_name: &str) -> bool {
        condition == type_name || self.schema.is_subtype(condition, type_name)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Result, SimpleObject};

    use crate::graphql::gate::Builder;

    #[derive(Default)]
    struct Query;

    #[derive(SimpleObject)]
    #[graphql(complex)]
    struct Item {
        name: &'static str,
    }

    #[async_graphql::ComplexObject]
    impl Item {
        async fn needed(&self) -> Result<i32> {
            if self.name == "bad" {
                Err("it fails".into())
            } else {
                Ok(1)
            }
        }

        async fn optional(&self) -> Result<Option<i32>> {
            Err("it fails".into())
        }
    }

    #[Object]
    impl Query {
        async fn ok(&self) -> i32 {
            1
        }

        async fn fails(&self) -> Result<Option<i32>> {
            Err("it fails".into())
        }

        async fn must(&self) -> Result<i32> {
            Err("it fails".into())
        }

        async fn item(&self, name: Option<String>) -> Option<Item> {
            Some(Item {
                name: if name.is_some() { "bad" } else { "good" },
            })
        }

        async fn items(&self) -> Vec<Option<Item>> {
            vec![Some(Item { name: "good" }), Some(Item { name: "bad" })]
        }

        async fn all(&self) -> Option<Vec<Item>> {
            Some(vec![Item { name: "good" }, Item { name: "bad" }])
        }
    }

    /// The data as it is sent: in its own order.
    async fn data(query: &str) -> String {
        let schema = Builder::<Query, EmptyMutation, EmptySubscription>::default().finish();
        let response = schema.execute(query).await;
        assert!(!response.errors.is_empty());
        serde_json::to_string(&response.data).unwrap()
    }

    #[tokio::test]
    async fn a_failed_field_is_null_and_stands_where_it_was_asked() {
        let query = "{ a: fails ok b: fails skipped: ok @skip(if: true) }";
        assert_eq!(data(query).await, r#"{"a":null,"ok":1,"b":null}"#);
        let query = "query ($off: Boolean! = false) { fails left_out: fails @include(if: $off) }";
        assert_eq!(data(query).await, r#"{"fails":null}"#);
    }

    #[tokio::test]
    async fn a_null_where_none_may_be_makes_the_next_parent_null_that_may_be() {
        assert_eq!(data("{ ok must }").await, "null");
        let query = r#"{ ok item(name: "x") { ...parts } } fragment parts on Item { name needed }"#;
        assert_eq!(data(query).await, r#"{"ok":1,"item":null}"#);
    }

    #[tokio::test]
    async fn a_list_keeps_its_nulls_or_goes_with_them() {
        assert_eq!(
            data("{ items { needed } all { needed } }").await,
            r#"{"items":[{"needed":1},null],"all":null}"#,
        );
        assert_eq!(
            data("{ items { ... on Item { optional } } all { name optional } }").await,
            concat!(
                r#"{"items":[{"optional":null},{"optional":null}],"#,
                r#""all":[{"name":"good","optional":null},{"name":"bad","optional":null}]}"#,
            ),
        );
    }
}
