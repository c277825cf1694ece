//! The API, in process: each test runs on SQLite and, by `TIDEMARK_TEST_POSTGRES_URL`, on
//! PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and their harness say what they expect with these"
)]

mod access;
mod account;
mod audit;
mod backup;
mod billing;
mod bus;
mod cancel;
mod cooldown;
mod damage;
mod deadline;
mod delete;
mod deletion;
mod destination;
mod guard;
mod hang_up;
mod harness;
mod idempotency;
mod identity;
mod input;
mod installation;
mod instance;
mod invariant;
mod last_backup;
mod lease;
mod limit;
mod measure;
mod newer_agent;
mod numbering;
mod place_mark;
mod plan;
mod platform;
mod pool;
mod race;
mod read;
mod records;
mod recover;
mod restore;
mod scale;
mod secret;
mod snapshot;
mod stream_cost;
mod subscription;
mod task;
mod throttle;
mod verification;
mod volume;
mod write_off;
