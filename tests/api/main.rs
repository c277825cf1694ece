//! The API, in process: each test runs on SQLite and, by `TIDEMARK_TEST_POSTGRES_URL`, on
//! PostgreSQL.

#![expect(
    clippy::unwrap_used,
    reason = "tests and their harness say what they expect with `unwrap`"
)]

mod harness;
mod read;
