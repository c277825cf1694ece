//! `[stream]`: how WebSockets and event streams are served.

use std::time::Duration;

use super::section::{Problems, section};

section! {
    /// How WebSockets and event streams are served.
    Stream = "stream" {
        /// How long a client of a WebSocket may take to say who it is (`connection_init`).
        init_timeout_seconds: u32 = 10;
        /// How often the client of a WebSocket is pinged.
        ping_interval_seconds: u32 = 20;
        /// How long it may take to answer a ping or to take a message before it is given up.
        pong_timeout_seconds: u32 = 15;
        /// How often a comment is sent on an idle event stream.
        keep_alive_seconds: u32 = 15;
        /// The largest message that a client of a WebSocket may send.
        message_limit_bytes: u32 = 262_144;
        /// The most operations at once on one WebSocket.
        max_operations: u32 = 64;
        /// The most WebSockets at once of the users of one account, or of one agent.
        max_account_sockets: u32 = 256;
        /// The most subscriptions at once of the users of one account, or of one agent.
        max_account_subscriptions: u32 = 1_024;
    }
}

impl Stream {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.zero("stream.init_timeout_seconds", self.init_timeout_seconds);
        problems.zero("stream.ping_interval_seconds", self.ping_interval_seconds);
        problems.zero("stream.pong_timeout_seconds", self.pong_timeout_seconds);
        problems.zero("stream.keep_alive_seconds", self.keep_alive_seconds);
        problems.unless(
            self.message_limit_bytes >= 1024,
            "stream.message_limit_bytes must be at least 1024",
        );
        problems.zero("stream.max_operations", self.max_operations);
        problems.zero("stream.max_account_sockets", self.max_account_sockets);
        problems.zero(
            "stream.max_account_subscriptions",
            self.max_account_subscriptions,
        );
    }

    /// How long a client may take to say who it is.
    pub fn init_timeout(&self) -> Duration {
        Duration::from_secs(self.init_timeout_seconds.into())
    }

    /// How often a client is pinged.
    pub fn ping_interval(&self) -> Duration {
        Duration::from_secs(self.ping_interval_seconds.into())
    }

    /// How long a client may take to answer.
    pub fn pong_timeout(&self) -> Duration {
        Duration::from_secs(self.pong_timeout_seconds.into())
    }

    /// How often an idle event stream says that it lives.
    pub fn keep_alive(&self) -> Duration {
        Duration::from_secs(self.keep_alive_seconds.into())
    }
}
