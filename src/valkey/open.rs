//! Opening a connection: name, TCP, TLS, greeting.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::ServerName;

use super::address::Address;
use super::command::Command;
use super::connection::Connection;
use super::dial::Dial;
use super::error_reply::ErrorReply;
use super::lost::{Lost, tls_fault};
use super::network::{Transport, peer};
use super::stream::{Stream, transport};

/// What the connection is called in the server's `CLIENT LIST`.
const CLIENT_NAME: &str = "gungnir";

/// The system looks names up in threads; no more than so many at once, however many servers there
/// are. Addresses need none.
static LOOK_UPS: Semaphore = Semaphore::const_new(32);

/// How far an opening came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The name was being looked up.
    Name,
    /// TCP: nothing came back from the address.
    Connect,
    /// TCP was there, TLS was not: the host lives, the process may hang.
    Tls,
    /// The greeting was not answered: the host lives, the process may hang.
    Greeting,
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Name => "its name was looked up",
            Self::Connect => "a connection was made",
            Self::Tls => "TLS was agreed on",
            Self::Greeting => "the greeting was answered",
        })
    }
}

/// Why no connection could be opened.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// Nobody listens: every address of the name refused. A firewall can say this, too.
    #[error("`{address}` refuses connections")]
    Refused {
        /// What was dialled.
        address: Address,
    },
    /// The network has no way there, or forbids it.
    #[error("`{address}` cannot be reached: {kind}")]
    Unreachable {
        /// What was dialled.
        address: Address,
        /// What the system says.
        kind: io::ErrorKind,
    },
    /// [`Dial::connect_timeout`] is over.
    #[error("`{address}` did not answer in {limit:?}, while {stage}")]
    TimedOut {
        /// What was dialled.
        address: Address,
        /// What was under way.
        stage: Stage,
        /// How long was waited.
        limit: Duration,
    },
    /// The name has no address, or no name server answers.
    #[error("`{address}` has no address: {cause}")]
    NoSuchName {
        /// What was dialled.
        address: Address,
        /// What the resolver says.
        cause: String,
    },
    /// This host is at fault (no file descriptor, no free port): nothing is known of the server.
    #[error("this host cannot open a connection to `{address}`: {cause}")]
    Local {
        /// What was dialled.
        address: Address,
        /// What the system says.
        cause: String,
    },
    /// TLS was not agreed on.
    #[error("TLS with `{address}` failed: {fault}")]
    Tls {
        /// What was dialled.
        address: Address,
        /// What rustls says.
        fault: rustls::Error,
    },
    /// The name to check the certificate against is none.
    #[error("`{name}` cannot be the name of a certificate")]
    ServerName {
        /// What was given.
        name: String,
    },
    /// The server answered the greeting with an error.
    #[error("`{address}` answers {reply}")]
    Reply {
        /// What was dialled.
        address: Address,
        /// Its answer.
        reply: ErrorReply,
    },
    /// The connection was there and was lost before the greeting was answered.
    #[error("the connection to `{address}` was lost at once")]
    Lost {
        /// What was dialled.
        address: Address,
        /// How.
        #[source]
        lost: Lost,
    },
}

impl OpenError {
    /// Whether a server was heard: it lives, whatever it says.
    #[must_use]
    pub fn proves_alive(&self) -> bool {
        match self {
            Self::Reply { reply, .. } => reply.proves_alive(),
            Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::NoSuchName { .. }
            | Self::Local { .. }
            | Self::Tls { .. }
            | Self::ServerName { .. }
            | Self::Lost { .. } => false,
        }
    }
}

impl Connection {
    /// Opens a connection and says who we are.
    ///
    /// The greeting is `AUTH` where there are credentials, then the connection's name and
    /// `CLIENT NO-EVICT ON`, whose refusal does not matter.
    ///
    /// # Errors
    /// [`OpenError`], after [`Dial::connect_timeout`] at the latest.
    pub async fn open(dial: &Dial) -> Result<Self, OpenError> {
        let deadline = Instant::now() + dial.connect_timeout;
        let late = |stage| OpenError::TimedOut {
            address: dial.address.clone(),
            stage,
            limit: dial.connect_timeout,
        };
        let addresses =
            timeout_at(deadline, look_up(&dial.address)).await.map_err(|_| late(Stage::Name))??;
        let transport = timeout_at(deadline, connect(dial, &addresses))
            .await
            .map_err(|_| late(Stage::Connect))??;
        let stream =
            timeout_at(deadline, wrap(dial, transport)).await.map_err(|_| late(Stage::Tls))??;
        let mut connection = Self::over(stream);
        let left = deadline.saturating_duration_since(Instant::now());
        match connection.greet(dial, left).await? {
            None => Ok(connection),
            Some(Lost::TimedOut) => Err(late(Stage::Greeting)),
            Some(Lost::Tls(fault)) => Err(OpenError::Tls { address: dial.address.clone(), fault }),
            Some(lost) => Err(OpenError::Lost { address: dial.address.clone(), lost }),
        }
    }

