//! Where a request came from. A proxy's word for it counts only when the proxy is trusted.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{HeaderName, request::Parts},
};

use crate::config::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that the request came from: the last one that no trusted proxy vouches away.
pub(super) fn address(parts: &Parts, trusted: &[Network]) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let mut address = peer.ip().to_canonical();
    let forwarded: Vec<&str> = parts
        .headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    // From the nearest hop outwards: each was written by the one before it.
    for hop in forwarded.into_iter().rev() {
        if !is_trusted(address, trusted) {
            break;
        }
        match hop.parse::<IpAddr>() {
            Ok(hop) => address = hop.to_canonical(),
            Err(_) => break,
        }
    }
    Some(address)
}

/// Whether the request came from a proxy that is trusted, and not from its client itself.
pub(super) fn is_trusted_proxy(parts: &Parts, trusted: &[Network]) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| is_trusted(peer.ip(), trusted))
}

/// Whether a trusted proxy has this address.
pub(super) fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn address_of(peer: &str, forwarded: &str, trusted: &[&str]) -> String {
        let (mut parts, ()) = Request::builder()
            .header(FORWARDED_FOR, forwarded)
            .body(())
            .unwrap()
            .into_parts();
        parts
            .extensions
            .insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        address(&parts, &trusted).unwrap().to_string()
    }

    #[test]
    fn a_stranger_cannot_say_where_it_comes_from() {
        assert_eq!(
            address_of("203.0.113.9", "10.1.1.1", &["10.0.0.0/8"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn trusted_proxies_are_looked_through_up_to_the_first_stranger() {
        let hops = "198.51.100.7, 203.0.113.9, 10.1.1.1";
        assert_eq!(address_of("10.2.2.2", hops, &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(
            address_of("10.2.2.2", "unknown", &["10.0.0.0/8"]),
            "10.2.2.2"
        );
    }
}
