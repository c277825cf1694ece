//! The syntax of documents.

use apollo_compiler::{ast::Document, parser::Parser, validation::DiagnosticList};

use super::bound;

/// The syntax of a document. It is to be within bounds.
pub fn parse(text: &str) -> Result<Document, DiagnosticList> {
    // The bounds are narrower than this limit.
    let mut parser = Parser::new().recursion_limit(bound::MAX_NESTING * 8);
    parser
        .parse_ast(text, "document")
        .map_err(|failed| failed.errors)
}
