//! What `@skip` and `@include` leave of a document, once the variables are known.

use std::collections::HashMap;

use apollo_compiler::{
    Name,
    ast::{DirectiveList, Value},
    executable::Operation,
};
use async_graphql::{Value as Given, Variables};

/// The values that directives depend on.
#[derive(Debug, Default)]
pub struct Conditions(HashMap<Name, bool>);

impl Conditions {
    /// Those of an operation.
    pub fn new(operation: &Operation, variables: &Variables) -> Self {
        let values = operation.variables.iter().filter_map(|definition| {
            let given = variables.get(definition.name.as_str());
            let value = match given {
                Some(Given::Boolean(value)) => *value,
                Some(_) => return None,
                None => definition.default_value.as_ref()?.to_bool()?,
            };
            Some((definition.name.clone(), value))
        });
        Self(values.collect())
    }

    /// Neither skipped nor left out.
    pub fn includes(&self, directives: &DirectiveList) -> bool {
        directives.iter().all(|directive| {
            let unless = match directive.name.as_str() {
                "skip" => true,
                "include" => false,
                _ => return true,
            };
            let condition = directive.specified_argument_by_name("if");
            let condition = condition.and_then(|value| match &**value {
                Value::Boolean(value) => Some(*value),
                Value::Variable(name) => self.0.get(name).copied(),
                _ => None,
            });
            condition != Some(unless)
        })
    }
}
