//! The way to a server: TCP, or whatever a test has in its place.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::either::Either;

/// By what connections are made.
#[derive(Debug, Clone, Default)]
pub enum Network {
    /// By TCP.
    #[default]
    Tcp,
    /// By something else.
    Other(Arc<dyn Connect>),
}

/// Makes connections that are no TCP.
pub trait Connect: fmt::Debug + Send + Sync {
    /// Connects to an address; errors are those of a socket.
    fn connect(&self, peer: SocketAddr) -> Connecting<'_>;
}

/// A connection that is being made.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Pipe>>> + Send + 'a>>;

/// A connection that is no TCP.
pub trait Pipe: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {
    /// The address at the other end.
    fn peer(&self) -> SocketAddr;
}

impl Network {
    /// Connects to an address.
    pub(super) async fn connect(&self, peer: SocketAddr) -> io::Result<Transport> {
        match self {
            Self::Tcp => connect(peer).await.map(Either::Left),
            Self::Other(other) => other.connect(peer).await.map(Either::Right),
        }
    }
}

async fn connect(peer: SocketAddr) -> io::Result<TcpStream> {
    let socket = if peer.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_nodelay(true)?;
    socket.set_keepalive(true)?;
    socket.connect(peer).await
}

/// The bytes of a connection, before TLS: TCP, or what a test has in its place.
pub type Transport = Either<TcpStream, Box<dyn Pipe>>;

/// The address at the other end, when it is still known.
pub(super) fn peer(transport: &Transport) -> Option<SocketAddr> {
    match transport {
        Either::Left(tcp) => tcp.peer_addr().ok(),
        Either::Right(pipe) => Some(pipe.peer()),
    }
}
