//! `/metrics`, `/livez` and `/readyz`.
//!
//! Alive = this answers at all: there is one thread, so a loop that hangs is silent here. Ready = every
//! watch has its first list; waiting for a CRD is not ready, never dead.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tracing::debug;

use super::cache::Cache;
use super::error::OperatorError;
use super::metrics::Metrics;

/// The most connections at a time; more wait to be taken.
const MAX_CONNECTIONS: usize = 32;
/// How long one connection may last.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a request's head may take.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers probes and Prometheus.
pub struct Health {
    listener: TcpListener,
    cache: Rc<Cache>,
    metrics: Metrics,
}

impl Health {
    /// Listens.
    ///
    /// # Errors
    ///
    /// [`OperatorError::Listen`].
    pub async fn bind(
        address: SocketAddr,
        cache: Rc<Cache>,
        metrics: Metrics,
    ) -> Result<Self, OperatorError> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| OperatorError::Listen { address, source })?;
        Ok(Self { listener, cache, metrics })
    }

    /// Answers, for ever.
    pub async fn serve(&self) {
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => {
                    match accepted {
                        Ok((stream, _)) => connections.push(self.answer(stream)),
                        // Out of descriptors, or gone already: the next may do.
                        Err(error) => {
                            debug!(%error, "a connection could not be taken");
                            tokio::time::sleep(Duration::from_millis(100)).await;
                        }
                    }
                }
                Some(()) = connections.next() => {}
            }
        }
    }

    async fn answer(&self, stream: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| {
            let response = self.page(request.uri().path());
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        if let Ok(Err(error)) = timeout(CONNECTION_TIMEOUT, connection).await {
            debug!(%error, "a connection ended early");
        }
    }

    fn page(&self, path: &str) -> Response<Full<Bytes>> {
        let (status, text) = match path {
            "/metrics" => (StatusCode::OK, self.metrics.text()),
            "/livez" => (StatusCode::OK, "ok\n".to_owned()),
            "/readyz" if self.cache.is_ready() => (StatusCode::OK, "ok\n".to_owned()),
            "/readyz" => {
                let text = "the first lists are not complete\n".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, text)
            }
            _ => (StatusCode::NOT_FOUND, "there are /metrics, /livez and /readyz\n".to_owned()),
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response
    }
}
