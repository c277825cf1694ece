//! Limits of one document: how deep it nests and how many fields its answer may have.
//!
//! They are measured on the parsed document, before anything else walks through it: validation
//! follows every fragment spread, and a few fragments that spread each other twice make billions of
//! spreads. Each fragment is measured once, so the measuring itself costs no more than the document
//! is long.

mod measure;

use std::sync::Arc;

use async_graphql::{
    Request, ServerError, ServerResult,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest},
};

use super::{bound, error::with_code};
use crate::{domain::ErrorCode, limits::Limits};
use measure::{Measure, Visitor};

/// How often introspection may go from a type to types: deeper, its answer multiplies.
const MAX_TYPE_LISTS: u32 = 2;

/// Refuses documents that go beyond the limits.
#[derive(Debug)]
pub struct Limit;

impl ExtensionFactory for Limit {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Limit {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let limits = ctx.data_opt::<Limits>().copied().unwrap_or_default();
        bound::document(&request.query, &limits).map_err(refused)?;
        let variables = std::mem::take(&mut request.variables);
        let operation = request.operation_name.take();
        let parsed = request.parsed_query();
        let document =
            parsed.map_err(|failure| with_code(failure, ErrorCode::GraphqlParseFailed))?;
        let registry = &ctx.schema_env.registry;
        let measure = Visitor::new(registry, document, &variables, operation.as_deref())
            .document(operation.as_deref())?;
        check(measure, limits)?;
        request.variables = variables;
        request.operation_name = operation;
        next.run(ctx, request).await
    }
}

fn refused(excess: bound::Excess) -> ServerError {
    let mut refusal = with_code(ServerError::new(excess.to_string(), None), excess.code());
    if let (Some(extensions), Some(limit)) = (&mut refusal.extensions, excess.limit()) {
        extensions.set("limit", limit);
    }
    refusal
}

fn check(measure: Measure, limits: Limits) -> ServerResult<()> {
    // A fragment without effect still has to be walked through, wherever it is spread.
    let complexity = measure.cost.max(measure.selections);
    if complexity > limits.max_complexity {
        return Err(too_complex("complexity", complexity, limits.max_complexity));
    }
    if measure.fields > limits.max_root_fields {
        let limit = limits.max_root_fields;
        return Err(too_complex("number of root fields", measure.fields, limit));
    }
    if measure.mutations > limits.max_mutations {
        let limit = limits.max_mutations;
        return Err(too_complex("number of mutations", measure.mutations, limit));
    }
    if measure.depth > limits.max_depth {
        let (depth, limit) = (measure.depth.into(), limits.max_depth.into());
        return Err(too_complex("depth", depth, limit));
    }
    if measure.type_lists > MAX_TYPE_LISTS {
        let lists = measure.type_lists.into();
        return Err(too_complex(
            "introspection depth",
            lists,
            MAX_TYPE_LISTS.into(),
        ));
    }
    Ok(())
}

fn too_complex(what: &str, figure: u64, limit: u64) -> ServerError {
    let message = format!("The query's {what} is {figure}; at most {limit} is allowed.");
    let mut refusal = with_code(ServerError::new(message, None), ErrorCode::QueryTooComplex);
    if let Some(extensions) = &mut refusal.extensions {
        extensions.set("figure", figure);
        extensions.set("limit", limit);
    }
    refusal
}
