//! Who callers are: what tokens may do and whom they end with, sessions, passwords, and what
//! administrators do with users.

mod agent;
mod session;
mod token;
mod user;
