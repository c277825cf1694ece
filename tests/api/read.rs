//! Reading: what callers see, in pages, and at what cost.

mod action;
mod alone;
mod attention;
mod contract;
mod document;
mod error;
mod figures;
mod filter;
mod limit;
mod operation;
mod page;
mod platform;
mod search;
mod statement;
mod visibility;
mod waiting;
