//! What Prometheus reads.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::error::{RequestError, Retry};
use super::facts::ClusterKey;

/// Bounds of durations, in seconds.
const SECONDS: [f64; 9] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0];

/// Why and how often.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    verb: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// Which cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ClusterLabels {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub cluster: String,
}

impl From<&ClusterKey> for ClusterLabels {
    fn from(key: &ClusterKey) -> Self {
        Self { namespace: key.namespace.clone(), cluster: key.name.clone() }
    }
}

/// The operator's metrics. Clones count into the same.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    reconciles: Family<OutcomeLabels, Counter>,
    seconds: Histogram,
    leading: Gauge,
    ready: Family<ClusterLabels, Gauge>,
    wanted: Family<ClusterLabels, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl Metrics {
    /// The operator's metrics, and what others add to them.
    #[must_use]
    pub fn new(more: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::with_prefix("gungnir");
        let requests = Family::default();
        registry.register("api_requests", "Requests to the API server", requests.clone());
        let reconciles = Family::default();
        registry.register("reconciles", "Clusters looked at", reconciles.clone());
        let seconds = Histogram::new(SECONDS);
        registry.register("reconcile_seconds", "How long it took", seconds.clone());
        let leading = Gauge::default();
        registry.register("leading", "1 while this process may act", leading.clone());
        let ready = Family::default();
        registry.register("cluster_ready_replicas", "Pods that are ready", ready.clone());
        let wanted = Family::default();
        registry.register("cluster_replicas", "Pods that are asked for", wanted.clone());
        more(&mut registry);
        Self { registry: Arc::new(registry), requests, reconciles, seconds, leading, ready, wanted }
    }

    /// The text that Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // A `String` takes everything.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// Counts a request.
    pub fn request(&self, verb: &'static str, error: Option<&RequestError>) {
        let outcome = match error {
            None => "ok",
            Some(RequestError::TimedOut { .. }) => "timeout",
            Some(error) => match error.status().map_or(0, |status| status.code) {
                404 => "not-found",
                409 => "conflict",
                422 => "invalid",
                429 => "throttled",
                _ => "error",
            },
        };
        self.requests.get_or_create(&RequestLabels { verb, outcome }).inc();
    }

    /// Counts a reconcile.
    pub fn reconcile(&self, took: Duration, error: Option<Retry>) {
        let outcome = match error {
            None => "ok",
            Some(Retry::OnChange) => "waits",
            Some(Retry::Now | Retry::Backoff | Retry::After(_)) => "again",
        };
        self.reconciles.get_or_create(&OutcomeLabels { outcome }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Shows whether this process may act.
    pub fn leading(&self, leading: bool) {
        self.leading.set(i64::from(leading));
    }

    /// Shows the pods of a cluster.
    pub fn pods(&self, key: &ClusterKey, ready: i32, wanted: u32) {
        let labels = ClusterLabels::from(key);
        self.ready.get_or_create(&labels).set(i64::from(ready));
        self.wanted.get_or_create(&labels).set(i64::from(wanted));
    }

    /// Forgets a cluster.
    pub fn forget(&self, key: &ClusterKey) {
        let labels = ClusterLabels::from(key);
        self.ready.remove(&labels);
        self.wanted.remove(&labels);
    }
}
