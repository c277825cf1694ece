//! `[graphql]`: limits of single GraphQL requests.

use super::section::{Problems, section};
use crate::limits::Limits;

section! {
    /// Limits of single GraphQL requests, and what is open for development.
    Graphql = "graphql" {
        /// How deep the fields of a document may be nested.
        max_depth: u32 = Limits::DEFAULT.max_depth;
        /// How much a document may ask for: a field counts 1, a page as many times as it has items.
        max_complexity: u64 = Limits::DEFAULT.max_complexity;
        /// How long a document may be.
        max_document_bytes: u32 = Limits::DEFAULT.max_document_bytes;
        /// How many tokens a document may have: names, values, punctuation.
        max_tokens: u32 = Limits::DEFAULT.max_tokens;
        /// How many bytes the answer to a query may have.
        max_answer_bytes: u32 = Limits::DEFAULT.max_answer_bytes;
        /// How long a query may take before it is stopped. A mutation is always carried through.
        query_timeout_seconds: u32 = Limits::DEFAULT.query_timeout_seconds;
        /// Whether clients may ask for the schema. Each sees only what it may use.
        introspection: bool = true;
        /// Whether /graphiql serves a page to write queries in. It loads scripts from a public
        /// server, so it is for development only.
        graphiql: bool = false;
    }
}

impl Graphql {
    /// What one document may ask for.
    pub fn limits(&self) -> Limits {
        Limits {
            max_depth: self.max_depth,
            max_complexity: self.max_complexity,
            max_document_bytes: self.max_document_bytes,
            max_tokens: self.max_tokens,
            max_answer_bytes: self.max_answer_bytes,
            query_timeout_seconds: self.query_timeout_seconds,
            ..Limits::DEFAULT
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.unless(
            (1..=1_000).contains(&self.max_depth),
            "graphql.max_depth must be from 1 to 1000",
        );
        problems.zero("graphql.max_complexity", self.max_complexity);
        problems.zero("graphql.max_document_bytes", self.max_document_bytes);
        problems.zero("graphql.max_tokens", self.max_tokens);
        problems.zero("graphql.max_answer_bytes", self.max_answer_bytes);
        problems.zero("graphql.query_timeout_seconds", self.query_timeout_seconds);
        problems.unless(
            self.introspection || !self.graphiql,
            "graphql.graphiql needs graphql.introspection",
        );
    }
}
