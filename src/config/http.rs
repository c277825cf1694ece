//! `[http]`: how the API is served.

use std::{net::SocketAddr, time::Duration};

use super::{
    Network,
    section::{Problems, section},
};

section! {
    /// How the API is served. It speaks plain HTTP/1.1: put a proxy that ends TLS before it.
    Http = "http" {
        /// The address and port to listen on.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080));
        /// The largest request body.
        body_limit_bytes: u32 = 1_048_576;
        /// Addresses or networks (10.0.0.0/8) of proxies whose X-Forwarded-For, X-Forwarded-Proto
        /// and X-Forwarded-Host are believed.
        trusted_proxies: Vec<Network> = Vec::new();
        /// The most connections at once, WebSockets and event streams among them. Those beyond
        /// wait to be accepted. The limit on open files of the process must be higher.
        max_connections: u32 = 16_384;
        /// The most connections at once from one address (of IPv6: from one /64) on which nobody is
        /// signed in. Those of trusted proxies are not counted.
        max_address_connections: u32 = 256;
        /// The most queries and mutations of users that are carried out at once.
        max_requests: u32 = 256;
        /// The same of the users of one account.
        max_account_requests: u32 = 32;
        /// The same of all agents: these are kept for them. One agent has a quarter of them at most.
        max_agent_requests: u32 = 64;
        /// The same of all callers that are not signed in. Few, so that agents and users find the processors
        /// free; who waits for a password to be checked does not count.
        max_anonymous_requests: u32 = 8;
        /// The same of those that come from one address (of IPv6: from one /64).
        max_address_requests: u32 = 4;
        /// How long a request waits for its turn before it is refused, with 429 where its account or
        /// address has too many at once, else with 503.
        queue_timeout_seconds: u32 = 10;
        /// How long a client may take to send the head of a request, or idle between two.
        header_timeout_seconds: u32 = 60;
        /// How long a client may take to send the body of a request.
        body_timeout_seconds: u32 = 30;
        /// How long requests may take to finish once the gateway was told to stop.
        shutdown_grace_seconds: u32 = 30;
    }
}

impl Http {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.unless(
            self.body_limit_bytes >= 1024,
            "http.body_limit_bytes must be at least 1024",
        );
        problems.zero("http.max_connections", self.max_connections);
        problems.zero("http.max_address_connections", self.max_address_connections);
        problems.zero("http.max_requests", self.max_requests);
        problems.zero("http.max_account_requests", self.max_account_requests);
        problems.zero("http.max_agent_requests", self.max_agent_requests);
        problems.zero("http.max_anonymous_requests", self.max_anonymous_requests);
        problems.zero("http.max_address_requests", self.max_address_requests);
        problems.zero("http.queue_timeout_seconds", self.queue_timeout_seconds);
        problems.zero("http.header_timeout_seconds", self.header_timeout_seconds);
        problems.zero("http.body_timeout_seconds", self.body_timeout_seconds);
    }

    /// How long a request waits for its turn.
    pub fn queue_timeout(&self) -> Duration {
        Duration::from_secs(self.queue_timeout_seconds.into())
    }

    /// How long the head of a request may take.
    pub fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_timeout_seconds.into())
    }

    /// How long the body of a request may take.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_seconds.into())
    }

    /// How long requests may take to finish when the gateway stops.
    pub fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_seconds.into())
    }
}
