//! What one document may ask for: the only place where these figures stand.

/// What one document may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How deep fields may nest. Introspection is not counted.
    pub max_depth: u32,
    /// How many fields the answer may have, if every page is full.
    pub max_complexity: u64,
    /// How many fields an operation may have at its root: each asks the database by itself.
    pub max_root_fields: u64,
    /// How many fields a mutation may have at its root: each changes something, or hashes a password.
    pub max_mutations: u64,
    /// How long the text of a document may be.
    pub max_document_bytes: u32,
    /// How many tokens it may have: names, values, punctuation.
    pub max_tokens: u32,
}

impl Limits {
    /// Those of a gateway whose configuration says nothing else.
    pub const DEFAULT: Self = Self {
        max_depth: 16,
        max_complexity: 20_000,
        max_root_fields: 50,
        max_mutations: 10,
        max_document_bytes: 100_000,
        max_tokens: 10_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
