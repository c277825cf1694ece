//! Whether the values that came with a request fit the variables of its operation: looked at before anything is done,
//! so that a document is carried out as a whole or not at all.

use apollo_compiler::{
    Node, Schema,
    ast::{Type, VariableDefinition},
    executable::{Operation, SelectionSet},
    request::coerce_variable_values,
    response::{JsonMap, JsonValue, serde_json_bytes::ByteString},
    schema::ExtendedType,
    validation::Valid,
};
use async_graphql::{ServerError, Value, Variables};

use super::{Document, usage::is_one_of};
use crate::domain::ErrorCode;

/// Finds a variable of `operation` that has no value, or one that does not fit.
pub(super) fn check(
    schema: &Valid<Schema>,
    document: &Document,
    operation: &Operation,
    variables: &Variables,
) -> Result<(), ServerError> {
    for definition in &operation.variables {
        let name = &definition.name;
        let fault = |message: String, code| document.fault(message, definition.location(), code);
        let given = variables.get(name.as_str());
        let is_needed = definition.ty.is_non_null();
        let value = match given {
            None if is_needed && definition.default_value.is_none() => {
                let message = format!("The variable `${name}` has no value.");
                return Err(fault(message, ErrorCode::InvalidInput));
            }
            Some(Value::Null) if is_needed => {
                let message = format!("The variable `${name}` may not be null.");
                return Err(fault(message, ErrorCode::InvalidInput));
            }
            None | Some(Value::Null) => continue,
            Some(value) => json(value),
        };
        fit(schema, operation, definition, value)
            .map_err(|message| fault(message, ErrorCode::GraphqlValidationFailed))?;
    }
    Ok(())
}

/// What the words of a refusal begin with that would repeat the value.
const TELLS_VALUE: &str = "could not coerce";

fn fit(
    schema: &Valid<Schema>,
    operation: &Operation,
    definition: &Node<VariableDefinition>,
    value: JsonValue,
) -> Result<(), String> {
    let (name, ty) = (&definition.name, &definition.ty);
    let alone = Operation {
        operation_type: operation.operation_type,
        name: None,
        variables: vec![definition.clone()],
        directives: apollo_compiler::ast::DirectiveList::default(),
        selection_set: SelectionSet::new(operation.selection_set.ty.clone()),
    };
    let mut values = JsonMap::new();
    values.insert(ByteString::from(name.as_str()), value);
    let values = coerce_variable_values(schema, &alone, &values).map_err(|failed| {
        let why = failed.message().to_string();
        if why.starts_with(TELLS_VALUE) {
            // It may be a password.
            format!("The value of the variable `${name}` does not fit its type `{ty}`.")
        } else {
            format!("The value of the variable `${name}` does not fit its type `{ty}`: {why}.")
        }
    })?;
    match values.get(name.as_str()) {
        Some(value) => one_of(schema, ty, value),
        None => Ok(()),
    }
}

/// Whether each input of which exactly one field is due has it.
fn one_of(schema: &Schema, ty: &Type, value: &JsonValue) -> Result<(), String> {
    match value {
        JsonValue::Array(items) if ty.is_list() => {
            let mut items = items.iter();
            items.try_for_each(|item| one_of(schema, ty.item_type(), item))
        }
        JsonValue::Object(fields) => {
            let Some(definition) = schema.types.get(ty.inner_named_type()) else {
                return Ok(());
            };
            if is_one_of(definition)
                && (fields.len() != 1 || fields.values().any(JsonValue::is_null))
            {
                let name = definition.name();
                return Err(format!(
                    "Exactly one field of `{name}` is due, and not null."
                ));
            }
            let ExtendedType::InputObject(input) = definition else {
                return Ok(());
            };
            for (name, value) in fields {
                if let Some(field) = input.fields.get(name.as_str()) {
                    one_of(schema, &field.ty, value)?;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn json(value: &Value) -> JsonValue {
    match value {
        Value::Null | Value::Binary(_) => JsonValue::Null,
        Value::Number(number) => JsonValue::Number(number.clone()),
        Value::String(text) => JsonValue::String(text.as_str().into()),
        Value::Boolean(value) => JsonValue::Bool(*value),
        Value::Enum(name) => JsonValue::String(name.as_str().into()),
        Value::List(items) => JsonValue::Array(items.iter().map(json).collect()),
        Value::Object(fields) => JsonValue::Object(
            fields
                .iter()
                .map(|(name, value)| (ByteString::from(name.as_str()), json(value)))
                .collect(),
        ),
    }
}