    /// The address at the other end, when the socket still knows it.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        peer(transport(self.stream()))
    }

    /// `Some` when the connection was lost on the way.
    async fn greet(&mut self, dial: &Dial, limit: Duration) -> Result<Option<Lost>, OpenError> {
        let mut greeting = Vec::with_capacity(3);
        greeting.extend(dial.credentials.as_ref().map(Command::auth));
        greeting.push(Command::client_setname(CLIENT_NAME));
        greeting.push(Command::client_no_evict());
        let mut answers = Vec::with_capacity(greeting.len());
        let lost = self.request_into(&greeting, limit, &mut answers).await.err();
        let auth_answers = usize::from(dial.credentials.is_some());
        // A user that may not name its connection is welcome; one that is shut out is not.
        for (at, answer) in answers.into_iter().enumerate() {
            if let Err(reply) = answer
                && (at < auth_answers || shuts_out(&reply))
            {
                return Err(OpenError::Reply { address: dial.address.clone(), reply });
            }
        }
        Ok(lost)
    }
}

/// Whether nothing else would be answered otherwise.
fn shuts_out(reply: &ErrorReply) -> bool {
    matches!(reply, ErrorReply::NoAuth | ErrorReply::MaxClients | ErrorReply::Denied)
}

async fn look_up(address: &Address) -> Result<Vec<SocketAddr>, OpenError> {
    if let Some(ip) = address.ip() {
        return Ok(vec![SocketAddr::new(ip, address.port())]);
    }
    let none = |cause: String| OpenError::NoSuchName { address: address.clone(), cause };
    let ticket = LOOK_UPS.acquire().await.map_err(|closed| none(closed.to_string()))?;
    let name = (address.host().to_owned(), address.port());
    let task = tokio::task::spawn_blocking(move || {
        // Held until the look-up is over, also when nobody waits for it any more.
        let _ticket = ticket;
        name.to_socket_addrs().map(Iterator::collect::<Vec<_>>)
    });
    match task.await {
        Ok(Ok(found)) if !found.is_empty() => Ok(found),
        Ok(Ok(_)) => Err(none("the name is known, and has none".to_owned())),
        Ok(Err(error)) => Err(none(error.to_string())),
        Err(cancelled) => Err(none(cancelled.to_string())),
    }
}

/// The first address that takes a connection; else what is least like a refusal.
async fn connect(dial: &Dial, found: &[SocketAddr]) -> Result<Transport, OpenError> {
    let address = &dial.address;
    let mut fault = OpenError::Refused { address: address.clone() };
    for peer in found {
        match dial.network.connect(*peer).await {
            Ok(transport) => return Ok(transport),
            Err(error) => {
                let found = connect_error(address, &error);
                if !matches!(found, OpenError::Refused { .. }) {
                    fault = found;
                }
            }
        }
    }
    Err(fault)
}

fn connect_error(address: &Address, error: &io::Error) -> OpenError {
    let address = address.clone();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => OpenError::Refused { address },
        kind @ (io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::TimedOut) => OpenError::Unreachable { address, kind },
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            OpenError::Lost { address, lost: Lost::Reset }
        }
        _ => OpenError::Local { address, cause: error.to_string() },
    }
}

async fn wrap(dial: &Dial, transport: Transport) -> Result<Stream, OpenError> {
    let Some(config) = &dial.tls else { return Ok(Stream::Left(transport)) };
    let name = dial.server_name.as_deref().unwrap_or(dial.address.host());
    let server_name = ServerName::try_from(name.to_owned())
        .map_err(|_| OpenError::ServerName { name: name.to_owned() })?;
    match TlsConnector::from(config.clone()).connect(server_name, transport).await {
        Ok(tls) => Ok(Stream::Right(Box::new(tls))),
        Err(error) => {
            let address = dial.address.clone();
            Err(match tls_fault(&error) {
                Some(fault) => OpenError::Tls { address, fault: fault.clone() },
                None => OpenError::Lost { address, lost: error.into() },
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_is_a_refusal_and_our_own_faults_are_ours() {
        use io::ErrorKind;
        let address = Address::new("10.0.0.1", 6379).unwrap();
        let of = |kind: ErrorKind| connect_error(&address, &io::Error::from(kind));
        let unreachable = |kind| OpenError::Unreachable { address: address.clone(), kind };
        assert_eq!(
            of(ErrorKind::ConnectionRefused),
            OpenError::Refused { address: address.clone() }
        );
        for kind in [
            ErrorKind::HostUnreachable,
            ErrorKind::NetworkUnreachable,
            ErrorKind::PermissionDenied,
            ErrorKind::TimedOut,
        ] {
            assert_eq!(of(kind), unreachable(kind));
        }
        let lost = OpenError::Lost { address: address.clone(), lost: Lost::Reset };
        assert_eq!(of(ErrorKind::ConnectionReset), lost);
        // No free port, and no free file descriptor, which has no kind of its own.
        let no_descriptor = connect_error(&address, &io::Error::from_raw_os_error(24));
        for ours in [of(ErrorKind::AddrNotAvailable), no_descriptor] {
            assert!(matches!(ours, OpenError::Local { .. }), "{ours:?}");
        }
    }
}
