//! How one server is reached.

use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ClientConfig;

use super::address::Address;
use super::network::Network;
use super::secret::Secret;

/// Everything that [`Connection::open`](super::Connection::open) needs to know.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Where the server listens. An IP address costs no look-up.
    pub address: Address,
    /// The name that the server's certificate must carry, when it is not the address that is
    /// dialled. Without TLS it is not used.
    pub server_name: Option<String>,
    /// TLS, made by [`client_config`](super::client_config); plain TCP without.
    pub tls: Option<Arc<ClientConfig>>,
    /// Whom the client is to the server; the default user without a password when there is none.
    pub credentials: Option<Credentials>,
    /// How long everything may take until the server has answered the greeting.
    pub connect_timeout: Duration,
    /// By what the connection is made.
    pub network: Network,
}

/// An ACL user and its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user; `None` for the default one, by the old form of `AUTH`.
    pub user: Option<String>,
    /// Its password.
    pub password: Secret,
}
