//! The repository against itself: the contract, the import edges, the migrations, and what is
//! generated.

mod architecture;
mod errors;
mod migrations;
mod schema;
