//! Which hosts and addresses a component may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use wasmtime_wasi::sockets::SocketAddrUse;

/// A host as a grant writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// Every public host.
    Any,
    /// Every address there is, as a user's own `paddock run` may ask for.
    Everything,
    /// `*.domain`, kept as `.domain`.
    Suffix(String),
    Name(String),
    Network(IpNet),
    /// `self`: the application's own routes.
    Itself,
}

impl HostPattern {
    /// Reads `*`, `self`, `*.domain`, an address, a network or a name.
    pub fn parse(text: &str) -> Self {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Self::Network(IpNet::from(address));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Self::Network(network);
        }
        match text {
            "*" => Self::Any,
            "**" => Self::Everything,
            "self" | "self.alt" => Self::Itself,
            _ => match text.strip_prefix('*') {
                Some(domain) => Self::Suffix(domain.to_ascii_lowercase()),
                None => Self::Name(text.trim_end_matches('.').to_ascii_lowercase()),
            },
        }
    }

    /// Whether a host as a guest names it is meant.
    fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').trim_start_matches('[').trim_end_matches(']');
        match self {
            Self::Any | Self::Everything => true,
            Self::Suffix(domain) => host.len() > domain.len() && host.to_ascii_lowercase().ends_with(domain.as_str()),
            Self::Name(name) => name.eq_ignore_ascii_case(host),
            Self::Network(network) => host.parse::<IpAddr>().is_ok_and(|address| contains(network, address)),
            Self::Itself => false,
        }
    }

    /// Whether an address may be connected to on the strength of this grant
    /// for `host`. A name does not open private networks: who controls its DNS
    /// would choose where inside to go.
    fn opens(&self, host: &str, address: IpAddr) -> bool {
        match self {
            Self::Everything => true,
            Self::Network(network) => contains(network, address),
            Self::Name(name) if name == "localhost" => canonical(address).is_loopback(),
            Self::Any | Self::Suffix(_) | Self::Name(_) => self.names(host) && !is_private(address),
            Self::Itself => false,
        }
    }
}

/// One entry of `allowed_outbound_hosts`.
#[derive(Clone, Debug)]
pub struct OutboundGrant {
    /// None for any scheme (`*`).
    pub scheme: Option<String>,
    pub host: HostPattern,
    /// Inclusive.
    pub ports: (u16, u16),
}

/// What nobody may connect to, whatever is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// Every address that is not on the public internet.
    Private,
    Network(IpNet),
}

impl Blocked {
    /// Reads `private`, an address or a network.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "private" => Some(Self::Private),
            _ => text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok().map(Self::Network),
        }
    }

    fn holds(&self, address: IpAddr) -> bool {
        match self {
            Self::Private => is_private(address),
            Self::Network(network) => contains(network, address),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct OutboundGrants {
    pub grants: Vec<OutboundGrant>,
    pub blocked: Vec<Blocked>,
}

impl OutboundGrants {
    fn matching(&self, scheme: &str, port: u16) -> impl Iterator<Item = &OutboundGrant> {
        self.grants.iter().filter(move |grant| {
            grant.scheme.as_deref().is_none_or(|known| known == scheme)
                && grant.ports.0 <= port
                && port <= grant.ports.1
        })
    }

    /// Whether any grant is for this scheme.
    pub fn any_socket(&self, scheme: &str) -> bool {
        self.grants.iter().any(|grant| grant.scheme.as_deref().is_none_or(|known| known == scheme))
    }

    /// Whether a host may be named in a request at all.
    pub fn allows_host(&self, scheme: &str, host: &str, port: u16) -> bool {
        self.matching(scheme, port).any(|grant| grant.host.names(host) || network_may_be(&grant.host, host))
    }

    /// Whether `host`, which resolved to `address`, may be connected to.
    pub fn allows_address(&self, scheme: &str, host: &str, address: SocketAddr) -> bool {
        !self.blocks(address.ip())
            && self.matching(scheme, address.port()).any(|grant| grant.host.opens(host, address.ip()))
    }

    /// Whether the host's configuration refuses an address to everybody.
    pub fn blocks(&self, address: IpAddr) -> bool {
        self.blocked.iter().any(|blocked| blocked.holds(address))
    }

    /// Whether the application's own routes may be called.
    pub fn allows_itself(&self) -> bool {
        self.grants.iter().any(|grant| {
            grant.host == HostPattern::Itself && grant.scheme.as_deref().is_none_or(|s| s == "http" || s == "https")
        })
    }

    /// Whether a component of the same application may be called in process.
    pub fn allows_component(&self, id: &str) -> bool {
        ["spin", "paddock"].iter().any(|product| {
            let host = format!("{id}.{product}.internal");
            self.grants.iter().any(|grant| match &grant.host {
                HostPattern::Name(name) => *name == host,
                HostPattern::Suffix(domain) => *domain == format!(".{product}.internal"),
                _ => false,
            })
        })
    }

    /// Names in `tcp` and `udp` grants, which have to be resolved to be compared.
    fn socket_names(&self, scheme: &str, port: u16) -> Vec<String> {
        let name = |grant: &OutboundGrant| match &grant.host {
            HostPattern::Name(name) => Some(name.clone()),
            _ => None,
        };
        self.matching(scheme, port).filter_map(name).collect()
    }

    /// Whether a socket may use the address; listening is never granted.
    pub async fn allows_socket(&self, address: SocketAddr, usage: SocketAddrUse) -> bool {
        let scheme = match usage {
            SocketAddrUse::TcpConnect => "tcp",
            SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => "udp",
            // The runtime binds to the wildcard address before it connects.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
                return self.everything() || (address.port() == 0 && address.ip().is_unspecified());
            }
            SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => return self.everything(),
        };
        if self.allows_address(scheme, "", address) {
            return true;
        }
        for name in self.socket_names(scheme, address.port()) {
            let Ok(found) = tokio::net::lookup_host((name.as_str(), address.port())).await else { continue };
            let mut found = found;
            if found.any(|known| known.ip() == address.ip()) && self.allows_address(scheme, &name, address) {
                return true;
            }
        }
        false
    }

    fn everything(&self) -> bool {
        self.grants.iter().any(|grant| grant.host == HostPattern::Everything)
    }
}

/// A granted network lets any name try: its addresses are checked at the connection.
fn network_may_be(pattern: &HostPattern, host: &str) -> bool {
    matches!(pattern, HostPattern::Network(_))
        && host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_err()
}

fn contains(network: &IpNet, address: IpAddr) -> bool {
    network.contains(&address) || network.contains(&canonical(address))
}

/// An IPv4 address in any of its IPv6 disguises as itself.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let parts = six.segments();
    let four = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => four(high, low),
        [0x2002, high, low, ..] => four(high, low),
        _ => address,
    }
}

