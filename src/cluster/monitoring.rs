//! What monitoring reads: the resolved `spec.metrics`.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as KubernetesQuantity;

use crate::api::{Metrics, Monitor, Rules};

use super::duration::prometheus_duration_ms;
use super::fault::{Faults, number, spec};
use super::image::check_image;
use super::label::checked_labels;
use super::resource::check_resources;

/// The exporter's image when the spec names none.
pub const DEFAULT_EXPORTER_IMAGE: &str = "docker.io/oliver006/redis_exporter:v1.74.0";
/// The exporter's port when the spec names none.
pub const DEFAULT_EXPORTER_PORT: u32 = 9121;
/// How often to scrape when the spec says nothing.
pub const DEFAULT_SCRAPE_INTERVAL: &str = "30s";

/// The exporter and what scrapes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exporter {
    /// The exporter's image.
    pub image: String,
    /// The port it serves on.
    pub port: u32,
    /// Its requests and limits.
    pub resources: ResourceRequirements,
    /// The `ServiceMonitor`, if there is one.
    pub service_monitor: Option<Scrape>,
    /// The `PodMonitor`, if there is one.
    pub pod_monitor: Option<Scrape>,
    /// The labels of the `PrometheusRule`, if there is one.
    pub rule_labels: Option<BTreeMap<String, String>>,
}

/// How Prometheus scrapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrape {
    /// How often, as a Prometheus duration.
    pub interval: String,
    /// Labels by which Prometheus selects the monitor.
    pub labels: BTreeMap<String, String>,
}

impl Exporter {
    pub(super) fn resolve(
        metrics: Option<Metrics>,
        server_port: u32,
        faults: &mut Faults,
    ) -> Option<Self> {
        let Metrics {
            enabled,
            image,
            port,
            resources,
            service_monitor,
            pod_monitor,
            prometheus_rule,
        } = metrics.unwrap_or_default();
        let path = spec("metrics");
        let enabled = enabled.unwrap_or(false);

        let image = image.unwrap_or_else(|| DEFAULT_EXPORTER_IMAGE.to_owned());
        check_image(&image, &path.clone().key("image"), faults);
        let port_path = path.clone().key("port");
        let port = number(port, 1024..=65_535, DEFAULT_EXPORTER_PORT, &port_path, faults);
        if enabled && port == server_port {
            faults.add(port_path, format!("{port} is the servers' own port"));
        }
        let resources = resources.unwrap_or_else(default_resources);
        check_resources(&resources, &path.clone().key("resources"), faults);

        let service_monitor = scrape(service_monitor, "serviceMonitor", enabled, faults);
        let pod_monitor = scrape(pod_monitor, "podMonitor", enabled, faults);
        let Rules { enabled: rules, labels } = prometheus_rule.unwrap_or_default();
        let rule_path = path.key("prometheusRule");
        let labels = checked_labels(labels, &rule_path.clone().key("labels"), faults);
        let rules = rules.unwrap_or(false);
        if rules && !enabled {
            needs_exporter("prometheusRule", faults);
        }
        enabled.then(|| Self {
            image,
            port,
            resources,
            service_monitor,
            pod_monitor,
            rule_labels: rules.then_some(labels),
        })
    }
}

fn scrape(
    monitor: Option<Monitor>,
    field: &str,
    exported: bool,
    faults: &mut Faults,
) -> Option<Scrape> {
    let Monitor { enabled, interval, labels } = monitor.unwrap_or_default();
    let path = spec("metrics").key(field);
    let enabled = enabled.unwrap_or(false);
    if enabled && !exported {
        needs_exporter(field, faults);
    }
    let interval = interval.unwrap_or_else(|| DEFAULT_SCRAPE_INTERVAL.to_owned());
    if prometheus_duration_ms(&interval).is_none_or(|interval_ms| interval_ms == 0) {
        faults.add_with_help(
            path.clone().key("interval"),
            format!("`{interval}` is not an interval"),
            "write it as Prometheus does, like `30s` or `1m`",
        );
    }
    let labels = checked_labels(labels, &path.key("labels"), faults);
    enabled.then_some(Scrape { interval, labels })
}

fn needs_exporter(field: &str, faults: &mut Faults) {
    faults.add_with_help(
        spec("metrics").key(field).key("enabled"),
        "there is nothing to scrape without the exporter",
        "set metrics.enabled to true",
    );
}

/// Requests equal limits, so that the exporter takes no pod out of the class `Guaranteed`.
fn default_resources() -> ResourceRequirements {
    let amounts = BTreeMap::from([
        ("cpu".to_owned(), KubernetesQuantity("50m".to_owned())),
        ("memory".to_owned(), KubernetesQuantity("64Mi".to_owned())),
    ]);
    ResourceRequirements {
        limits: Some(amounts.clone()),
        requests: Some(amounts),
        ..ResourceRequirements::default()
    }
}
