//! `[metrics]`: who may read what the gateway counts.

use std::net::SocketAddr;

use super::section::{Problems, section};

section! {
    /// What the gateway counts of itself, for Prometheus.
    Metrics = "metrics" {
        /// The address and port at which `/metrics` is read, such as `127.0.0.1:9100`; empty: nowhere. Whoever reaches it reads
        /// it, and it is never served at `http.listen`.
        listen: String = String::new();
    }
}

impl Metrics {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.unless(
            self.listen.is_empty() || self.address().is_some(),
            "metrics.listen must be an address and a port, such as 127.0.0.1:9100, or empty",
        );
    }

    /// Where it is read.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }
}
