//! Measures a document: a walk through it that knows the schema's lists and meets each fragment
//! once.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Node,
    ast::{Type, Value},
    executable::{Field, Operation, Selection, SelectionSet},
    parser::SourceSpan,
};
use async_graphql::{ServerError, Value as Given, Variables};

use crate::{
    domain::ErrorCode,
    graphql::{
        document::Document,
        page::{DEFAULT_SIZE, MAX_SIZE},
    },
    limits::{rows_of, weight_of},
};

/// How many rows a list is taken to have of which nothing is known: those of agents.
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
    /// How deep fields nest, introspection left out.
    pub depth: u32,
    /// Selections, with every fragment written out.
    pub selections: u64,
    /// What introspection is asked to tell, if every type is a large one.
    pub told: u64,
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
            depth: self.depth.max(other.depth),
            told: self.told.saturating_add(other.told),
            type_lists: self.type_lists.max(other.type_lists),
        }
    }
}

/// A walk through one document.
pub struct Visitor<'a> {
    document: &'a Document,
    variables: &'a Variables,
    defaults: HashMap<&'a Name, &'a Value>,
    /// What was measured; nothing yet for a fragment that the walk is in.
    fragments: HashMap<&'a Name, Option<Measure>>,
}

impl<'a> Visitor<'a> {
    /// A walk through `document`, whose variables have the values of `variables`.
    pub fn new(document: &'a Document, variables: &'a Variables) -> Self {
        Self {
            document,
            variables,
            defaults: HashMap::new(),
            fragments: HashMap::new(),
        }
    }

    /// The same for one operation, whose variables have defaults.
    pub fn of(mut self, operation: &'a Operation) -> Self {
        let defaults = operation.variables.iter().filter_map(|definition| {
            let default = definition.default_value.as_deref()?;
            Some((&definition.name, default))
        });
        self.defaults = defaults.collect();
        self
    }

    /// The selections of all operations, because all are validated.
    pub fn selections(&mut self) -> Result<u64, ServerError> {
        let mut sum: u64 = 0;
        for operation in self.document.executable().operations.iter() {
            sum = sum.saturating_add(self.operation(operation)?.selections);
        }
        Ok(sum)
    }

    /// What `operation` asks for.
    pub fn operation(&mut self, operation: &'a Operation) -> Result<Measure, ServerError> {
        self.set(&operation.selection_set, 0)
    }

    fn set(&mut self, set: &'a SelectionSet, level: usize) -> Result<Measure, ServerError> {
        let mut sum = Measure::default();
        for selection in &set.selections {
            if level > MAX_LEVELS {
                return Err(self.too_deep(location(selection)));
            }
            let measure = match selection {
                Selection::Field(field) => self.field(&set.ty, field, level)?,
                Selection::InlineFragment(fragment) => {
                    self.set(&fragment.selection_set, level + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.fragment_name, spread.location(), level)?
                }
            };
            sum = sum.and(measure);
            sum.selections = sum.selections.saturating_add(1);
        }
        Ok(sum)
    }

