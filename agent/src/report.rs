//! What an operation tells about itself while it runs: how far it is, what it did, and what it found.

mod journal;
mod places;
mod progress;

pub use self::{
    journal::{Entry, Journal, Level},
    places::{Mark, Places, Sighting},
    progress::{Progress, Reading},
};
