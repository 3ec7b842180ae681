//! Why a server cannot be.

use std::net::SocketAddr;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`; choose a free port and an address of this machine")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The id is not one.
    #[error("id `{0}` is not 40 lower-case hexadecimal digits")]
    Id(String),
    /// The password is empty: nobody could sign in, or everybody.
    #[error("the password is empty; leave it out to need none")]
    EmptyPassword,
}
