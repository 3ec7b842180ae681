//! What the templates may say: every decision about a manifest is made here.

use std::collections::BTreeMap;
use std::fmt::Write;

use k8s_openapi::api::core::v1::{ResourceRequirements, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cluster::ANNOTATION_RESTART_HASH;
use crate::cluster::CertificateRequest;
use crate::cluster::ClientService;
use crate::cluster::Exporter;
use crate::cluster::KeyRef;
use crate::cluster::LABEL_CLUSTER;
use crate::cluster::LABEL_POD_NAME;
use crate::cluster::LABEL_ROLE;
use crate::cluster::Names;
use crate::cluster::OPERATOR_LABEL;
use crate::cluster::Passwords;
use crate::cluster::PodSettings;
use crate::cluster::Roles;
use crate::cluster::ServerConfig;
use crate::cluster::ServiceAccount;
use crate::cluster::Storage;
use crate::cluster::Transport;
use crate::cluster::ValidatedCluster;
use crate::cluster::VolumeClaim;
use crate::cluster::users_text;

use super::alerts::{Alert, alerts};

/// The user and group of the official images.
const USER_ID: u32 = 999;

const START_SCRIPT: &str = include_str!("../../templates/scripts/start.sh");
const SCRIPTS: [(&str, &str); 5] = [
    ("alive.sh", include_str!("../../templates/scripts/alive.sh")),
    ("cli.sh", include_str!("../../templates/scripts/cli.sh")),
    ("prestop.sh", include_str!("../../templates/scripts/prestop.sh")),
    ("ready.sh", include_str!("../../templates/scripts/ready.sh")),
    ("start.sh", START_SCRIPT),
];

type Labels<'a> = BTreeMap<&'a str, &'a str>;

/// What the templates may say.
#[derive(Debug, Serialize)]
pub(super) struct Context<'a> {
    names: &'a Names,
    namespace: Option<&'a str>,
    labels: Labels<'a>,
    annotations: &'a BTreeMap<String, String>,
    selector: Labels<'a>,
    master_selector: Option<Value>,
    replica_selector: Labels<'a>,
    replicas: u32,
    port: u32,
    image: &'a str,
    image_pull_policy: Option<&'static str>,
    update_strategy: &'static str,
    master: Option<StaticMaster>,
    files: BTreeMap<&'static str, String>,
    resources: Option<&'a ResourceRequirements>,
    container_security_context: Value,
    secret_variables: Vec<SecretVariable<'a>>,
    volume: Option<Volume<'a>>,
    max_unavailable: Value,
    peers: Vec<Value>,
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
struct SecretVariable<'a> {
    name: &'static str,
    secret: &'a str,
    key: &'a str,
}

#[derive(Debug, Serialize)]
struct Volume<'a> {
    size: &'a str,
    class: Option<&'a str>,
    reclaim: &'static str,
}

#[derive(Debug, Serialize)]
struct Service<'a> {
    r#type: &'static str,
    annotations: BTreeMap<&'a str, &'a str>,
    node_port: Option<u32>,
    load_balancer_class: Option<&'a str>,
    load_balancer_source_ranges: &'a [String],
    external_traffic_policy: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Account<'a> {
    name: &'a str,
    annotations: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
struct Tls<'a> {
    secret: &'a str,
}

#[derive(Debug, Serialize)]
struct Certificate<'a> {
    issuer_name: &'a str,
    issuer_kind: &'a str,
    issuer_group: &'a str,
    duration: &'a str,
    renew_before: &'a str,
    dns_names: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ExporterContext<'a> {
    image: &'a str,
    port: u32,
    resources: &'a ResourceRequirements,
    address: String,
    listen_address: String,
    password: Option<SecretVariable<'a>>,
    service_monitor: Option<Monitor<'a>>,
    pod_monitor: Option<Monitor<'a>>,
    rule_labels: Option<Labels<'a>>,
    alerts: Vec<Alert>,
}

#[derive(Debug, Serialize)]
struct Monitor<'a> {
    interval: &'a str,
    labels: Labels<'a>,
}

