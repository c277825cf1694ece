//! Reading: what callers see, in pages, and at what cost.

mod action;
mod contract;
mod document;
mod error;
mod figures;
mod filter;
mod limit;
mod operation;
mod page;
mod platform;
mod statement;
mod visibility;
