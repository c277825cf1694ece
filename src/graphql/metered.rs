//! Counts what was asked, and how it was answered: each root field of each operation.

use std::{collections::HashMap, time::Instant};

use apollo_compiler::executable::OperationType;
use async_graphql::{PathSegment, Response, ServerError};

use super::{
    document::{Documents, Prepared},
    error::code_of,
    told::Told,
};
use crate::{
    domain::ErrorCode,
    metrics::{Field, Metrics, Open},
};

/// How the request of a document that was refused before any field was asked is told.
const NO_FIELD: &str = "none";
/// What was answered without an error.
const OK: &str = "OK";

/// The root fields of a schema, as they are told.
#[derive(Debug)]
pub struct Meter {
    metrics: Metrics,
    fields: HashMap<String, Field>,
    none: Field,
}

/// A stream that is counted: as open until it is dropped, and as answered by its first answer.
#[derive(Debug)]
pub struct OpenStream {
    _open: Open,
    is_answered: bool,
}

impl Meter {
    /// Counts operations of the documents against one schema.
    pub fn new(metrics: Metrics, documents: &Documents) -> Self {
        let fields = documents.root_fields();
        Self {
            metrics,
            fields: fields
                .map(|name| (name.to_owned(), Field::new(name)))
                .collect(),
            none: Field::new(NO_FIELD),
        }
    }

    /// A document was refused.
    pub fn refused(&self, refusals: &[ServerError]) {
        self.metrics
            .requested(NO_FIELD, &self.none, outcome(refusals.first()));
    }

    /// An operation was answered that began at `began`.
    pub fn answered(&self, prepared: &Prepared, response: &Response, began: Instant) {
        let operation = kind(prepared.operation_type());
        self.metrics.took(operation, began.elapsed());
        self.count(operation, prepared, response);
    }

    /// A subscription has begun.
    pub fn opened(&self) -> OpenStream {
        OpenStream {
            _open: self.metrics.stream(),
            is_answered: false,
        }
    }

    /// A subscription is carried out, for one or for many.
    pub fn execution(&self) -> Open {
        self.metrics.execution()
    }

    /// A subscription of a single field was told what is told to many.
    pub fn told(&self, stream: &mut OpenStream, prepared: &Prepared, told: &Told) {
        self.metrics.sent();
        if !std::mem::replace(&mut stream.is_answered, true) {
            let outcome = told.codes().first().map_or(OK, |code| code.as_str());
            for (_, name) in prepared.root_fields() {
                let field = self.fields.get(name).unwrap_or(&self.none);
                let operation = kind(prepared.operation_type());
                self.metrics.requested(operation, field, outcome);
            }
        }
    }

    /// A subscription has sent `response`.
    pub fn sent(&self, stream: &mut OpenStream, prepared: &Prepared, response: &Response) {
        self.metrics.sent();
        if !std::mem::replace(&mut stream.is_answered, true) {
            self.count(kind(prepared.operation_type()), prepared, response);
        }
    }

    fn count(&self, operation: &'static str, prepared: &Prepared, response: &Response) {
        for (key, name) in prepared.root_fields() {
            let field = self.fields.get(name).unwrap_or(&self.none);
            let about = |error: &&ServerError| match error.path.first() {
                Some(PathSegment::Field(first)) => first == key,
                // What is about none in particular is about all.
                _ => true,
            };
            let outcome = match response.errors.iter().find(about) {
                None => OK,
                Some(error) => outcome(Some(error)),
            };
            self.metrics.requested(operation, field, outcome);
        }
    }
}

/// The code of an error, as a word that the code knows.
fn outcome(error: Option<&ServerError>) -> &'static str {
    let code = error.and_then(code_of);
    let code: Option<ErrorCode> = code.and_then(|code| code.parse().ok());
    code.unwrap_or(ErrorCode::Internal).as_str()
}

fn kind(operation: OperationType) -> &'static str {
    match operation {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}