    fn fragment(
        &mut self,
        name: &'a Name,
        location: Option<SourceSpan>,
        level: usize,
    ) -> Result<Measure, ServerError> {
        match self.fragments.get(name) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => return Err(self.cycle(name, location)),
            None => {}
        }
        let document = self.document;
        let Some(fragment) = document.executable().fragments.get(name) else {
            // Validation says so.
            return Ok(Measure::default());
        };
        self.fragments.insert(name, None);
        let measure = self.set(&fragment.selection_set, level + 1)?;
        self.fragments.insert(name, Some(measure));
        Ok(measure)
    }

    fn field(
        &mut self,
        parent: &Name,
        field: &'a Node<Field>,
        level: usize,
    ) -> Result<Measure, ServerError> {
        let under = self.set(&field.selection_set, level + 1)?;
        let returned = &field.definition.ty;
        if parent.starts_with("__") || returned.inner_named_type().starts_with("__") {
            let goes_on = parent == "__Type" && returned.is_list();
            let rows = if returned.is_list() {
                told_rows(&field.name)
            } else {
                1
            };
            return Ok(Measure {
                cost: under.cost.saturating_add(1),
                fields: 1,
                told: under.told.saturating_mul(rows).saturating_add(1),
                type_lists: under.type_lists + u32::from(goes_on),
                ..under
            });
        }
        let rows = self.rows(parent, field, returned);
        let own = weight_of(parent, &field.name);
        Ok(Measure {
            cost: under.cost.saturating_mul(rows).saturating_add(own),
            fields: 1,
            depth: under.depth + 1,
            ..under
        })
    }

    /// How often what lies under `field` is answered.
    fn rows(&self, parent: &Name, field: &Field, returned: &Type) -> u64 {
        let mut arguments = field.definition.arguments.iter();
        if arguments.any(|argument| argument.name == "first") {
            return self.page(field);
        }
        // The rows of a connection were counted with the connection.
        if returned.is_list() && !parent.ends_with("Connection") {
            return rows_of(parent, &field.name).unwrap_or(LIST_SIZE);
        }
        1
    }

    /// How many rows the page has that is asked for. What cannot be a size is refused later.
    fn page(&self, field: &Field) -> u64 {
        let sizes = ["first", "last"].map(|argument| {
            match &**field.specified_argument_by_name(argument)? {
                Value::Variable(name) => match self.variables.get(name.as_str()) {
                    Some(Given::Number(number)) => Some(number.as_u64().unwrap_or_default()),
                    Some(_) => None,
                    None => self.defaults.get(name)?.to_i32().map(positive),
                },
                value => value.to_i32().map(positive),
            }
        });
        let size = sizes.into_iter().flatten().max();
        size.unwrap_or(DEFAULT_SIZE).min(MAX_SIZE)
    }

    fn too_deep(&self, location: Option<SourceSpan>) -> ServerError {
        let message = format!("The query's selections nest more than {MAX_LEVELS} levels deep.");
        self.document
            .fault(message, location, ErrorCode::QueryTooComplex)
    }

    fn cycle(&self, name: &Name, location: Option<SourceSpan>) -> ServerError {
        let message = format!("The fragment \"{name}\" spreads itself.");
        self.document
            .fault(message, location, ErrorCode::GraphqlValidationFailed)
    }
}

/// How much a list of the introspection tells.
fn told_rows(field: &str) -> u64 {
    match field {
        "types" => 320,
        "fields" => 12,
        "enumValues" | "possibleTypes" | "directives" => 8,
        "inputFields" => 6,
        _ => 2,
    }
}

fn positive(size: i32) -> u64 {
    u64::try_from(size).unwrap_or_default()
}

fn location(selection: &Selection) -> Option<SourceSpan> {
    match selection {
        Selection::Field(field) => field.location(),
        Selection::InlineFragment(fragment) => fragment.location(),
        Selection::FragmentSpread(spread) => spread.location(),
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::schema::ExtendedType;

    use super::*;

    #[test]
    fn every_list_without_pages_holds_a_known_number_of_rows() {
        let sdl = include_str!("../../../../schema.graphql");
        let schema = apollo_compiler::Schema::parse_and_validate(sdl, "schema.graphql").unwrap();
        let mut unknown = Vec::new();
        for (name, ty) in &schema.types {
            let ExtendedType::Object(ty) = ty else {
                continue;
            };
            let is_ours = !["__", "Agent"]
                .iter()
                .any(|theirs| name.starts_with(theirs));
            for (field, definition) in &ty.fields {
                let is_paged = definition.arguments.iter().any(|one| one.name == "first");
                let is_list = definition.ty.is_list() && !name.ends_with("Connection");
                if is_ours && is_list && !is_paged && rows_of(name, field).is_none() {
                    unknown.push(format!("{name}.{field}"));
                }
            }
        }
        assert_eq!(unknown, Vec::<String>::new());
    }
}
