//! `[graphql]`: limits of single GraphQL requests.

use super::section::{Problems, section};

section! {
    /// Limits of single GraphQL requests, and what is open for development.
    Graphql = "graphql" {
        /// How deep the fields of a document may be nested.
        max_depth: u32 = 16;
        /// How much a document may ask for: a field counts 1, a page as many times as it has items.
        max_complexity: u32 = 20_000;
        /// Whether clients may ask for the schema. Each sees only what it may use.
        introspection: bool = true;
        /// Whether /graphiql serves a page to write queries in. It loads scripts from a public
        /// server, so it is for development only.
        graphiql: bool = false;
    }
}

impl Graphql {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.unless(
            (1..=1_000).contains(&self.max_depth),
            "graphql.max_depth must be from 1 to 1000",
        );
        problems.zero("graphql.max_complexity", self.max_complexity);
        problems.unless(
            self.introspection || !self.graphiql,
            "graphql.graphiql needs graphql.introspection",
        );
    }
}
