//! Completes the answer to an operation in which fields failed, as the specification wants it
//! (GraphQL, section 6.4.4 "Handling Execution Errors"): a failed field is null, a null where none
//! may be makes its parent null, and fields stand in the order of the document. async-graphql
//! leaves failed fields out, and makes an object null all of whose fields failed.

use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
};

use async_graphql::{
    Name, PathSegment, Positioned, Response, ServerError, Value, Variables,
    indexmap::IndexMap,
    parser::types::{
        Directive, ExecutableDocument, Field, FragmentDefinition, OperationType, Selection,
        SelectionSet, VariableDefinition,
    },
    registry::{MetaTypeName, Registry},
};

/// The most selections that are walked: far above what the limits let through.
const MAX_STEPS: u32 = 1_000_000;

/// The data of `response`, completed. `operation_name` says which operation of `document` was
/// carried out.
pub fn complete(
    registry: &Registry,
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
    response: &Response,
) -> Value {
    let data = response.data.clone();
    let mut operations = document.operations.iter();
    let operation = operations
        .find(|(name, _)| operation_name.is_none() || name.map(Name::as_str) == operation_name);
    let Some((_, operation)) = operation else {
        return data;
    };
    let root = match operation.node.ty {
        OperationType::Query => Some(&registry.query_type),
        OperationType::Mutation => registry.mutation_type.as_ref(),
        OperationType::Subscription => registry.subscription_type.as_ref(),
    };
    let Some(root) = root else { return data };
    let completion = Completion {
        registry,
        fragments: &document.fragments,
        variables,
        definitions: &operation.node.variable_definitions,
        above: above(&response.errors),
        steps: Cell::new(MAX_STEPS),
    };
    let set = &operation.node.selection_set.node;
    completion.named(root, &[set], "", data)
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
    registry: &'a Registry,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a Variables,
    definitions: &'a [Positioned<VariableDefinition>],
    above: HashSet<String>,
    steps: Cell<u32>,
}

type Fields = IndexMap<Name, Value>;
type Asked<'a> = IndexMap<Name, Vec<&'a Field>>;

impl<'a> Completion<'a> {
    /// An object of `type_name` of which `sets` were asked; none if it has to be null.
    fn object(
        &self,
        type_name: &str,
        sets: &[&'a SelectionSet],
        place: &str,
        mut got: Fields,
    ) -> Option<Fields> {
        let Some(type_name) = self.runtime_type(type_name, &got) else {
            return Some(got);
        };
        let mut asked = Asked::new();
        for set in sets {
            self.collect(&type_name, set, &mut asked);
        }
        let known = self.registry.types.get(&type_name);
        let mut done = Fields::with_capacity(asked.len());
        for (key, fields) in asked {
            let value = got.shift_remove(&key);
            let name = fields.first().map_or("", |field| field.name.node.as_str());
            let value = match known.and_then(|known| known.field_by_name(name)) {
                Some(field) => {
                    let sets: Vec<_> = fields
                        .iter()
                        .map(|field| &field.selection_set.node)
                        .collect();
                    let place = below(place, &key);
                    let value = self.value(&field.ty, &sets, &place, value.unwrap_or_default());
                    if value == Value::Null && MetaTypeName::create(&field.ty).is_non_null() {
                        return None;
                    }
                    value
                }
                None => value.unwrap_or_default(),
            };
            done.insert(key, value);
        }
        Some(done)
    }

    fn value(&self, ty: &str, sets: &[&'a SelectionSet], place: &str, value: Value) -> Value {
        match (MetaTypeName::create(ty), value) {
            (MetaTypeName::NonNull(ty), value) => self.value(ty, sets, place, value),
            (MetaTypeName::List(ty), Value::List(items)) => {
                let may_be_null = !MetaTypeName::create(ty).is_non_null();
                let items = items.into_iter().enumerate();
                let items = items.map(|(index, item)| {
                    self.value(ty, sets, &below(place, &index.to_string()), item)
                });
                let items: Vec<_> = items.collect();
                if may_be_null || items.iter().all(|item| *item != Value::Null) {
                    Value::List(items)
                } else {
                    Value::Null
                }
            }
            (MetaTypeName::Named(ty), value) => self.named(ty, sets, place, value),
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
    fn runtime_type(&self, type_name: &str, got: &Fields) -> Option<String> {
        if !self.registry.types.get(type_name)?.is_abstract() {
            return Some(type_name.to_owned());
        }
        match got.get("__typename") {
            Some(Value::String(name)) => Some(name.clone()),
            _ => None,
        }
    }

    /// What is asked of an object of `type_name`, in the document's order.
    fn collect(&self, type_name: &str, set: &'a SelectionSet, asked: &mut Asked<'a>) {
        for selection in &set.items {
            let Some(left) = self.steps.get().checked_sub(1) else {
                return;
            };
            self.steps.set(left);
            match &selection.node {
                Selection::Field(field) if self.is_included(&field.node.directives) => {
                    let key = field.node.response_key().node.clone();
                    asked.entry(key).or_default().push(&field.node);
                }
                Selection::FragmentSpread(spread) if self.is_included(&spread.node.directives) => {
                    let Some(fragment) = self.fragments.get(&spread.node.fragment_name.node) else {
                        continue;
                    };
                    if self.applies(&fragment.node.type_condition.node.on.node, type_name) {
                        self.collect(type_name, &fragment.node.selection_set.node, asked);
                    }
                }
                Selection::InlineFragment(fragment)
                    if self.is_included(&fragment.node.directives) =>
                {
                    let condition = fragment.node.type_condition.as_ref();
                    if condition.is_none_or(|on| self.applies(&on.node.on.node, type_name)) {
                        self.collect(type_name, &fragment.node.selection_set.node, asked);
                    }
                }
                _ => {}
            }
        }
    }

    fn applies(&self, condition: &str, type_name: &str) -> bool {
        condition == type_name
            || self
                .registry
                .types
                .get(condition)
                .is_some_and(|condition| condition.is_possible_type(type_name))
    }

    /// The value that came with the request, else the default.
    fn variable(&self, name: &Name) -> Result<Value, ()> {
        let default = || {
            let mut definitions = self.definitions.iter();
            let definition = definitions.find(|definition| definition.node.name.node == *name)?;
            Some(definition.node.default_value.as_ref()?.node.clone())
        };
        self.variables.get(name).cloned().or_else(default).ok_or(())
    }

    /// Neither skipped nor left out.
    fn is_included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let directive = &directive.node;
            let when = directive.get_argument("if").map(|value| value.node.clone());
            let when =
                when.and_then(|value| value.into_const_with(|name| self.variable(&name)).ok());
            let when = match when {
                Some(Value::Boolean(when)) => Some(when),
                _ => None,
            };
            match directive.name.node.as_str() {
                "skip" => when != Some(true),
                "include" => when != Some(false),
                _ => true,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Result, Schema, SimpleObject};

    use crate::graphql::gate::Gate;

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
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .extension(Gate)
            .finish();
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
