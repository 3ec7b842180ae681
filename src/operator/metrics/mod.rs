//! What Prometheus reads.

mod elections;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::error::{RequestError, Retry};
use super::facts::ClusterKey;

pub use elections::ElectionMetrics;

/// Bounds of durations, in seconds.
const SECONDS: [f64; 9] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0];

/// Why and how often.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    verb: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerbLabels {
    verb: &'static str,
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
    request_seconds: Family<VerbLabels, Histogram, fn() -> Histogram>,
    reconciles: Family<OutcomeLabels, Counter>,
    seconds: Histogram,
    leading: Gauge,
    ready: Family<ClusterLabels, Gauge>,
    wanted: Family<ClusterLabels, Gauge>,
    /// What elections show.
    pub elections: ElectionMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("gungnir");
        let requests = Family::default();
        registry.register("api_requests", "Requests to the API server", requests.clone());
        let constructor: fn() -> Histogram = || Histogram::new(SECONDS);
        let request_seconds = Family::new_with_constructor(constructor);
        let text = "How long the API server took to answer, by verb";
        registry.register_with_unit("api_request", text, Unit::Seconds, request_seconds.clone());
        let reconciles = Family::default();
        registry.register("reconciles", "Clusters looked at", reconciles.clone());
        let seconds = Histogram::new(SECONDS);
        let text = "How long a look at a cluster took";
        registry.register_with_unit("reconcile", text, Unit::Seconds, seconds.clone());
        let leading = Gauge::default();
        registry.register("leading", "1 while this process may act", leading.clone());
        let ready = Family::default();
        registry.register("cluster_ready_replicas", "Pods that are ready", ready.clone());
        let wanted = Family::default();
        registry.register("cluster_replicas", "Pods that are asked for", wanted.clone());
        let elections = ElectionMetrics::new(&mut registry);
        Self {
            registry: Arc::new(registry),
            requests,
            request_seconds,
            reconciles,
            seconds,
            leading,
            ready,
            wanted,
            elections,
        }
    }
}

impl Metrics {
    /// The text that Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // A `String` takes everything.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// Counts a request.
    pub fn request(&self, verb: &'static str, took: Duration, error: Option<&RequestError>) {
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
        self.request_seconds.get_or_create(&VerbLabels { verb }).observe(took.as_secs_f64());
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

#[cfg(test)]
mod tests {
    use super::super::election::{ElectionView, NodeView, Timeline};
    use super::*;

    fn key(name: &str) -> ClusterKey {
        ClusterKey { namespace: "ns".to_owned(), name: name.to_owned() }
    }

    fn view() -> ElectionView {
        let node = |pod: &str, down: bool| NodeView {
            pod: pod.to_owned(),
            down,
            heard: None,
            behind_bytes: (!down).then_some(28),
        };
        ElectionView {
            master: Some("shop-1".to_owned()),
            epoch: 7,
            nodes: vec![node("shop-0", true), node("shop-1", false)],
            ..ElectionView::default()
        }
    }

    #[test]
    fn a_cluster_shows_its_master_who_is_down_and_who_lags() {
        let metrics = Metrics::default();
        metrics.elections.show([(key("shop"), view())]);
        let text = metrics.text();
        for line in [
            r#"gungnir_cluster_master{namespace="ns",cluster="shop",pod="shop-1"} 1"#,
            r#"gungnir_node_sdown{namespace="ns",cluster="shop",pod="shop-0"} 1"#,
            r#"gungnir_node_sdown{namespace="ns",cluster="shop",pod="shop-1"} 0"#,
            r#"gungnir_node_behind_bytes{namespace="ns",cluster="shop",pod="shop-1"} 28"#,
            r#"gungnir_cluster_epoch{namespace="ns",cluster="shop"} 7"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        metrics.elections.show([]);
        assert!(!metrics.text().contains("shop"), "a cluster that is gone is not shown");
    }

    #[test]
    fn the_parts_of_a_failover_and_requests_are_histograms() {
        let metrics = Metrics::default();
        metrics.elections.changed(&Timeline {
            epoch: 2,
            planned: false,
            detect_ms: 5200,
            promote_ms: 25,
            point_ms: 8,
        });
        metrics.request("patch", Duration::from_millis(4), None);
        let text = metrics.text();
        for line in [
            r#"gungnir_failover_part_seconds_sum{kind="failover",part="detect"} 5.2"#,
            r#"gungnir_failover_part_seconds_count{kind="failover",part="point"} 1"#,
            r#"gungnir_failover_part_seconds_bucket{le="0.03",kind="failover",part="promote"} 1"#,
            r#"gungnir_api_request_seconds_count{verb="patch"} 1"#,
            r#"gungnir_api_requests_total{verb="patch",outcome="ok"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
