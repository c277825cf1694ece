//! Measures a document: a walk through it that knows the schema's lists and meets each fragment
//! once.

use std::collections::HashMap;

use async_graphql::{
    Name, Pos, ServerError, ServerResult, Value, Variables,
    parser::types::{
        ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
    registry::{MetaType, MetaTypeName, Registry},
};

use crate::{
    domain::ErrorCode,
    graphql::{
        error::with_code,
        page::{DEFAULT_SIZE, MAX_SIZE},
    },
};

/// How many rows a list is taken to have that is not paged.
const LIST_SIZE: u64 = 10;
/// How deep selections may nest, fragments counted: what async-graphql allows, too.
const MAX_LEVELS: usize = 32;

/// What a part of a document asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Fields of the answer, if every page is full.
    pub cost: u64,
    /// Fields at the top of this part: of an operation, its root fields.
    pub fields: u64,
    /// The same of an operation that changes something.
    pub mutations: u64,
    /// How deep fields nest, introspection left out.
    pub depth: u32,
    /// Selections, with every fragment written out.
    pub selections: u64,
    /// How often introspection goes from a type to a list of types.
    pub type_lists: u32,
}

impl Measure {
    /// Both, side by side.
    fn and(self, other: Self) -> Self {
        Self {
            cost: self.cost.saturating_add(other.cost),
            fields: self.fields.saturating_add(other.fields),
            selections: self.selections.saturating_add(other.selections),
            ..self.or(other)
        }
    }

    /// Either of them, whichever is larger.
    fn or(self, other: Self) -> Self {
        Self {
            cost: self.cost.max(other.cost),
            fields: self.fields.max(other.fields),
            mutations: self.mutations.max(other.mutations),
            depth: self.depth.max(other.depth),
            selections: self.selections.max(other.selections),
            type_lists: self.type_lists.max(other.type_lists),
        }
    }
}

/// A walk through one document.
pub struct Visitor<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    defaults: HashMap<&'a str, &'a Value>,
    /// What was measured; nothing yet for a fragment that the walk is in.
    fragments: HashMap<&'a str, Option<Measure>>,
}

impl<'a> Visitor<'a> {
    /// A walk through `document`, whose variables have the values that come with `operation`.
    pub fn new(
        registry: &'a Registry,
        document: &'a ExecutableDocument,
        variables: &'a Variables,
        operation: Option<&str>,
    ) -> Self {
        let chosen = document
            .operations
            .iter()
            .filter(|(name, _)| operation.is_none() || name.map(Name::as_str) == operation);
        let defaults = chosen
            .flat_map(|(_, definition)| &definition.node.variable_definitions)
            .filter_map(|variable| {
                let value = &variable.node.default_value.as_ref()?.node;
                Some((variable.node.name.node.as_str(), value))
            })
            .collect();
        Self {
            registry,
            document,
            variables,
            defaults,
            fragments: HashMap::new(),
        }
    }

    /// What the document asks for: what the operation that runs asks for, and the selections of
    /// all, because all are validated.
    pub fn document(&mut self, operation: Option<&str>) -> ServerResult<Measure> {
        let document = self.document;
        let mut asked = Measure::default();
        let mut selections: u64 = 0;
        for (name, definition) in document.operations.iter() {
            let measure = self.operation(&definition.node)?;
            selections = selections.saturating_add(measure.selections);
            if operation.is_none() || name.map(Name::as_str) == operation {
                asked = asked.or(measure);
            }
        }
        Ok(Measure {
            selections,
            ..asked
        })
    }

    fn operation(&mut self, operation: &'a OperationDefinition) -> ServerResult<Measure> {
        let root = match operation.ty {
            OperationType::Query => Some(&self.registry.query_type),
            OperationType::Mutation => self.registry.mutation_type.as_ref(),
            OperationType::Subscription => self.registry.subscription_type.as_ref(),
        };
        let root = root.and_then(|name| self.registry.types.get(name));
        let set = &operation.selection_set;
        let mut measure = self.selections(root, &set.node, 0)?;
        if operation.ty == OperationType::Mutation {
            measure.mutations = measure.fields;
        }
        if operation.ty == OperationType::Subscription && measure.fields > 1 {
            return Err(two_streams(set.pos));
        }
        Ok(measure)
    }