#[derive(Debug, Serialize)]
struct Pod<'a> {
    labels: Labels<'a>,
    annotations: BTreeMap<&'a str, String>,
    service_account_name: Option<&'a str>,
    termination_grace_period_seconds: u32,
    priority_class_name: Option<&'a str>,
    image_pull_secrets: Value,
    security_context: Value,
    node_selector: &'a BTreeMap<String, String>,
    tolerations: Value,
    affinity: Value,
    topology_spread_constraints: Value,
    env: Value,
    extra_containers: Value,
    extra_volumes: Value,
    extra_volume_mounts: Value,
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
            // It has gone into `config`.
            quorum: _,
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
            annotations,
            master_selector: match roles {
                Roles::Elected => None,
                Roles::Static { master } => Some(json!({
                    LABEL_CLUSTER: names.cluster,
                    LABEL_POD_NAME: names.pod(*master),
                })),
            },
            replica_selector: match roles {
                Roles::Elected => with_one(&selector, LABEL_ROLE, "replica"),
                // Nobody writes roles: every server may be read.
                Roles::Static { .. } => selector.clone(),
            },
            replicas: *replicas,
            port: *port,
            image,
            image_pull_policy: pod.image_pull_policy.map(|policy| policy.as_str()),
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
            files: files(config, users),
            resources: resources.as_ref(),
            container_security_context: merged(container_security_context(), &pod.security_context),
            secret_variables: secret_variables(passwords),
            volume: volume.as_ref().map(|VolumeClaim { size, class, reclaim }| Volume {
                size,
                class: class.as_deref(),
                reclaim: reclaim.as_str(),
            }),
            max_unavailable: serde_json::to_value(max_unavailable)?,
            peers: all_peers(&selector, &serde_json::to_value(peers)?),
            service: client_service(service, annotations),
            service_account: service_account.as_ref().map(|account| Account {
                name: &account.name,
                annotations: both(annotations, account.annotations.as_ref()),
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
            labels: with_one(&labels, LABEL_CLUSTER, &names.cluster),
            selector,
        })
    }
}

/// Labels for display: other charts use the same ones.
fn display_labels(cluster: &str) -> Labels<'_> {
    Labels::from([
        ("app.kubernetes.io/component", "database"),
        ("app.kubernetes.io/instance", cluster),
        ("app.kubernetes.io/managed-by", "gungnir"),
        ("app.kubernetes.io/name", "valkey"),
        ("app.kubernetes.io/part-of", cluster),
    ])
}

fn labels_of_pods(cluster: &str) -> Labels<'_> {
    with_one(&display_labels(cluster), LABEL_CLUSTER, cluster)
}

fn with<'a>(labels: &Labels<'a>, more: &'a BTreeMap<String, String>) -> Labels<'a> {
    let more = more.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    labels.iter().map(|(key, value)| (*key, *value)).chain(more).collect()
}

fn with_one<'a>(labels: &Labels<'a>, key: &'a str, value: &'a str) -> Labels<'a> {
    let mut labels = labels.clone();
    labels.insert(key, value);
    labels
}

