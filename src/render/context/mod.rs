//! What the templates may say: every decision about a manifest is made here.

mod block;
mod exporter;
mod file;
mod label;
mod network;
mod pod;
mod secret;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cluster::LABEL_CLUSTER;
use crate::cluster::LABEL_POD_NAME;
use crate::cluster::LABEL_ROLE;
use crate::cluster::Names;
use crate::cluster::Roles;
use crate::cluster::Storage;
use crate::cluster::Transport;
use crate::cluster::ValidatedCluster;
use crate::cluster::VolumeClaim;
use crate::cluster::users_text;

use block::Block;
use exporter::{ExporterContext, exporter_context};
use file::{files, restart_hash, scripts};
use label::{Labels, both, display_labels, labels_of_pods, with, with_one};
use network::{Certificate, Service, all_peers, certificate, client_service};
use pod::{Pod, container_security_context, merged, pod_context};
use secret::{SecretVariable, secret_variables};

/// What the templates may say.
#[derive(Debug, Serialize)]
pub(super) struct Context<'a> {
    names: &'a Names,
    namespace: Option<&'a str>,
    labels: Block<Labels<'a>>,
    annotations: Block<&'a BTreeMap<String, String>>,
    selector: Block<Labels<'a>>,
    master_selector: Block<Option<Value>>,
    replica_selector: Block<Labels<'a>>,
    replicas: u32,
    port: u32,
    image: &'a str,
    image_pull_policy: Option<&'static str>,
    update_strategy: &'static str,
    master: Option<StaticMaster>,
    scripts: minijinja::Value,
    files: Block<BTreeMap<&'static str, String>>,
    resources: Block<Option<&'a ResourceRequirements>>,
    container_security: Block<Value>,
    secret_variables: Vec<SecretVariable<'a>>,
    volume: Option<Volume<'a>>,
    max_unavailable: Value,
    peers: Block<Vec<Value>>,
    service: Service<'a>,
    service_account: Option<Account<'a>>,
    tls: Option<Tls<'a>>,
    certificate: Option<Certificate<'a>>,
    exporter: Option<ExporterContext<'a>>,
    pod: Pod<'a>,
}

#[derive(Debug, Serialize)]
struct StaticMaster {
    pod: String,
    host: String,
}

#[derive(Debug, Serialize)]
struct Volume<'a> {
    size: &'a str,
    class: Option<&'a str>,
    reclaim: &'static str,
}

#[derive(Debug, Serialize)]
struct Account<'a> {
    name: &'a str,
    annotations: Block<BTreeMap<&'a str, &'a str>>,
}

#[derive(Debug, Serialize)]
struct Tls<'a> {
    secret: &'a str,
}

impl<'a> Context<'a> {
    /// Decides everything that a template of this cluster says.
    ///
    /// # Errors
    ///
    /// When a structure of the spec cannot be written as JSON, which serde never does to these.
    pub(super) fn of(cluster: &'a ValidatedCluster) -> Result<Self, serde_json::Error> {
        let ValidatedCluster {
            names,
            namespace,
            replicas,
            roles,
            // Who applies, and when to fail over, stands in no manifest: the operator reads it.
            management: _,
            failover: _,
            // They have gone into `config` and `storage`.
            quorum: _,
            fixed: _,
            image,
            port,
            storage: Storage { volume, mode: _ },
            resources,
            config,
            passwords,
            transport,
            service,
            max_unavailable,
            allowed_peers,
            exporter,
            service_account,
            labels: own_labels,
            annotations,
            pod,
        } = cluster;
        let namespace = namespace.as_deref();
        let selector = Labels::from([(LABEL_CLUSTER, names.cluster.as_str())]);
        let labels = with(&display_labels(&names.cluster), own_labels);
        let users = users_text(*roles);
        let restart_hash = restart_hash(config, &users, *roles);
        let peers = allowed_peers.as_deref().unwrap_or_default();

        Ok(Self {
            names,
            namespace,
            annotations: Block(annotations),
            master_selector: Block(match roles {
                Roles::Elected => None,
                Roles::Static { master } => Some(json!({
                    LABEL_CLUSTER: names.cluster,
                    LABEL_POD_NAME: names.pod(*master),
                })),
            }),
            replica_selector: Block(match roles {
                Roles::Elected => with_one(&selector, LABEL_ROLE, "replica"),
                // Nobody writes roles: every server may be read.
                Roles::Static { .. } => selector.clone(),
            }),
            replicas: *replicas,
            port: *port,
            image,
            image_pull_policy: pod.image_pull_policy,
            update_strategy: match roles {
                Roles::Elected => "OnDelete",
                Roles::Static { .. } => "RollingUpdate",
            },
            master: match roles {
                Roles::Elected => None,
                Roles::Static { master } => Some(StaticMaster {
                    pod: names.pod(*master),
                    host: format!("{}.{}", names.pod(*master), names.headless),
                }),
            },
            scripts: scripts(),
            files: Block(files(config, users)),
            resources: Block(resources.as_ref()),
            container_security: Block(merged(container_security_context(), &pod.security_context)),
            secret_variables: secret_variables(passwords),
            volume: volume.as_ref().map(|VolumeClaim { size, class, reclaim }| Volume {
                size,
                class: class.as_deref(),
                reclaim: reclaim.as_str(),
            }),
            max_unavailable: serde_json::to_value(max_unavailable)?,
            peers: Block(all_peers(&selector, &serde_json::to_value(peers)?)),
            service: client_service(service, annotations),
            service_account: service_account.as_ref().map(|account| Account {
                name: &account.name,
                annotations: Block(both(annotations, account.annotations.as_ref())),
            }),
            tls: transport.as_ref().map(|Transport { secret, .. }| Tls { secret }),
            certificate: transport
                .as_ref()
                .and_then(|transport| transport.certificate.as_ref())
                .map(|request| certificate(request, names, namespace)),
            exporter: exporter
                .as_ref()
                .map(|exporter| exporter_context(exporter, cluster, &labels)),
            pod: pod_context(
                pod,
                &labels_of_pods(&names.cluster),
                &selector,
                restart_hash,
                service_account.as_ref(),
            )?,
            labels: Block(with_one(&labels, LABEL_CLUSTER, &names.cluster)),
            selector: Block(selector),
        })
    }
}
