//! The exporter, its monitors and its alerts.

use k8s_openapi::api::core::v1::ResourceRequirements;
use serde::Serialize;

use crate::cluster::Exporter;
use crate::cluster::KeyRef;
use crate::cluster::LABEL_CLUSTER;
use crate::cluster::Scrape;
use crate::cluster::ValidatedCluster;

use super::super::alerts::{Alert, alerts};
use super::block::Block;
use super::label::{Labels, with, with_one};
use super::secret::SecretVariable;

/// What the templates say of the exporter.
#[derive(Debug, Serialize)]
pub(super) struct ExporterContext<'a> {
    image: &'a str,
    port: u32,
    resources: Block<&'a ResourceRequirements>,
    address: String,
    listen_address: String,
    password: Option<SecretVariable<'a>>,
    service_monitor: Option<Monitor<'a>>,
    pod_monitor: Option<Monitor<'a>>,
    rule_labels: Option<Block<Labels<'a>>>,
    alerts: Vec<Alert>,
}

#[derive(Debug, Serialize)]
struct Monitor<'a> {
    interval: &'a str,
    labels: Block<Labels<'a>>,
}

/// Decides what the exporter says.
pub(super) fn exporter_context<'a>(
    exporter: &'a Exporter,
    cluster: &'a ValidatedCluster,
    labels: &Labels<'a>,
) -> ExporterContext<'a> {
    let Exporter { image, port, resources, service_monitor, pod_monitor, rule_labels } = exporter;
    let ValidatedCluster { names, namespace, replicas, transport, passwords, .. } = cluster;
    let labels = with_one(labels, LABEL_CLUSTER, &names.cluster);
    let scheme = if transport.is_some() { "rediss" } else { "redis" };
    let application = passwords.application.as_ref();
    let monitor = |scrape: &'a Scrape| Monitor {
        interval: &scrape.interval,
        labels: Block(with(&labels, &scrape.labels)),
    };
    ExporterContext {
        image,
        port: *port,
        resources: Block(resources),
        address: format!("{scheme}://localhost:{}", cluster.port),
        listen_address: format!(":{port}"),
        password: application.map(|KeyRef { secret, key }| SecretVariable {
            name: "REDIS_PASSWORD",
            secret,
            key,
        }),
        service_monitor: service_monitor.as_ref().map(monitor),
        pod_monitor: pod_monitor.as_ref().map(monitor),
        rule_labels: rule_labels.as_ref().map(|own| Block(with(&labels, own))),
        alerts: alerts(&names.cluster, namespace.as_deref(), *replicas),
    }
}
