//! The API, in process: each test runs on SQLite and, by `TIDEMARK_TEST_POSTGRES_URL`, on
//! PostgreSQL.

mod harness;
mod read;
