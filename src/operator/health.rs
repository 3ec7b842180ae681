//! `/metrics`, `/livez`, `/readyz`, and `/explain/NAMESPACE/NAME` for `gungnir explain`.
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
use super::elections::Elections;
use super::error::OperatorError;
use super::facts::ClusterKey;
use super::metrics::Metrics;

/// The most connections at a time; more wait to be taken.
const MAX_CONNECTIONS: usize = 32;
/// How long one connection may last.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a request's head may take.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// What is said to who asks for something else.
const PAGES: &str = "there are /metrics, /livez, /readyz and /explain/NAMESPACE/NAME\n";

/// Answers probes and Prometheus, and who asks why.
pub struct Health {
    listener: TcpListener,
    cache: Rc<Cache>,
    metrics: Metrics,
    elections: Rc<dyn Elections>,
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
        elections: Rc<dyn Elections>,
    ) -> Result<Self, OperatorError> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| OperatorError::Listen { address, source })?;
        Ok(Self { listener, cache, metrics, elections })
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

    /// What is seen of a cluster, as JSON. It holds no secret: addresses, offsets, reasons.
    fn explain(&self, namespace: &str, name: &str) -> (StatusCode, String) {
        let key = ClusterKey { namespace: namespace.to_owned(), name: name.to_owned() };
        let explanation = self.elections.explain(&key);
        match explanation.map(|explanation| serde_json::to_string(&explanation)) {
            Some(Ok(text)) => (StatusCode::OK, text + "\n"),
            Some(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
            None => (StatusCode::NOT_FOUND, format!("{key} is not watched here\n")),
        }
    }

    fn metrics_now(&self) -> String {
        let clusters = self.cache.clusters().into_iter();
        let views = clusters.filter_map(|key| self.elections.view(&key).map(|view| (key, view)));
        self.metrics.elections.show(views);
        self.metrics.text()
    }

    fn page(&self, path: &str) -> Response<Full<Bytes>> {
        let (status, text) = match path {
            "/metrics" => (StatusCode::OK, self.metrics_now()),
            "/livez" => (StatusCode::OK, "ok\n".to_owned()),
            "/readyz" if self.cache.is_ready() => (StatusCode::OK, "ok\n".to_owned()),
            "/readyz" => {
                let text = "the first lists are not complete\n".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, text)
            }
            _ => match path.strip_prefix("/explain/").and_then(|rest| rest.split_once('/')) {
                Some((namespace, name)) => self.explain(namespace, name),
                None => (StatusCode::NOT_FOUND, PAGES.to_owned()),
            },
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response
    }
}
