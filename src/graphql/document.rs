//! Documents: read once, validated in full as the specification has it, and written anew for the executor, whatever
//! transport they came by. What passed is remembered, so that who repeats a document pays for it once.
//!
//! The executor's own parser and most of its validation are not used: it accepts what must be refused (null where
//! none may be, fields that conflict, unknown directives), and refuses some of what is right.

mod cache;
mod complete;
mod condition;
mod limit;
mod place;
mod repeat;
mod schema;
mod usage;
mod variable;
mod write;

use std::sync::Arc;

use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    executable::{Operation, OperationType},
    parser::SourceSpan,
    validation::{DiagnosticList, Valid},
};
use async_graphql::{Pos, Request, Response, ServerError, Value};

use super::{
    bound,
    error::with_code,
    limit::refused as too_large,
    operation::{Choice, Kind, choose, kind_in, kind_of, name_if_any},
    parse::parse,
};
use crate::{domain::ErrorCode, limits::Limits};
use cache::Cache;
use complete::complete;
pub use condition::Conditions;
use place::Places;
pub use write::MARK;

/// How many of the faults of a document are told.
const MAX_FAULTS: usize = 20;
/// How much of what is wrong is told: a name in a document may be as long as the document.
const MAX_MESSAGE_CHARACTERS: usize = 300;

/// What reads documents against one schema.
#[derive(Debug)]
pub struct Documents {
    schema: Valid<Schema>,
    limits: Limits,
    passed: Cache,
}

/// A document that was read.
#[derive(Debug)]
pub struct Document {
    executable: ExecutableDocument,
    places: Places,
    /// Whether an object is asked for the same edge twice.
    repeats: bool,
}

/// An operation that is about to be carried out.
#[derive(Debug)]
pub struct Prepared {
    document: Arc<Document>,
    operation: Node<Operation>,
    conditions: Conditions,
    marked: bool,
}

impl Documents {
    /// What reads documents against the schema that `sdl` describes.
    pub fn new(sdl: &str, limits: Limits) -> Self {
        Self {
            schema: schema::read(sdl),
            limits,
            passed: Cache::default(),
        }
    }

    /// What one document may ask for.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Makes `request` ready for the executor: what is wrong with it is found here, before anything is asked.
    pub fn prepare(&self, request: &mut Request) -> Result<Prepared, Vec<ServerError>> {
        name_if_any(request);
        let document = match self.passed.get(&request.query) {
            Some(document) => document,
            None => self.passed.keep(&request.query, self.read(&request.query)?),
        };
        let operation = document
            .operation(request.operation_name.as_deref())?
            .clone();
        let conditions = Conditions::new(&operation, &request.variables);
        limit::check_operation(&document, &operation, &request.variables, &self.limits)?;
        variable::check(&self.schema, &document, &operation, &request.variables)?;
        let written = write::write(&document, &operation, &conditions, &request.variables);
        request.set_parsed_query(written.document);
        // The document has no other any more.
        request.operation_name = None;
        Ok(Prepared {
            marked: written.marked,
            document,
            operation,
            conditions,
        })
    }

    /// The names of the fields at the root of queries, mutations and subscriptions.
    pub fn root_fields(&self) -> impl Iterator<Item = &str> {
        let roots = [
            OperationType::Query,
            OperationType::Mutation,
            OperationType::Subscription,
        ];
        let types = roots.into_iter().filter_map(|root| {
            let name = self.schema.root_operation(root)?;
            self.schema.get_object(name)
        });
        types.flat_map(|root| root.fields.keys().map(apollo_compiler::Name::as_str))
    }

    /// What `request` does. A document that passed is not read again for that.
    pub fn kind(&self, request: &mut Request) -> Kind {
        name_if_any(request);
        let name = request.operation_name.as_deref();
        match self.passed.get(&request.query) {
            Some(document) => document.kind(name),
            None => kind_in(&request.query, name, &self.limits),
        }
    }

    fn read(&self, text: &str) -> Result<Document, Vec<ServerError>> {
        bound::document(text, &self.limits).map_err(|excess| vec![too_large(excess)])?;
        let places = Places::of(text);
        let ast =
            parse(text).map_err(|faults| told(&faults, &places, ErrorCode::GraphqlParseFailed))?;
        let refused =
            |faults: &DiagnosticList| told(faults, &places, ErrorCode::GraphqlValidationFailed);
        let executable = ast
            .to_executable(&self.schema)
            .map_err(|failed| refused(&failed.errors))?;
        let document = Document {
            executable,
            places,
            repeats: true,
        };
        // Before validation, which follows spreads.
        limit::check_document(&document, &self.limits)?;
        let Document {
            executable, places, ..
        } = document;
        let valid = executable.validate(&self.schema);
        let valid = valid
            .map_err(|failed| told(&failed.errors, &places, ErrorCode::GraphqlValidationFailed))?;
        let executable = valid.into_inner();
        let document = Document {
            repeats: repeat::repeats(&executable),
            executable,
            places,
        };
        usage::check(&self.schema, &document)?;
        Ok(document)
    }
}

