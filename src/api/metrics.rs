//! What monitoring reads.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The metrics exporter beside each server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// Whether each pod has an exporter. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// The exporter's image. Default: `docker.io/oliver006/redis_exporter`, pinned by Gungnir.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,

    /// The port it serves on. Default: 9121.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024, max = 65_535))]
    pub port: Option<i32>,

    /// The exporter's requests and limits. Default: 50m CPU and 64Mi memory, both requested and
    /// limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,

    /// A `ServiceMonitor` of the Prometheus operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_monitor: Option<Monitor>,

    /// A `PodMonitor` of the Prometheus operator, for those who scrape pods rather than Services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_monitor: Option<Monitor>,

    /// A `PrometheusRule` with alerts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus_rule: Option<Rules>,
}

/// A `ServiceMonitor` or `PodMonitor`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Monitor {
    /// Whether it is made. Needs `metrics.enabled`. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// How often to scrape, as a Prometheus duration. Default: 30s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub interval: Option<String>,

    /// Labels by which Prometheus selects it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
}

/// A `PrometheusRule`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// Whether it is made. Needs `metrics.enabled`. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// Labels by which Prometheus selects it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
}
