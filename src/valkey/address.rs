//! Where a server listens: `host:port`, as people write it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest name that DNS carries, in bytes.
const MAX_HOST_BYTES: usize = 253;

/// A host and a port. Equal addresses are written alike: names in lower case, IPv6 in its short
/// form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    host: String,
    port: u16,
}

/// Why a text is no [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing is there.
    #[error("the address is empty; write `host:port`")]
    Empty,
    /// A blank inside or around.
    #[error("`{text}` holds a space; write `host:port`")]
    Space {
        /// What was written.
        text: String,
    },
    /// A host alone.
    #[error("`{text}` has no port; write `host:port`")]
    NoPort {
        /// What was written.
        text: String,
    },
    /// The port is no number from 1 to 65535.
    #[error("the port of `{text}` is not a number from 1 to 65535")]
    Port {
        /// What was written.
        text: String,
    },
    /// A port alone.
    #[error("`{text}` has no host; write `host:port`")]
    NoHost {
        /// What was written.
        text: String,
    },
    /// An IPv6 address whose end cannot be told from the port.
    #[error("`{text}` has more than one colon; write an IPv6 address as `[::1]:6379`")]
    Brackets {
        /// What was written.
        text: String,
    },
    /// What is in brackets is no IPv6 address.
    #[error("`{host}` is not an IPv6 address")]
    Ipv6 {
        /// The host that was written.
        host: String,
    },
    /// A host that ends in a number is an IPv4 address, and this is none.
    #[error("`{host}` is neither an IPv4 address nor a name")]
    Ipv4 {
        /// The host that was written.
        host: String,
    },
    /// No name has this character.
    #[error("`{host}` holds `{character}`, which no host name may hold")]
    Character {
        /// The host that was written.
        host: String,
        /// The first one that is not allowed.
        character: char,
    },
    /// Two dots in a row, or one at the front.
    #[error("`{host}` has an empty part between its dots")]
    EmptyLabel {
        /// The host that was written.
        host: String,
    },
    /// Longer than DNS carries.
    #[error("a host name of {bytes} bytes is too long; {MAX_HOST_BYTES} is the most")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

impl Address {
    /// An address of its two parts; an IPv6 host stands without brackets.
    ///
    /// # Errors
    /// [`AddressError`] when the host is neither a name nor an address, or the port is 0.
    pub fn new(host: &str, port: u16) -> Result<Self, AddressError> {
        if port == 0 {
            return Err(AddressError::Port { text: format!("{host}:0") });
        }
        Ok(Self { host: checked_host(host)?, port })
    }

