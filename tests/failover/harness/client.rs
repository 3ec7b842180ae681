//! A connection that a client keeps: one request, one reply. For tasks that must not block.

use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::net::UnixStream;

use super::resp::Reply;
use super::resp::add_request;
use super::resp::read_reply;

/// What both kinds of socket are.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection to a server or a sentinel. Who stops waiting for a reply drops the connection.
pub struct Client {
    stream: BufReader<Box<dyn Stream>>,
}

/// Opens a TCP connection from an address of the test's.
///
/// # Errors
/// That nobody takes it.
pub async fn connect(from: Ipv4Addr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Client {
    /// To an address, from one.
    ///
    /// # Errors
    /// That nobody takes the connection.
    pub async fn tcp(from: Ipv4Addr, to: SocketAddr) -> io::Result<Self> {
        Ok(Self::over(connect(from, to).await?))
    }

    /// To a node, past the network, as the test's own user.
    ///
    /// # Errors
    /// That nobody takes the connection, or the user is not there.
    pub async fn unix(socket: &Path) -> io::Result<Self> {
        let mut client = Self::over(UnixStream::connect(socket).await?);
        client.ask(&["AUTH", "harness", "any"]).await?;
        Ok(client)
    }

    fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: BufReader::new(Box::new(stream)) }
    }

    /// Asks and waits for the reply, however long it takes. A reply may be an error.
    ///
    /// # Errors
    /// That the connection ended, or says what no server says.
    pub async fn ask(&mut self, words: &[&str]) -> io::Result<Reply> {
        let mut replies = self.ask_all(&[words]).await?;
        replies.pop().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Asks several things at once.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn ask_all(&mut self, requests: &[&[&str]]) -> io::Result<Vec<Reply>> {
        let mut bytes = String::new();
        for words in requests {
            add_request(&mut bytes, words);
        }
        self.stream.get_mut().write_all(bytes.as_bytes()).await?;
        let mut replies = Vec::with_capacity(requests.len());
        for _ in requests {
            replies.push(read_reply(&mut self.stream).await?);
        }
        Ok(replies)
    }
}
