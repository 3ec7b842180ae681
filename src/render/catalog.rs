//! Every manifest that Gungnir knows: one row each.
//!
//! Rendering, the watches, the prune list and the check of the operator's rights read the same
//! rows. A new manifest is a template, a name, and a row here.

use crate::cluster::Names;
use crate::cluster::Roles;
use crate::cluster::ValidatedCluster;
use crate::manifest::ObjectKey;

/// One manifest.
pub struct CatalogRow {
    /// The template's file name.
    pub template: &'static str,
    /// The template's text.
    pub source: &'static str,
    /// `apiVersion` of the object.
    pub api_version: &'static str,
    /// `kind` of the object.
    pub kind: &'static str,
    /// The object's name.
    pub name: fn(&ValidatedCluster) -> &str,
    /// Whether the cluster has it.
    pub when: fn(&ValidatedCluster) -> bool,
}

impl CatalogRow {
    /// What the object of a cluster is called in the API.
    #[must_use]
    pub fn key(&self, cluster: &ValidatedCluster) -> ObjectKey {
        let namespace = cluster.namespace.as_deref();
        ObjectKey::new(self.api_version, self.kind, namespace, (self.name)(cluster))
    }
}

macro_rules! row {
    ($template:literal, $api_version:literal, $kind:literal, $name:expr, $when:expr) => {
        CatalogRow {
            template: concat!($template, ".yaml.j2"),
            source: include_str!(concat!("../../templates/", $template, ".yaml.j2")),
            api_version: $api_version,
            kind: $kind,
            name: $name,
            when: $when,
        }
    };
}

/// Every manifest, what others need first.
#[rustfmt::skip]
pub const CATALOG: &[CatalogRow] = &[
    row!("network-policy", "networking.k8s.io/v1", "NetworkPolicy", cluster_name, |c| c.allowed_peers.is_some()),
    row!("pdb", "policy/v1", "PodDisruptionBudget", |c| &c.names.pdb, |c| c.max_unavailable.is_some()),
    row!("service-account", "v1", "ServiceAccount", account_name, |c| c.service_account.as_ref().is_some_and(|account| account.annotations.is_some())),
    row!("secret", "v1", "Secret", |c| &c.names.secret, |c| c.roles == Roles::Elected),
    row!("config", "v1", "ConfigMap", |c| &c.names.config, always),
    row!("certificate", "cert-manager.io/v1", "Certificate", |c| &c.names.tls, |c| c.transport.as_ref().is_some_and(|tls| tls.certificate.is_some())),
    row!("service-client", "v1", "Service", |c| &c.names.client, always),
    row!("service-headless", "v1", "Service", |c| &c.names.headless, always),
    row!("service-replicas", "v1", "Service", |c| &c.names.replicas, always),
    row!("service-monitor", "monitoring.coreos.com/v1", "ServiceMonitor", cluster_name, |c| c.exporter.as_ref().is_some_and(|exporter| exporter.service_monitor.is_some())),
    row!("pod-monitor", "monitoring.coreos.com/v1", "PodMonitor", cluster_name, |c| c.exporter.as_ref().is_some_and(|exporter| exporter.pod_monitor.is_some())),
    row!("prometheus-rule", "monitoring.coreos.com/v1", "PrometheusRule", cluster_name, |c| c.exporter.as_ref().is_some_and(|exporter| exporter.rule_labels.is_some())),
    row!("statefulset", "apps/v1", "StatefulSet", cluster_name, always),
];

fn always(_: &ValidatedCluster) -> bool {
    true
}

fn cluster_name(cluster: &ValidatedCluster) -> &str {
    let Names { cluster: name, .. } = &cluster.names;
    name
}

fn account_name(cluster: &ValidatedCluster) -> &str {
    cluster.service_account.as_ref().map_or("", |account| &account.name)
}
