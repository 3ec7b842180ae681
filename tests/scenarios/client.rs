//! A connection to a server, as an application's user.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::resp::{Reply, add_request, read_reply};

/// How long a connection or a reply may take.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// A connection that is logged in.
#[derive(Debug)]
pub struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects, and logs in.
    ///
    /// # Errors
    /// That nobody takes the connection in time, or the user is not let in.
    pub async fn connect(address: SocketAddr, password: &str) -> io::Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let mut client = Self(BufReader::new(stream));
        match timeout(PATIENCE, client.ask(&["AUTH", password])).await?? {
            Reply::Error(refusal) => Err(io::Error::other(refusal)),
            _ => Ok(client),
        }
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
        self.0.get_mut().write_all(bytes.as_bytes()).await?;
        let mut replies = Vec::with_capacity(requests.len());
        for _ in requests {
            replies.push(read_reply(&mut self.0).await?);
        }
        Ok(replies)
    }
}