/// Addresses that are not on the public internet (IANA special-purpose
/// registries), which a grant must name as an address or a network.
pub fn is_private(address: IpAddr) -> bool {
    match canonical(address) {
        IpAddr::V4(four) => private_v4(four),
        IpAddr::V6(six) => private_v6(six),
    }
}

fn private_v4(four: Ipv4Addr) -> bool {
    let [a, b, c, _] = four.octets();
    four.is_loopback()
        || four.is_private()
        || four.is_link_local()
        || four.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
}

fn private_v6(six: Ipv6Addr) -> bool {
    let [first, ..] = six.segments();
    six.is_loopback()
        || six.is_unspecified()
        || six.is_multicast()
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        || first & 0xffc0 == 0xfec0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(entries: &[(&str, &str, u16)]) -> OutboundGrants {
        let grant = |(scheme, host, port): &(&str, &str, u16)| OutboundGrant {
            scheme: (*scheme != "*").then(|| scheme.to_string()),
            host: HostPattern::parse(host),
            ports: if *port == 0 { (0, 65535) } else { (*port, *port) },
        };
        OutboundGrants { grants: entries.iter().map(grant).collect(), blocked: Vec::new() }
    }

    fn to(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    #[test]
    fn a_name_does_not_open_a_private_network() {
        let granted = grants(&[("https", "api.example.com", 443), ("https", "*", 443)]);
        assert!(granted.allows_host("https", "API.example.com.", 443));
        assert!(granted.allows_address("https", "api.example.com", to("93.184.216.34:443")));
        for address in
            ["10.0.0.1:443", "127.0.0.1:443", "169.254.169.254:443", "[::ffff:10.0.0.1]:443", "[fd00::1]:443"]
        {
            assert!(!granted.allows_address("https", "api.example.com", to(address)), "{address}");
        }
    }

    #[test]
    fn a_network_opens_itself_for_any_name_and_localhost_opens_loopback() {
        let granted = grants(&[("http", "10.0.0.0/8", 0), ("http", "localhost", 8080)]);
        assert!(granted.allows_host("http", "db.internal", 80));
        assert!(granted.allows_address("http", "db.internal", to("10.1.2.3:80")));
        assert!(!granted.allows_address("http", "db.internal", to("11.1.2.3:80")));
        assert!(granted.allows_address("http", "localhost", to("127.0.0.1:8080")));
        assert!(!granted.allows_address("http", "localhost", to("127.0.0.1:8081")));
        assert!(!granted.allows_host("http", "127.0.0.1", 80));
    }

    #[test]
    fn what_is_blocked_is_refused_though_a_grant_names_it() {
        let mut granted = grants(&[("http", "10.0.0.0/8", 0), ("http", "*", 0), ("http", "localhost", 0)]);
        granted.blocked = vec![Blocked::parse("10.1.0.0/16").unwrap(), Blocked::parse("93.184.216.34").unwrap()];
        assert!(granted.allows_address("http", "db", to("10.2.0.1:80")));
        for address in ["10.1.2.3:80", "[::ffff:10.1.2.3]:80", "93.184.216.34:80"] {
            assert!(!granted.allows_address("http", "db", to(address)), "{address}");
        }
        granted.blocked = vec![Blocked::parse("private").unwrap()];
        assert!(granted.allows_address("http", "example.com", to("93.184.216.34:80")));
        for address in ["10.2.0.1:80", "127.0.0.1:80", "[::1]:80", "169.254.169.254:80"] {
            assert!(!granted.allows_address("http", "localhost", to(address)), "{address}");
        }
        assert!(Blocked::parse("example.com").is_none());
    }

    #[test]
    fn components_and_itself_are_granted_by_their_own_forms_only() {
        let granted = grants(&[("http", "b.spin.internal", 80), ("http", "self", 80)]);
        assert!(granted.allows_component("b") && !granted.allows_component("c"));
        assert!(granted.allows_itself());
        let any = grants(&[("*", "*", 0)]);
        assert!(!any.allows_component("b") && !any.allows_itself());
        assert!(grants(&[("http", "*.paddock.internal", 80)]).allows_component("x"));
    }

    #[test]
    fn a_suffix_means_subdomains_only() {
        let granted = grants(&[("https", "*.example.com", 443)]);
        assert!(granted.allows_host("https", "a.example.com", 443));
        assert!(!granted.allows_host("https", "example.com", 443));
        assert!(!granted.allows_host("https", "badexample.com", 443));
        assert!(!granted.allows_host("http", "a.example.com", 80));
    }
}
