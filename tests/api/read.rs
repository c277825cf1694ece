//! Reading: what callers see, in pages, and at what cost.

mod contract;
