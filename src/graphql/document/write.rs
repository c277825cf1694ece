//! Writes an operation for the executor: what is skipped is left out, fields of the root that are asked for twice are
//! asked for once, and a variable without a value is as if it was not written.
//!
//! The executor carries a field out as often as it is written, so that a mutation written twice would be done twice,
//! and takes a variable without a value for null, which clears what an update was to leave as it is.

use std::{cell::Cell, collections::HashMap};

use apollo_compiler::{
    Name, Node,
    ast::{Argument, Type, Value},
    executable::{Field, Operation, OperationType, Selection, SelectionSet},
    parser::SourceSpan,
};
use async_graphql::{
    Name as WrittenName, Number, Positioned, Value as Constant, Variables,
    indexmap::IndexMap,
    parser::types::{
        self, DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition,
        TypeCondition, VariableDefinition,
    },
};

use super::{Conditions, Document};

/// What is asked for in addition where all that was asked may be skipped: the executor answers null where it found
/// nothing to do, and an empty object is due. No document can have this name.
pub const MARK: &str = "";

/// An operation for the executor.
pub(super) struct Written {
    /// The document, which has no other operation.
    pub(super) document: ExecutableDocument,
    /// Whether the answer may have marks.
    pub(super) marked: bool,
}

/// Writes `operation` of `document`.
pub(super) fn write(
    document: &Document,
    operation: &Operation,
    conditions: &Conditions,
    variables: &Variables,
) -> Written {
    let absent = operation.variables.iter().filter(|definition| {
        definition.default_value.is_none() && !variables.contains_key(definition.name.as_str())
    });
    let mut writer = Writer {
        document,
        conditions,
        absent: absent.map(|definition| &definition.name).collect(),
        fragments: HashMap::new(),
        due: Vec::new(),
        marked: Cell::new(false),
    };
    let written = writer.operation(operation);
    while let Some(name) = writer.due.pop() {
        writer.fragment(name);
    }
    Written {
        marked: writer.marked.get(),
        document: ExecutableDocument {
            operations: DocumentOperations::Single(written),
            fragments: writer.fragments,
        },
    }
}

struct Writer<'a> {
    document: &'a Document,
    conditions: &'a Conditions,
    absent: Vec<&'a Name>,
    fragments: HashMap<WrittenName, Positioned<FragmentDefinition>>,
    /// Fragments that were spread.
    due: Vec<&'a Name>,
    marked: Cell<bool>,
}

impl<'a> Writer<'a> {
    fn placed<T>(&self, node: T, location: Option<SourceSpan>) -> Positioned<T> {
        Positioned::new(node, self.document.at(location))
    }

    fn name(&self, name: &Name) -> Positioned<WrittenName> {
        self.placed(WrittenName::new(name), name.location())
    }

    fn operation(&mut self, operation: &'a Operation) -> Positioned<OperationDefinition> {
        let mut asked: IndexMap<&str, Vec<&'a Node<Field>>> = IndexMap::new();
        self.collect(&operation.selection_set, &mut asked);
        let mut items = Vec::with_capacity(asked.len());
        for fields in asked.values() {
            items.push(self.field(fields));
        }
        let ty = match operation.operation_type {
            OperationType::Query => types::OperationType::Query,
            OperationType::Mutation => types::OperationType::Mutation,
            OperationType::Subscription => types::OperationType::Subscription,
        };
        let definitions = operation.variables.iter().map(|definition| {
            let default = definition
                .default_value
                .as_ref()
                .map(|default| self.placed(constant(default), default.location()));
            let definition_of = VariableDefinition {
                name: self.name(&definition.name),
                var_type: self.placed(written_type(&definition.ty), definition.ty.location()),
                directives: Vec::new(),
                default_value: default,
            };
            self.placed(definition_of, definition.location())
        });
        let definition = OperationDefinition {
            ty,
            variable_definitions: definitions.collect(),
            directives: Vec::new(),
            selection_set: self.set(items),
        };
        Positioned::new(definition, async_graphql::Pos::default())
    }

