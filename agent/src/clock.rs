//! The one source of instants: the hypervisor's own clock, for logs and manifests. Leases do not use
//! it; they run on the monotonic clock.

use chrono::{DateTime, Utc};

/// The instant now.
pub fn now() -> DateTime<Utc> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    Utc::now()
}
