//! Volumes: what the rules need to know of them.

pub mod facts;
