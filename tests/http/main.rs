//! The transports, against a gateway that listens on a port of its own.

#[cfg(test)]
mod auth;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod compress;
mod document;
#[cfg(test)]
mod graphql;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod health;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod limit;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod panel;
#[cfg(test)]
mod persisted;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod sse;
#[cfg(test)]
mod usage;
mod websocket;
