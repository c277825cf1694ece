//! Ports of the loopback interface that nobody uses.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::{Ipv4Addr, TcpListener},
};

/// Below the ports that the kernel gives to outgoing connections: one of those could take a port
/// between its choice and its use.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

/// A port that was free a moment ago.
pub(crate) fn free() -> u16 {
    loop {
        let random = RandomState::new().hash_one(()) % u64::from(RANGE.end - RANGE.start);
        let port = RANGE.start + u16::try_from(random).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