    fn selections(
        &mut self,
        parent: Option<&'a MetaType>,
        set: &'a SelectionSet,
        level: usize,
    ) -> ServerResult<Measure> {
        let mut sum = Measure::default();
        for selection in &set.items {
            if level > MAX_LEVELS {
                return Err(too_deep(selection.pos));
            }
            let measure = match &selection.node {
                Selection::Field(field) => self.field(parent, &field.node, level)?,
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref();
                    let on = on.map(|on| self.registry.types.get(on.node.on.node.as_str()));
                    let set = &fragment.node.selection_set.node;
                    self.selections(on.unwrap_or(parent), set, level + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, spread.pos, level)?
                }
            };
            sum = sum.and(measure);
            sum.selections = sum.selections.saturating_add(1);
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a Name, pos: Pos, level: usize) -> ServerResult<Measure> {
        match self.fragments.get(name.as_str()) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => return Err(cycle(name, pos)),
            None => {}
        }
        let document = self.document;
        let Some(fragment) = document.fragments.get(name) else {
            // Validation says so.
            return Ok(Measure::default());
        };
        self.fragments.insert(name, None);
        let on = fragment.node.type_condition.node.on.node.as_str();
        let on = self.registry.types.get(on);
        let measure = self.selections(on, &fragment.node.selection_set.node, level + 1)?;
        self.fragments.insert(name, Some(measure));
        Ok(measure)
    }

    fn field(
        &mut self,
        parent: Option<&'a MetaType>,
        field: &'a Field,
        level: usize,
    ) -> ServerResult<Measure> {
        let name = field.name.node.as_str();
        let meta = parent.and_then(|parent| parent.field_by_name(name));
        let returned = match name {
            "__schema" => Some("__Schema"),
            "__type" => Some("__Type"),
            _ => meta.map(|meta| meta.ty.as_str()),
        };
        let child = returned.and_then(|ty| self.registry.concrete_type_by_name(ty));
        let under = self.selections(child, &field.selection_set.node, level + 1)?;
        if child.is_some_and(|child| child.name().starts_with("__")) {
            let of_type = parent.is_some_and(|parent| parent.name() == "__Type");
            let is_list = returned.is_some_and(is_list);
            return Ok(Measure {
                cost: under.cost.saturating_add(1),
                fields: 1,
                type_lists: under.type_lists + u32::from(of_type && is_list),
                ..under
            });
        }
        let rows = match returned {
            Some(_) if meta.is_some_and(|meta| meta.args.contains_key("first")) => self.rows(field),
            // The rows of a connection were counted with the connection.
            Some(ty) if is_list(ty) && !parent.is_some_and(is_connection) => LIST_SIZE,
            _ => 1,
        };
        Ok(Measure {
            cost: under.cost.saturating_mul(rows).saturating_add(1),
            fields: 1,
            depth: under.depth + 1,
            ..under
        })
    }

    /// How many rows the page has that is asked for. What cannot be a size is refused later.
    fn rows(&self, field: &Field) -> u64 {
        let sizes = ["first", "last"].map(|argument| {
            let value = &field.get_argument(argument)?.node;
            let value = value.clone().into_const_with(|variable| {
                let given = self.variables.get(&variable);
                let default = || self.defaults.get(variable.as_str()).copied();
                given.or_else(default).cloned().ok_or(())
            });
            match value {
                Ok(Value::Number(number)) => Some(number.as_u64().unwrap_or_default()),
                _ => None,
            }
        });
        let size = sizes.into_iter().flatten().max();
        size.unwrap_or(DEFAULT_SIZE).min(MAX_SIZE)
    }
}

fn is_list(ty: &str) -> bool {
    match MetaTypeName::create(ty) {
        MetaTypeName::List(_) => true,
        MetaTypeName::NonNull(inner) => is_list(inner),
        MetaTypeName::Named(_) => false,
    }
}

fn is_connection(ty: &MetaType) -> bool {
    ty.name().ends_with("Connection")
}

fn too_deep(pos: Pos) -> ServerError {
    let message = format!("The query's selections nest more than {MAX_LEVELS} levels deep.");
    with_code(
        ServerError::new(message, Some(pos)),
        ErrorCode::QueryTooComplex,
    )
}

fn two_streams(pos: Pos) -> ServerError {
    with_code(
        ServerError::new("A subscription has exactly one field.", Some(pos)),
        ErrorCode::GraphqlValidationFailed,
    )
}

fn cycle(name: &Name, pos: Pos) -> ServerError {
    let message = format!("The fragment \"{name}\" spreads itself.");
    with_code(
        ServerError::new(message, Some(pos)),
        ErrorCode::GraphqlValidationFailed,
    )
}
