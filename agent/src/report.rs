//! What an operation tells about itself while it runs: how far it is, and what it did.

mod journal;
mod progress;

pub use self::{
    journal::{Entry, Journal, Level},
    progress::{Progress, Reading},
};
