//! Secrets as the database keeps them: encrypted by the gateway, which alone can open them.

use std::fmt;

use sea_orm::DeriveValueType;

/// An encrypted secret. It prints as dots: who wants to see one looks into the database.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Sealed(String);

impl Sealed {
    /// What was encrypted, as text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it stands in the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}