    /// The name or IP address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The IP address, unless the host is a name.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl From<std::net::SocketAddr> for Address {
    fn from(address: std::net::SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

fn checked_host(host: &str) -> Result<String, AddressError> {
    if host.contains(char::is_whitespace) {
        return Err(AddressError::Space { text: shown(host) });
    }
    if host.is_empty() {
        return Err(AddressError::NoHost { text: String::new() });
    }
    if host.len() > MAX_HOST_BYTES {
        return Err(AddressError::TooLong { bytes: host.len() });
    }
    if host.contains(':') {
        let address: Ipv6Addr =
            host.parse().map_err(|_| AddressError::Ipv6 { host: host.to_owned() })?;
        return Ok(address.to_string());
    }
    let foreign = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if let Some(character) = host.chars().find(foreign) {
        return Err(AddressError::Character { host: host.to_owned(), character });
    }
    // The dot at the end is how DNS writes a full name.
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.split('.').any(str::is_empty) {
        return Err(AddressError::EmptyLabel { host: host.to_owned() });
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    let ends_in_number = last.bytes().all(|byte| byte.is_ascii_digit());
    if ends_in_number && host.parse::<Ipv4Addr>().is_err() {
        return Err(AddressError::Ipv4 { host: host.to_owned() });
    }
    Ok(host.to_ascii_lowercase())
}

/// As much of a text as an error shows.
fn shown(text: &str) -> String {
    let cut = text.char_indices().nth(MAX_HOST_BYTES).map_or(text.len(), |(at, _)| at);
    text[..cut].to_owned()
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.contains(char::is_whitespace) {
            return Err(AddressError::Space { text: shown(text) });
        }
        let no_port = || AddressError::NoPort { text: shown(text) };
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, after) =
                rest.split_once(']').ok_or_else(|| AddressError::Brackets { text: shown(text) })?;
            if host.parse::<Ipv6Addr>().is_err() {
                return Err(AddressError::Ipv6 { host: shown(host) });
            }
            (host, after.strip_prefix(':').ok_or_else(no_port)?)
        } else {
            let (host, port) = text.split_once(':').ok_or_else(no_port)?;
            if port.contains(':') {
                return Err(AddressError::Brackets { text: shown(text) });
            }
            (host, port)
        };
        if host.is_empty() {
            return Err(AddressError::NoHost { text: shown(text) });
        }
        if port.is_empty() {
            return Err(no_port());
        }
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(number) if digits && number != 0 => {
                Ok(Self { host: checked_host(host)?, port: number })
            }
            _ => Err(AddressError::Port { text: shown(text) }),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back_as_it_is_written() {
        for (text, host, port, written) in [
            ("127.0.0.1:6379", "127.0.0.1", 6379, "127.0.0.1:6379"),
            ("demo-0.demo-headless:1", "demo-0.demo-headless", 1, "demo-0.demo-headless:1"),
            ("Demo_0.Example.:65535", "demo_0.example.", 65535, "demo_0.example.:65535"),
            ("[::1]:6379", "::1", 6379, "[::1]:6379"),
            ("[2001:DB8:0:0::1]:7000", "2001:db8::1", 7000, "[2001:db8::1]:7000"),
            ("localhost:06379", "localhost", 6379, "localhost:6379"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.host(), address.port()), (host, port), "{text}");
            assert_eq!(address.to_string(), written);
            assert_eq!(written.parse(), Ok(address.clone()));
            assert_eq!(Address::new(host, port), Ok(address));
        }
    }

    #[test]
    fn every_fault_is_named() {
        let long = "a".repeat(254);
        for (text, message) in [
            ("", "the address is empty; write `host:port`"),
            ("a b:1", "`a b:1` holds a space; write `host:port`"),
            (" a:1", "` a:1` holds a space; write `host:port`"),
            ("a", "`a` has no port; write `host:port`"),
            ("a:", "`a:` has no port; write `host:port`"),
            ("[::1]", "`[::1]` has no port; write `host:port`"),
            ("a:0", "the port of `a:0` is not a number from 1 to 65535"),
            ("a:65536", "the port of `a:65536` is not a number from 1 to 65535"),
            ("a:+1", "the port of `a:+1` is not a number from 1 to 65535"),
            ("a:x", "the port of `a:x` is not a number from 1 to 65535"),
            (":6379", "`:6379` has no host; write `host:port`"),
            ("::1", "`::1` has more than one colon; write an IPv6 address as `[::1]:6379`"),
            ("[::1:6", "`[::1:6` has more than one colon; write an IPv6 address as `[::1]:6379`"),
            ("[a]:1", "`a` is not an IPv6 address"),
            ("256.0.0.1:1", "`256.0.0.1` is neither an IPv4 address nor a name"),
            ("10.1:1", "`10.1` is neither an IPv4 address nor a name"),
            ("a/b:1", "`a/b` holds `/`, which no host name may hold"),
            ("ä:1", "`ä` holds `ä`, which no host name may hold"),
            ("a..b:1", "`a..b` has an empty part between its dots"),
            (".:1", "`.` has an empty part between its dots"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap_err().to_string(), message, "{text}");
        }
        assert_eq!(
            format!("{long}:1").parse::<Address>(),
            Err(AddressError::TooLong { bytes: 254 })
        );
        assert!(format!("{}:1", &long[..253]).parse::<Address>().is_ok());
        assert!(Address::new("a", 0).is_err());
    }
}
