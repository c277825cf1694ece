//! On whose account it is counted what a caller has carried out.

use std::net::IpAddr;

use crate::{
    database::Share,
    domain::{Party, Requester},
};

/// On whose account a turn is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Payer {
    /// An account or a hypervisor.
    Party(Party),
    /// The network of somebody whom nobody knows.
    Network(Option<IpAddr>),
}

impl Payer {
    /// What it is called in a refusal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Party(Party::Account(_)) => "An account",
            Self::Party(Party::Hypervisor(_)) => "A hypervisor's agent",
            Self::Network(_) => "An address from which nobody has signed in",
        }
    }
}

/// Whose share of the gateway the requester has.
pub(super) fn share(requester: &Requester) -> Share {
    match requester {
        Requester::Agent { .. } => Share::Agents,
        Requester::User { .. } => Share::Users,
        Requester::Anonymous => Share::Strangers,
    }
}
