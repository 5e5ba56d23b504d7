//! Where a request comes from, as far as limits and the access log are concerned.

use axum::http::HeaderMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Who is counted together: one IPv4 address, or the /64 that one IPv6 customer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source(IpAddr);

impl Source {
    /// Of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(six) if !six.is_loopback() => {
                let [a, b, c, d, ..] = six.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            other => other,
        })
    }

    /// This machine.
    pub fn here() -> Self {
        Self(IpAddr::from([127, 0, 0, 1]))
    }

    /// Of a request that came from `peer`: where that is one of our own proxies, the last address in
    /// `X-Forwarded-For` that is not, since each proxy appends the one it has seen itself.
    pub fn of_request(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> Self {
        let ours = |address: &IpAddr| proxies.iter().any(|proxy| proxy.to_canonical() == *address);
        let peer = peer.to_canonical();
        if !ours(&peer) {
            return Self::of(peer);
        }
        let lines = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
        let parsed = hops.iter().rev().map_while(|hop| hop.trim().parse::<IpAddr>().ok());
        let foreign = parsed.map(|address| address.to_canonical()).find(|address| !ours(address));
        Self::of(foreign.unwrap_or(peer))
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        self.0.is_loopback()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let proxies: Vec<IpAddr> = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        Source::of_request(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        assert_eq!(source("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(source("10.0.0.1", &["198.51.100.7"], &["10.0.0.1"]), "198.51.100.7");
        // What a client says of itself stands before what the proxy has seen.
        assert_eq!(source("10.0.0.1", &["1.1.1.1, 198.51.100.7"], &["10.0.0.1"]), "198.51.100.7");
        assert_eq!(
            source("10.0.0.1", &["1.1.1.1", "198.51.100.7, 10.0.0.2"], &["10.0.0.1", "10.0.0.2"]),
            "198.51.100.7"
        );
        assert_eq!(source("10.0.0.1", &["198.51.100.7, nonsense"], &["10.0.0.1"]), "10.0.0.1");
        assert_eq!(source("::ffff:10.0.0.1", &["198.51.100.7"], &["10.0.0.1"]), "198.51.100.7");
    }

    #[test]
    fn one_customer_is_one_source() {
        assert_eq!(source("2001:db8:1:2:3::4", &[], &[]), "2001:db8:1:2::");
        assert_eq!(source("::ffff:192.0.2.1", &[], &[]), "192.0.2.1");
        assert!(Source::of("::1".parse().unwrap()).is_loopback());
    }
}
