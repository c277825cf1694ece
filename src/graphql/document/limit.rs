//! Limits of one document: how deep it nests and how many fields its answer may have.
//!
//! They are measured on the parsed document, before anything else walks through it: validation
//! follows every fragment spread, and a few fragments that spread each other twice make billions of
//! spreads. Each fragment is measured once, so the measuring itself costs no more than the document
//! is long.

mod measure;

use apollo_compiler::executable::Operation;
use async_graphql::{ServerError, Variables};

use self::measure::Visitor;
use super::Document;
use crate::{graphql::limit::within, limits::Limits};

/// How often introspection may go from a type to types: deeper, its answer multiplies.
const MAX_TYPE_LISTS: u32 = 2;
/// How much introspection may be asked to tell: what tools ask for at once, and little more.
const MAX_TOLD: u64 = 600_000;

/// Refuses a document that validation could not follow.
pub fn check_document(document: &Document, limits: &Limits) -> Result<(), ServerError> {
    let selections = Visitor::new(document, &Variables::default()).selections()?;
    within("complexity", selections, limits.max_complexity)
}

/// Refuses an operation that asks for too much.
pub fn check_operation(
    document: &Document,
    operation: &Operation,
    variables: &Variables,
    limits: &Limits,
) -> Result<(), ServerError> {
    let mut visitor = Visitor::new(document, variables).of(operation);
    let measure = visitor.operation(operation)?;
    // A fragment without effect still has to be walked through, wherever it is spread.
    let complexity = measure.cost.max(measure.selections);
    within("complexity", complexity, limits.max_complexity)?;
    if operation.is_mutation() {
        within("number of mutations", measure.fields, limits.max_mutations)?;
    }
    within(
        "number of root fields",
        measure.fields,
        limits.max_root_fields,
    )?;
    within("depth", measure.depth.into(), limits.max_depth.into())?;
    within("introspection", measure.told, MAX_TOLD)?;
    within(
        "introspection depth",
        measure.type_lists.into(),
        MAX_TYPE_LISTS.into(),
    )
}