impl Document {
    /// What was read.
    pub fn executable(&self) -> &ExecutableDocument {
        &self.executable
    }

    /// A fault at `location`.
    pub fn fault(
        &self,
        message: impl Into<String>,
        location: Option<SourceSpan>,
        code: ErrorCode,
    ) -> ServerError {
        let at = location.map(|location| self.places.at(location.offset()));
        with_code(ServerError::new(shortened(message.into()), at), code)
    }

    fn at(&self, location: Option<SourceSpan>) -> Pos {
        location.map_or_else(Pos::default, |location| self.places.at(location.offset()))
    }

    fn kind(&self, name: Option<&str>) -> Kind {
        let operations = self.executable.operations.iter();
        let kinds = operations.map(|one| (one.name.as_deref(), one.operation_type));
        kind_of(kinds, name)
    }

    fn operation(&self, name: Option<&str>) -> Result<&Node<Operation>, ServerError> {
        let operations = self.executable.operations.iter();
        let named = operations.map(|operation| (operation.name.as_deref(), operation));
        match choose(named, name) {
            Choice::Meant(operation) => Ok(operation),
            Choice::Unknown => {
                let message = match name {
                    Some(name) => format!("The document has no operation named \"{name}\"."),
                    None => "The document has no operation.".to_owned(),
                };
                Err(self.fault(message, None, ErrorCode::GraphqlValidationFailed))
            }
            Choice::Unclear => Err(self.fault(
                "The document has several operations: name one as \"operationName\".",
                None,
                ErrorCode::GraphqlValidationFailed,
            )),
        }
    }
}

impl Prepared {
    /// What it does.
    pub fn operation_type(&self) -> OperationType {
        self.operation.operation_type
    }

    /// The fields at its root: what each is called in the answer, and in the schema.
    pub fn root_fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.operation.root_fields(&self.document.executable);
        fields.map(|field| (field.response_key().as_str(), field.name.as_str()))
    }

    /// Whether it only reads.
    pub fn is_query(&self) -> bool {
        self.operation.operation_type == OperationType::Query
    }

    /// Whether nobody looks into the lists of its answer before that is written.
    pub fn is_left_alone(&self) -> bool {
        self.is_query() && !self.marked && !self.document.repeats
    }

    /// Whether it watches.
    pub fn is_subscription(&self) -> bool {
        self.operation.operation_type == OperationType::Subscription
    }

    /// `response` as the specification wants it: failed fields are null, and objects of which everything was skipped
    /// are there.
    pub fn finished(&self, documents: &Documents, mut response: Response) -> Response {
        if !response.errors.is_empty() {
            response.data = complete(
                &documents.schema,
                &self.document.executable,
                &self.operation,
                &self.conditions,
                &response,
            );
        } else if self.marked {
            unmark(&mut response.data);
        }
        response
    }
}

/// The first of `faults`.
fn told(faults: &DiagnosticList, places: &Places, code: ErrorCode) -> Vec<ServerError> {
    let faults = faults.iter().take(MAX_FAULTS).map(|fault| {
        let at = apollo_compiler::diagnostic::ToCliReport::location(fault.error);
        let at = at.map(|at| places.at(at.offset()));
        with_code(
            ServerError::new(shortened(fault.error.to_string()), at),
            code,
        )
    });
    faults.collect()
}

fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARACTERS) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// Takes away what the executor was asked for so that it would answer at all.
fn unmark(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.shift_remove(write::MARK);
            fields.values_mut().for_each(unmark);
        }
        Value::List(items) => items.iter_mut().for_each(unmark),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDL: &str = "type Query { a: Int } type Mutation { a: Int } type Subscription { a: Int }
        schema { query: Query mutation: Mutation subscription: Subscription }";

    fn documents() -> Documents {
        Documents::new(SDL, Limits::DEFAULT)
    }

    #[test]
    fn what_an_operation_does_is_the_same_before_its_document_passed_and_after() {
        let text = "query Q { a } mutation M { a } subscription S { a }";
        let documents = documents();
        let mut kinds = Vec::new();
        for _ in 0..2 {
            for name in ["Q", "M", "S", "X", ""] {
                let mut request = Request::new(text).operation_name(name);
                kinds.push(documents.kind(&mut request));
            }
            assert!(
                documents
                    .prepare(&mut Request::new(text).operation_name("Q"))
                    .is_ok()
            );
            assert!(documents.passed.get(text).is_some());
        }
        let expected = [
            Kind::Query,
            Kind::Mutation,
            Kind::Subscription,
            Kind::Query,
            Kind::Query,
        ];
        assert_eq!(kinds, [expected, expected].concat());
    }

    #[test]
    fn a_document_that_passed_is_not_read_again_for_what_it_does() {
        let documents = documents();
        // Under the text of another, so that it shows which of both was asked.
        let passed = documents.read("mutation { a }").unwrap();
        documents.passed.keep("{ a }", passed);
        let kind = documents.kind(&mut Request::new("{ a }"));
        assert_eq!(kind, Kind::Mutation);
    }
}
