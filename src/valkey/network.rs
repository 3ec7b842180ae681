//! The way to a server: TCP, or whatever a test has in its place.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

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
            Self::Tcp => connect(peer).await.map(Transport::Tcp),
            Self::Other(other) => other.connect(peer).await.map(Transport::Other),
        }
    }
}

async fn connect(peer: SocketAddr) -> io::Result<TcpStream> {
    let socket = if peer.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_nodelay(true)?;
    socket.set_keepalive(true)?;
    socket.connect(peer).await
}

/// The bytes of a connection, before TLS.
#[derive(Debug)]
pub enum Transport {
    /// TCP.
    Tcp(TcpStream),
    /// What a test has in its place.
    Other(Box<dyn Pipe>),
}

impl Transport {
    /// The address at the other end, when it is still known.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(tcp) => tcp.peer_addr().ok(),
            Self::Other(pipe) => Some(pipe.peer()),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Self::Other(pipe) => Pin::new(pipe).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Other(pipe) => Pin::new(pipe).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Other(pipe) => Pin::new(pipe).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Other(pipe) => Pin::new(pipe).poll_shutdown(context),
        }
    }
}
