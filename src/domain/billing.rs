//! Billing: the facts that bills are computed from, and the bills.
//!
//! The facts are *spans*: from when to when something was to be paid for, and of what size it was. Whoever changes what is
//! billed names it to its transaction ([`Marks`]), which writes the spans at its commit ([`settle`]). Hours are whole hours
//! of UTC, counted from the epoch. An item pays for an hour if a span covers the hour's first instant.
//!
//! ```text
//!            open ──────────────► ended                 hours:  closed │ open
//!  available      bytes or plan         a change ends one             ▲
//!  or running     differ, or it is      span and begins another       watermark: nothing before it changes
//!                 billed no more
//! ```

pub mod amount;
pub mod cost;
pub mod export;
pub mod line;
pub mod mark;
pub mod measurement;
mod moment;
pub mod rate;
pub mod report;
pub mod settle;
pub mod summary;
pub mod tick;

pub use amount::Amount;
pub use mark::{Billed, Change, Marks};

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;
