//! How the server is set up.

use std::fmt;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_rustls::rustls::ServerConfig;

use super::error::ServerError;
use super::handover::HandoverRequest;

/// The digits of an id.
const ID_DIGITS: usize = 40;

/// How a [`Server`](super::Server) is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// TLS, or `None` for plain connections.
    pub tls: Option<Arc<ServerConfig>>,
    /// The password of the user `default`, or `None` when none is needed.
    pub password: Option<Secret>,
    /// The most clients at once.
    pub max_clients: usize,
    /// The most bytes that may wait for one client; who is further behind is closed.
    pub client_output_limit_bytes: usize,
    /// The most bytes that may wait for all clients together; who asks for more is closed.
    pub total_output_limit_bytes: usize,
    /// How long a client without subscriptions may ask nothing; `None` for ever.
    pub idle_timeout: Option<Duration>,
    /// What `SENTINEL MYID` answers: 40 lower-case hexadecimal digits.
    pub id: String,
    /// Where wishes for a handover go; `None` refuses them.
    pub handover: Option<mpsc::Sender<HandoverRequest>>,
}

impl Config {
    /// Listens on `listen` as `id`, with neither TLS nor password, and grants no handover.
    #[must_use]
    pub fn new(listen: SocketAddr, id: impl Into<String>) -> Self {
        Self {
            listen,
            tls: None,
            password: None,
            max_clients: 20_000,
            client_output_limit_bytes: 8 << 20,
            total_output_limit_bytes: 64 << 20,
            idle_timeout: None,
            id: id.into(),
            handover: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), ServerError> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if self.id.len() != ID_DIGITS || !self.id.bytes().all(digit) {
            return Err(ServerError::Id(self.id.clone()));
        }
        if self.password.as_ref().is_some_and(|secret| secret.0.is_empty()) {
            return Err(ServerError::EmptyPassword);
        }
        Ok(())
    }
}

/// A password. It is never shown.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Keeps a password.
    #[must_use]
    pub fn new(password: impl Into<Vec<u8>>) -> Self {
        Self(password.into().into_boxed_slice())
    }

    /// Whether `given` is the password. How long that takes tells nothing about it.
    pub(super) fn is(&self, given: &[u8]) -> bool {
        let mut difference = u8::from(self.0.len() != given.len());
        let kept = self.0.iter().cycle();
        for (given, kept) in given.iter().zip(kept) {
            difference = black_box(difference | (given ^ kept));
        }
        // Nothing was compared when one of them is empty; lengths that differ were seen above.
        difference == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_itself_alone() {
        let secret = Secret::new("abab");
        for (given, same) in
            [("abab", true), ("ab", false), ("ababab", false), ("", false), ("abac", false)]
        {
            assert_eq!(secret.is(given.as_bytes()), same, "{given}");
        }
        assert_eq!(format!("{secret:?}"), "<secret>");
    }

    #[test]
    fn bad_settings_are_refused() {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let good = Config::new(listen, "0123456789abcdef0123456789abcdef01234567");
        assert!(good.check().is_ok());
        for id in ["", "0123", "0123456789ABCDEF0123456789ABCDEF01234567", &"é".repeat(20)] {
            let error = Config::new(listen, id).check().unwrap_err();
            assert!(matches!(error, ServerError::Id(_)), "{id}: {error}");
        }
        let empty = Config { password: Some(Secret::new("")), ..good };
        assert!(matches!(empty.check(), Err(ServerError::EmptyPassword)));
    }
}
