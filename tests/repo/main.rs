//! The repository against itself: the contract, the import edges, the migrations, and what is
//! generated.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests and what they share say what they expect with these"
)]

mod architecture;
mod circles;
mod errors;
mod generate;
mod migrations;
mod panel;
mod schema;
