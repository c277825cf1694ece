//! What the validator leaves open about values in documents: a field of an input written twice, what a variable may
//! stand for inside of lists and inputs, inputs of which exactly one field is due, and numbers beyond all types.

use std::collections::HashSet;

use apollo_compiler::{
    Name, Node, Schema,
    ast::{Argument, DirectiveList, InputValueDefinition, Type, Value},
    executable::{Operation, Selection, SelectionSet},
    parser::SourceSpan,
    schema::ExtendedType,
};
use async_graphql::{Number, ServerError};

use super::{Document, MAX_FAULTS};
use crate::domain::ErrorCode;

/// Finds what is wrong with the values in `document`, which is valid otherwise.
pub(super) fn check(schema: &Schema, document: &Document) -> Result<(), Vec<ServerError>> {
    let mut faults = Vec::new();
    for operation in document.executable.operations.iter() {
        let mut usage = Usage {
            schema,
            document,
            operation,
            met: HashSet::new(),
            faults,
        };
        usage.operation();
        faults = usage.faults;
    }
    faults.truncate(MAX_FAULTS);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// Whether exactly one of the fields of `ty` is due.
pub(super) fn is_one_of(ty: &ExtendedType) -> bool {
    ty.directives().has("oneOf")
}

struct Usage<'a> {
    schema: &'a Schema,
    document: &'a Document,
    operation: &'a Operation,
    /// Fragments that were walked through.
    met: HashSet<&'a Name>,
    faults: Vec<ServerError>,
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// What it is to be; nothing is known inside of scalars.
    ty: Option<&'a Type>,
    /// Whether there is a default where it is left out.
    has_default: bool,
}

impl<'a> Usage<'a> {
    fn fault(&mut self, message: impl Into<String>, location: Option<SourceSpan>) {
        if self.faults.len() < MAX_FAULTS {
            let code = ErrorCode::GraphqlValidationFailed;
            self.faults
                .push(self.document.fault(message, location, code));
        }
    }

    fn operation(&mut self) {
        let operation = self.operation;
        self.directives(&operation.directives);
        for definition in &operation.variables {
            self.directives(&definition.directives);
            if let Some(default) = &definition.default_value {
                self.value(default, Place::of(&definition.ty, false));
            }
        }
        self.selections(&operation.selection_set);
    }

    fn selections(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments);
                    self.selections(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    let fragments = &self.document.executable.fragments;
                    if let Some(fragment) = fragments.get(&spread.fragment_name)
                        && self.met.insert(&fragment.name)
                    {
                        self.directives(&fragment.directives);
                        self.selections(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'a DirectiveList) {
        for directive in directives {
            if let Some(definition) = self.schema.directive_definitions.get(&directive.name) {
                self.arguments(&directive.arguments, &definition.arguments);
            }
        }
    }

    fn arguments(
        &mut self,
        arguments: &'a [Node<Argument>],
        definitions: &'a [Node<InputValueDefinition>],
    ) {
        for argument in arguments {
            let mut definitions = definitions.iter();
            let definition = definitions.find(|definition| definition.name == argument.name);
            if let Some(definition) = definition {
                let place = Place::of(&definition.ty, definition.default_value.is_some());
                self.value(&argument.value, place);
            }
        }
    }

    fn value(&mut self, value: &'a Node<Value>, place: Place<'a>) {
        match &**value {
            Value::Variable(name) => self.variable(name, value.location(), place),
            Value::Int(int) => self.number(int.as_str(), value.location()),
            Value::Float(float) => self.number(float.as_str(), value.location()),
            Value::List(items) => {
                let ty = place.ty.filter(|ty| ty.is_list());
                for item in items {
                    let ty = ty.map(Type::item_type);
                    self.value(
                        item,
                        Place {
                            ty,
                            has_default: false,
                        },
                    );
                }
            }
            Value::Object(fields) => self.object(fields, value.location(), place),
            Value::Null | Value::Enum(_) | Value::String(_) | Value::Boolean(_) => {}
        }
    }

    /// A number that no type can hold.
    fn number(&mut self, text: &str, location: Option<SourceSpan>) {
        if text.parse::<Number>().is_err() {
            self.fault("The number is too large.", location);
        }
    }

    fn object(
        &mut self,
        fields: &'a [(Name, Node<Value>)],
        location: Option<SourceSpan>,
        place: Place<'a>,
    ) {
        let schema = self.schema;
        let ty = place
            .ty
            .and_then(|ty| schema.types.get(ty.inner_named_type()));
        let mut names = HashSet::new();
        for (name, value) in fields {
            if !names.insert(name) {
                let message = format!("The input field `{name}` is written more than once.");
                self.fault(message, name.location());
            }
            let definition = match ty {
                Some(ExtendedType::InputObject(input)) => input.fields.get(name),
                _ => None,
            };
            let inside = Place {
                ty: definition.map(|definition| &*definition.ty),
                has_default: definition.is_some_and(|field| field.default_value.is_some()),
            };
            self.value(value, inside);
        }
        if let Some(ty) = ty
            && is_one_of(ty)
        {
            self.one_of(ty.name(), fields, location);
        }
    }

    fn one_of(&mut self, ty: &Name, fields: &[(Name, Node<Value>)], location: Option<SourceSpan>) {
        let [(_, value)] = fields else {
            self.fault(format!("Exactly one field of `{ty}` is due."), location);
            return;
        };
        let may_be_null = match &**value {
            Value::Null => true,
            Value::Variable(name) => self.definition(name).is_some_and(|ty| !ty.is_non_null()),
            _ => false,
        };
        if may_be_null {
            let message = format!("The one field of `{ty}` may not be null.");
            self.fault(message, value.location());
        }
    }

    fn definition(&self, name: &Name) -> Option<&'a Type> {
        let mut definitions = self.operation.variables.iter();
        let definition = definitions.find(|definition| definition.name == *name)?;
        Some(&definition.ty)
    }

    fn variable(&mut self, name: &'a Name, location: Option<SourceSpan>, place: Place<'a>) {
        let mut definitions = self.operation.variables.iter();
        let Some(definition) = definitions.find(|definition| definition.name == *name) else {
            self.fault(format!("The variable `${name}` is not defined."), location);
            return;
        };
        let Some(wanted) = place.ty else { return };
        let default = definition.default_value.as_ref();
        let is_never_null = default.is_some_and(|default| !default.is_null()) || place.has_default;
        let fits = if wanted.is_non_null() && !definition.ty.is_non_null() {
            is_never_null && definition.ty.is_assignable_to(&wanted.clone().nullable())
        } else {
            definition.ty.is_assignable_to(wanted)
        };
        if !fits {
            let ty = &definition.ty;
            let message = format!(
                "The variable `${name}` of type `{ty}` stands where `{wanted}` is expected."
            );
            self.fault(message, location);
        }
    }
}

impl<'a> Place<'a> {
    fn of(ty: &'a Type, has_default: bool) -> Self {
        Self {
            ty: Some(ty),
            has_default,
        }
    }
}
