//! The real services that the tests run against, each on loopback and gone with its test.