    /// What is asked of the root, each name once. All types have the root's fragments, for no other can be spread.
    fn collect(&self, set: &'a SelectionSet, asked: &mut IndexMap<&'a str, Vec<&'a Node<Field>>>) {
        for selection in &set.selections {
            if !self.conditions.includes(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    asked.entry(field.response_key()).or_default().push(field);
                }
                Selection::InlineFragment(fragment) => {
                    self.collect(&fragment.selection_set, asked);
                }
                Selection::FragmentSpread(spread) => {
                    let fragments = &self.document.executable.fragments;
                    if let Some(fragment) = fragments.get(&spread.fragment_name) {
                        self.collect(&fragment.selection_set, asked);
                    }
                }
            }
        }
    }

    /// One field for the `fields` that are answered together: of each of them, what is asked below.
    fn field(&mut self, fields: &[&'a Node<Field>]) -> Positioned<types::Selection> {
        let mut below = Vec::new();
        for field in fields {
            self.selections(&field.selection_set, &mut below);
        }
        let Some(field) = fields.first() else {
            return self.mark();
        };
        let set = if field.selection_set.is_empty() {
            Positioned::default()
        } else {
            self.set(below)
        };
        let arguments = field.arguments.iter();
        let written = types::Field {
            alias: field.alias.as_ref().map(|alias| self.name(alias)),
            name: self.name(&field.name),
            arguments: arguments
                .filter_map(|argument| self.argument(argument))
                .collect(),
            directives: Vec::new(),
            selection_set: set,
        };
        let written = self.placed(written, field.location());
        Positioned::new(types::Selection::Field(written.clone()), written.pos)
    }

    fn selections(&mut self, set: &'a SelectionSet, into: &mut Vec<Positioned<types::Selection>>) {
        for selection in &set.selections {
            if !self.conditions.includes(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => into.push(self.field(&[field])),
                Selection::InlineFragment(fragment) => {
                    let mut below = Vec::new();
                    self.selections(&fragment.selection_set, &mut below);
                    let on = fragment.type_condition.as_ref().map(|on| self.on(on));
                    let written = types::InlineFragment {
                        type_condition: on,
                        directives: Vec::new(),
                        selection_set: Positioned::new(
                            types::SelectionSet { items: below },
                            async_graphql::Pos::default(),
                        ),
                    };
                    let written = self.placed(written, fragment.location());
                    into.push(written.map_selection(types::Selection::InlineFragment));
                }
                Selection::FragmentSpread(spread) => {
                    self.due.push(&spread.fragment_name);
                    let written = types::FragmentSpread {
                        fragment_name: self.name(&spread.fragment_name),
                        directives: Vec::new(),
                    };
                    let written = self.placed(written, spread.location());
                    into.push(written.map_selection(types::Selection::FragmentSpread));
                }
            }
        }
    }

    fn fragment(&mut self, name: &'a Name) {
        let written = WrittenName::new(name);
        if self.fragments.contains_key(&written) {
            return;
        }
        let Some(fragment) = self.document.executable.fragments.get(name) else {
            return;
        };
        let mut items = Vec::new();
        self.selections(&fragment.selection_set, &mut items);
        let definition = FragmentDefinition {
            type_condition: self.on(&fragment.selection_set.ty),
            directives: Vec::new(),
            selection_set: Positioned::new(
                types::SelectionSet { items },
                async_graphql::Pos::default(),
            ),
        };
        let definition = self.placed(definition, fragment.location());
        self.fragments.insert(written, definition);
    }

    fn on(&self, name: &Name) -> Positioned<TypeCondition> {
        let on = self.name(name);
        let pos = on.pos;
        Positioned::new(TypeCondition { on }, pos)
    }

    /// What is asked of an object. Where no field is certain to be answered, a mark is asked for, too.
    fn set(&self, mut items: Vec<Positioned<types::Selection>>) -> Positioned<types::SelectionSet> {
        let certain =
            |item: &Positioned<types::Selection>| matches!(item.node, types::Selection::Field(_));
        if !items.iter().any(certain) {
            items.push(self.mark());
        }
        Positioned::new(types::SelectionSet { items }, async_graphql::Pos::default())
    }

    fn mark(&self) -> Positioned<types::Selection> {
        self.marked.set(true);
        let field = types::Field {
            alias: Some(self.placed(WrittenName::new(MARK), None)),
            name: self.placed(WrittenName::new("__typename"), None),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: Positioned::default(),
        };
        self.placed(types::Selection::Field(self.placed(field, None)), None)
    }

    fn argument(
        &self,
        argument: &Node<Argument>,
    ) -> Option<(
        Positioned<WrittenName>,
        Positioned<async_graphql_value::Value>,
    )> {
        let value = self.value(&argument.value)?;
        Some((
            self.name(&argument.name),
            self.placed(value, argument.value.location()),
        ))
    }

    /// None for a variable without a value.
    fn value(&self, value: &Value) -> Option<async_graphql_value::Value> {
        use async_graphql_value::Value as Written;
        Some(match value {
            Value::Variable(name) if self.absent.contains(&name) => return None,
            Value::Variable(name) => Written::Variable(WrittenName::new(name)),
            Value::List(items) => Written::List(
                items
                    .iter()
                    .map(|item| self.value(item).unwrap_or(Written::Null))
                    .collect(),
            ),
            Value::Object(fields) => Written::Object(
                fields
                    .iter()
                    .filter_map(|(name, value)| Some((WrittenName::new(name), self.value(value)?)))
                    .collect(),
            ),
            constant_value => constant(constant_value).into_value(),
        })
    }
}

trait MapSelection<T> {
    fn map_selection(
        self,
        to: impl FnOnce(Positioned<T>) -> types::Selection,
    ) -> Positioned<types::Selection>;
}

impl<T> MapSelection<T> for Positioned<T> {
    fn map_selection(
        self,
        to: impl FnOnce(Self) -> types::Selection,
    ) -> Positioned<types::Selection> {
        let pos = self.pos;
        Positioned::new(to(self), pos)
    }
}

/// A number that is too large for any type was refused before.
fn number(text: &str) -> Constant {
    text.parse::<Number>()
        .map_or(Constant::Null, Constant::Number)
}

/// A value without variables.
fn constant(value: &Value) -> Constant {
    match value {
        Value::Null | Value::Variable(_) => Constant::Null,
        Value::Enum(name) => Constant::Enum(WrittenName::new(name)),
        Value::String(text) => Constant::String(text.clone()),
        Value::Float(float) => number(float.as_str()),
        Value::Int(int) => number(int.as_str()),
        Value::Boolean(value) => Constant::Boolean(*value),
        Value::List(items) => Constant::List(items.iter().map(|item| constant(item)).collect()),
        Value::Object(fields) => Constant::Object(
            fields
                .iter()
                .map(|(name, value)| (WrittenName::new(name), constant(value)))
                .collect(),
        ),
    }
}

fn written_type(ty: &Type) -> types::Type {
    let (base, nullable) = match ty {
        Type::Named(name) => (types::BaseType::Named(WrittenName::new(name)), true),
        Type::NonNullNamed(name) => (types::BaseType::Named(WrittenName::new(name)), false),
        Type::List(item) => (types::BaseType::List(Box::new(written_type(item))), true),
        Type::NonNullList(item) => (types::BaseType::List(Box::new(written_type(item))), false),
    };
    types::Type { base, nullable }
}
