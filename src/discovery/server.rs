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
            tracing::warn!(%peer, max_clients = shared.config.max_clients, "refused: no room");
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
