//! What elections show: who is master, who is down, who lags, and how long changes of master took.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::super::election::{ElectionView, Timeline};
use super::super::facts::ClusterKey;
use super::ClusterLabels;

/// Bounds of the parts of a change of master, in seconds: a planned one takes milliseconds, one
/// after a silence `downAfterMs`.
const PART_SECONDS: [f64; 11] = [0.002, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 6.0, 10.0, 30.0, 100.0];

/// A pod of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PodLabels {
    namespace: String,
    cluster: String,
    pod: String,
}

/// A part of a change of master.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartLabels {
    /// `failover` or `switchover`.
    kind: &'static str,
    /// `detect`, `promote` or `point`.
    part: &'static str,
}

/// The metrics of elections. Clones count into the same.
#[derive(Clone)]
pub struct ElectionMetrics {
    master: Family<PodLabels, Gauge>,
    sdown: Family<PodLabels, Gauge>,
    behind_bytes: Family<PodLabels, Gauge>,
    epoch: Family<ClusterLabels, Gauge>,
    parts: Family<PartLabels, Histogram, fn() -> Histogram>,
}

impl ElectionMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let made = Self {
            master: Family::default(),
            sdown: Family::default(),
            behind_bytes: Family::default(),
            epoch: Family::default(),
            parts: Family::new_with_constructor(|| Histogram::new(PART_SECONDS)),
        };
        let Self { master, sdown, behind_bytes, epoch, parts } = &made;
        registry.register("cluster_master", "1 for the recorded master", master.clone());
        registry.register("node_sdown", "1 while a node is down to the sentinel", sdown.clone());
        let text = "How far a node is behind the master on its history";
        registry.register_with_unit("node_behind", text, Unit::Bytes, behind_bytes.clone());
        let text = "Which change of master this is";
        registry.register("cluster_epoch", text, epoch.clone());
        let text = "How long a part of a change of master took: until the intent is recorded \
                    (detect), a master is recorded (promote), the Service points at it (point)";
        registry.register_with_unit("failover_part", text, Unit::Seconds, parts.clone());
        made
    }

    /// Counts a change of master.
    pub fn changed(&self, timeline: &Timeline) {
        let Timeline { epoch: _, planned, detect_ms, promote_ms, point_ms } = *timeline;
        let kind = if planned { "switchover" } else { "failover" };
        for (part, ms) in [("detect", detect_ms), ("promote", promote_ms), ("point", point_ms)] {
            let seconds = Duration::from_millis(ms).as_secs_f64();
            self.parts.get_or_create(&PartLabels { kind, part }).observe(seconds);
        }
    }

    /// Shows clusters as they are now, and no others.
    pub fn show(&self, clusters: impl IntoIterator<Item = (ClusterKey, ElectionView)>) {
        self.master.clear();
        self.sdown.clear();
        self.behind_bytes.clear();
        self.epoch.clear();
        for (key, view) in clusters {
            let labels = |pod: &str| PodLabels {
                namespace: key.namespace.clone(),
                cluster: key.name.clone(),
                pod: pod.to_owned(),
            };
            if let Some(master) = &view.master {
                self.master.get_or_create(&labels(master)).set(1);
            }
            self.epoch.get_or_create(&ClusterLabels::from(&key)).set(signed(view.epoch));
            for node in &view.nodes {
                let labels = labels(&node.pod);
                self.sdown.get_or_create(&labels).set(i64::from(node.down));
                if let Some(bytes) = node.behind_bytes {
                    self.behind_bytes.get_or_create(&labels).set(signed(bytes));
                }
            }
        }
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