/// Annotations of every object, and over them those of one.
fn both<'a>(
    all: &'a BTreeMap<String, String>,
    own: Option<&'a BTreeMap<String, String>>,
) -> BTreeMap<&'a str, &'a str> {
    let pairs = all.iter().chain(own.into_iter().flatten());
    pairs.map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// What only a restart brings into force: without an operator nobody reloads, so that is all.
fn restart_hash(config: &ServerConfig, users: &str, roles: Roles) -> String {
    let config = match roles {
        Roles::Elected => config.restart_text(),
        Roles::Static { .. } => config.to_text(),
    };
    let digest = Sha256::new()
        .chain_update(config)
        .chain_update([0])
        .chain_update(users)
        .chain_update([0])
        .chain_update(START_SCRIPT)
        .finalize();
    digest.iter().take(16).fold(String::with_capacity(32), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn files(config: &ServerConfig, users: String) -> BTreeMap<&'static str, String> {
    let scripts = SCRIPTS.iter().map(|(name, text)| (*name, (*text).to_owned()));
    scripts.chain([("users.conf", users), ("valkey.conf", config.to_text())]).collect()
}

/// In the order in which the start script uses them.
fn secret_variables(passwords: &Passwords) -> Vec<SecretVariable<'_>> {
    let Passwords { application, operator, replication } = passwords;
    let variables = [
        // valkey-cli reads the first since Valkey 9, the second ever since: both, so that
        // `kubectl exec POD -- valkey-cli PING` works.
        ("VALKEYCLI_AUTH", application),
        ("REDISCLI_AUTH", application),
        ("OPERATOR_PASSWORD", operator),
        ("REPLICATION_PASSWORD", replication),
    ];
    let named = variables.into_iter().filter_map(|(name, key)| Some((name, key.as_ref()?)));
    named.map(|(name, KeyRef { secret, key })| SecretVariable { name, secret, key }).collect()
}

fn client_service<'a>(
    service: &'a ClientService,
    annotations: &'a BTreeMap<String, String>,
) -> Service<'a> {
    let ClientService {
        service_type,
        annotations: own,
        node_port,
        load_balancer_class,
        load_balancer_source_ranges,
        external_traffic_policy,
    } = service;
    Service {
        r#type: service_type.as_str(),
        annotations: both(annotations, Some(own)),
        node_port: *node_port,
        load_balancer_class: load_balancer_class.as_deref(),
        load_balancer_source_ranges,
        external_traffic_policy: external_traffic_policy.map(|policy| policy.as_str()),
    }
}

/// The cluster's own pods and the operator, wherever it runs, then whom the spec names.
fn all_peers(selector: &Labels<'_>, allowed: &Value) -> Vec<Value> {
    let (key, value) = OPERATOR_LABEL;
    let mut peers = vec![
        json!({ "podSelector": { "matchLabels": selector } }),
        json!({ "namespaceSelector": {}, "podSelector": { "matchLabels": { key: value } } }),
    ];
    peers.extend(allowed.as_array().into_iter().flatten().cloned());
    peers
}

/// Every name by which a client or a replica may reach a server.
fn certificate<'a>(
    request: &'a CertificateRequest,
    names: &Names,
    namespace: Option<&str>,
) -> Certificate<'a> {
    let CertificateRequest {
        issuer_name,
        issuer_kind,
        issuer_group,
        duration,
        renew_before,
        extra_dns_names,
    } = request;
    let hosts = [
        names.client.clone(),
        names.replicas.clone(),
        names.headless.clone(),
        format!("*.{}", names.headless),
    ];
    let mut dns_names = vec!["localhost".to_owned()];
    for host in hosts {
        if let Some(namespace) = namespace {
            dns_names.push(format!("{host}.{namespace}"));
            dns_names.push(format!("{host}.{namespace}.svc"));
            dns_names.push(format!("{host}.{namespace}.svc.cluster.local"));
        }
        dns_names.push(host);
    }
    dns_names.extend(extra_dns_names.iter().cloned());
    Certificate { issuer_name, issuer_kind, issuer_group, duration, renew_before, dns_names }
}

fn exporter_context<'a>(
    exporter: &'a Exporter,
    cluster: &'a ValidatedCluster,
    labels: &Labels<'a>,
) -> ExporterContext<'a> {
    let Exporter { image, port, resources, service_monitor, pod_monitor, rule_labels } = exporter;
    let ValidatedCluster { names, namespace, replicas, transport, passwords, .. } = cluster;
    let labels = with_one(labels, LABEL_CLUSTER, &names.cluster);
    let scheme = if transport.is_some() { "rediss" } else { "redis" };
    let application = passwords.application.as_ref();
    let monitor = |scrape: &'a crate::cluster::Scrape| Monitor {
        interval: &scrape.interval,
        labels: with(&labels, &scrape.labels),
    };
    ExporterContext {
        image,
        port: *port,
        resources,
        address: format!("{scheme}://localhost:{}", cluster.port),
        listen_address: format!(":{port}"),
        password: application.map(|KeyRef { secret, key }| SecretVariable {
            name: "REDIS_PASSWORD",
            secret,
            key,
        }),
        service_monitor: service_monitor.as_ref().map(monitor),
        pod_monitor: pod_monitor.as_ref().map(monitor),
        rule_labels: rule_labels.as_ref().map(|own| with(&labels, own)),
        alerts: alerts(&names.cluster, namespace.as_deref(), *replicas),
    }
}

