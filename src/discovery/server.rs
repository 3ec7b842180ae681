//! The listener, and the owner of every client's task.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::config::Config;
use super::connection;
use super::edge::Edge;
use super::error::ServerError;
use super::feed::Feed;
use super::limits::{ACCEPT_PAUSE, HANDSHAKE_DEADLINE};
use super::session::Session;
use super::shared::Shared;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;

/// What a client is told for whom there is no room.
const FULL: &[u8] = b"-ERR max number of clients reached\r\n";

/// A listener that answers clients while [`run`](Self::run) is polled.
///
/// It owns every client's task: they end when `run` ends or is dropped.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Server {
    /// Listens. Must be called inside the runtime that runs it; clients wait until it does.
    ///
    /// # Errors
    ///
    /// When the settings are wrong or the address cannot be listened on.
    pub fn bind(config: Config, feed: Feed) -> Result<Self, ServerError> {
        config.check()?;
        let address = config.listen;
        let listen = || -> io::Result<(TcpListener, SocketAddr)> {
            let socket =
                if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_reuseaddr(true)?;
            // Accepted connections inherit both.
            socket.set_keepalive(true)?;
            socket.set_nodelay(true)?;
            socket.bind(address)?;
            let listener = socket.listen(BACKLOG)?;
            let bound = listener.local_addr()?;
            Ok((listener, bound))
        };
        let (listener, address) =
            listen().map_err(|source| ServerError::Listen { address, source })?;
        let shared = Arc::new(Shared::new(config, feed, address.port()));
        Ok(Self { listener, shared, address })
    }

    /// Where it listens, with the port it got.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers clients until `shutdown` is done; then every connection is closed.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut clients = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = clients.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a client's task failed");
                    }
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.accept(stream, peer, &mut clients),
                    Err(error) => {
                        tracing::warn!(%error, "no connection can be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        clients.shutdown().await;
    }

    fn accept(&self, stream: TcpStream, peer: SocketAddr, clients: &mut JoinSet<()>) {
        let shared = Arc::clone(&self.shared);
        let idle_timeout = shared.config.idle_timeout;
        if clients.len() >= shared.config.max_clients {
            shared.rejected.fetch_add(1, Ordering::Relaxed);
            // Counted in INFO; whoever comes too often must not fill the log.
            tracing::debug!(%peer, max_clients = shared.config.max_clients, "refused: no room");
            if shared.config.tls.is_none() {
                // A new connection has room for one line; if not, the end alone must do.
                let _ = stream.try_write(FULL);
            }
            return;
        }
        let local = stream.local_addr().unwrap_or(self.address);
        let tls = shared.config.tls.clone();
        let session = Session::new(shared.accept(), peer, local, &shared);
        let edge = Edge::new(session, shared);
        match tls.map(TlsAcceptor::from) {
            None => {
                clients.spawn(connection::serve(stream, edge, idle_timeout));
            }
            Some(tls) => {
                clients.spawn(async move {
                    match timeout(HANDSHAKE_DEADLINE, tls.accept(stream)).await {
                        Ok(Ok(stream)) => {
                            connection::serve(Box::new(stream), edge, idle_timeout).await;
                        }
                        Ok(Err(error)) => tracing::info!(%peer, %error, "no TLS"),
                        Err(_) => tracing::info!(%peer, "the TLS handshake took too long"),
                    }
                });
            }
        }
    }
}

/// Listens and answers clients until `shutdown` is done; then every connection is closed.
///
/// # Errors
///
/// When the settings are wrong or the address cannot be listened on.
pub async fn serve(
    config: Config,
    feed: Feed,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    Server::bind(config, feed)?.run(shutdown).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::Secret;
    use crate::discovery::fixture::{ask, config, hear, publisher, to_end};
    use std::time::Duration;
    use tokio::sync::oneshot;
    use tokio::time::Instant;

    const LIMIT: Duration = Duration::from_secs(20);

    /// A running server, what ends it, and its end.
    struct Running {
        address: SocketAddr,
        shutdown: oneshot::Sender<()>,
        ended: tokio::task::JoinHandle<()>,
    }

    fn start(config: Config) -> Running {
        let server = Server::bind(config, publisher().feed()).unwrap();
        let address = server.address();
        let (shutdown, asked) = oneshot::channel::<()>();
        let ended = tokio::spawn(server.run(async {
            let _ = asked.await;
        }));
        Running { address, shutdown, ended }
    }

    async fn connect(running: &Running) -> TcpStream {
        TcpStream::connect(running.address).await.unwrap()
    }

    #[tokio::test]
    async fn nobody_is_served_beyond_the_maximum() {
        let running = start(Config { max_clients: 2, ..config() });
        let mut clients = [connect(&running).await, connect(&running).await];
        for client in &mut clients {
            ask(client, "PING", "+PONG\r\n").await;
        }
        let mut third = connect(&running).await;
        hear(&mut third, "-ERR max number of clients reached\r\n").await;
        assert_eq!(to_end(&mut third).await, "");
        // Who goes makes room.
        drop(clients);
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < LIMIT, "there is no room again");
            let mut next = connect(&running).await;
            next.try_write(b"PING\r\n").unwrap();
            if to_line(&mut next).await == "+PONG" {
                break;
            }
        }
    }

    async fn to_line(stream: &mut TcpStream) -> String {
        use tokio::io::AsyncReadExt as _;
        let mut line = Vec::new();
        while let Ok(byte) = stream.read_u8().await {
            if byte == b'\r' {
                break;
            }
            line.push(byte);
        }
        String::from_utf8(line).unwrap()
    }

    #[tokio::test]
    async fn a_shutdown_closes_every_connection() {
        let running = start(config());
        let mut client = connect(&running).await;
        ask(&mut client, "SUBSCRIBE a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n").await;
        running.shutdown.send(()).unwrap();
        timeout(LIMIT, running.ended).await.unwrap().unwrap();
        assert_eq!(timeout(LIMIT, to_end(&mut client)).await.unwrap(), "");
        assert!(TcpStream::connect(running.address).await.is_err());
    }

    #[tokio::test]
    async fn a_taken_address_is_said() {
        let running = start(config());
        let taken = Config { listen: running.address, ..config() };
        let error = Server::bind(taken, publisher().feed()).unwrap_err();
        assert!(error.to_string().contains(&running.address.to_string()), "{error}");
        let empty = Config { password: Some(Secret::new("")), ..config() };
        assert!(matches!(Server::bind(empty, publisher().feed()), Err(ServerError::EmptyPassword)));
    }

    #[tokio::test]
    async fn a_connection_that_dies_is_noticed_by_the_system() {
        let running = start(config());
        let server = TcpSocket::new_v4().unwrap();
        assert!(!server.keepalive().unwrap(), "the system does it for everybody already");
        let mut client = connect(&running).await;
        ask(&mut client, "PING", "+PONG\r\n").await;
        // The kernel tells of the other end's timer: `02` is keepalive.
        let port = client.local_addr().unwrap().port();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let far = format!(":{port:04X} ");
        let timer = |line: &str| line.split_whitespace().nth(5).map(|timer| timer[..2].to_owned());
        let ours = table.lines().filter(|line| {
            line.split_whitespace()
                .nth(2)
                .is_some_and(|remote| format!("{remote} ").ends_with(&far))
        });
        let timers: Vec<_> = ours.filter_map(timer).collect();
        assert_eq!(timers, ["02"], "{table}");
    }
}