fn pod_context<'a>(
    pod: &'a PodSettings,
    labels: &Labels<'a>,
    selector: &Labels<'a>,
    restart_hash: String,
    account: Option<&'a ServiceAccount>,
) -> Result<Pod<'a>, serde_json::Error> {
    let PodSettings {
        image_pull_policy: _,
        image_pull_secrets,
        labels: own_labels,
        annotations,
        node_selector,
        tolerations,
        affinity,
        topology_spread_constraints,
        priority_class_name,
        env,
        extra_containers,
        extra_volumes,
        extra_volume_mounts,
        termination_grace_period_seconds,
        pod_security_context: pod_security,
        security_context: _,
    } = pod;
    let own_annotations = annotations.iter().map(|(key, value)| (key.as_str(), value.clone()));
    Ok(Pod {
        labels: with(labels, own_labels),
        annotations: own_annotations.chain([(ANNOTATION_RESTART_HASH, restart_hash)]).collect(),
        service_account_name: account.map(|account| account.name.as_str()),
        termination_grace_period_seconds: *termination_grace_period_seconds,
        priority_class_name: priority_class_name.as_deref(),
        image_pull_secrets: serde_json::to_value(image_pull_secrets)?,
        security_context: merged(pod_security_context(), pod_security),
        node_selector,
        tolerations: serde_json::to_value(tolerations)?,
        affinity: match affinity {
            Some(affinity) => serde_json::to_value(affinity)?,
            None => default_affinity(selector),
        },
        topology_spread_constraints: spread(topology_spread_constraints, selector)?,
        env: serde_json::to_value(env)?,
        extra_containers: serde_json::to_value(extra_containers)?,
        extra_volumes: serde_json::to_value(extra_volumes)?,
        extra_volume_mounts: serde_json::to_value(extra_volume_mounts)?,
    })
}

/// The Pod Security Standard `restricted`, as the official images' user.
fn pod_security_context() -> Value {
    json!({
        "runAsNonRoot": true,
        "runAsUser": USER_ID,
        "runAsGroup": USER_ID,
        "fsGroup": USER_ID,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": { "type": "RuntimeDefault" },
    })
}

fn container_security_context() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "readOnlyRootFilesystem": true,
    })
}

/// Keys over others; `null` removes one (`OpenShift` chooses the user itself).
fn merged(mut context: Value, over: &BTreeMap<String, Value>) -> Value {
    if let Some(keys) = context.as_object_mut() {
        for (key, value) in over {
            if value.is_null() {
                keys.shift_remove(key);
            } else {
                keys.insert(key.clone(), value.clone());
            }
        }
    }
    context
}

/// Spread over nodes, then zones, where possible.
fn default_affinity(selector: &Labels<'_>) -> Value {
    let apart = |weight: u32, topology_key: &str| {
        json!({
            "weight": weight,
            "podAffinityTerm": {
                "labelSelector": { "matchLabels": selector },
                "topologyKey": topology_key,
            },
        })
    };
    json!({
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                apart(100, "kubernetes.io/hostname"),
                apart(50, "topology.kubernetes.io/zone"),
            ],
        },
    })
}

/// A constraint without a selector means this cluster's pods.
fn spread(
    constraints: &[TopologySpreadConstraint],
    selector: &Labels<'_>,
) -> Result<Value, serde_json::Error> {
    let labels = selector.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let own = LabelSelector { match_labels: Some(labels.collect()), ..LabelSelector::default() };
    let filled = constraints.iter().cloned().map(|mut constraint| {
        constraint.label_selector.get_or_insert_with(|| own.clone());
        constraint
    });
    serde_json::to_value(filled.collect::<Vec<_>>())
}
