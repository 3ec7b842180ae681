//! From what people wrote to what is known to be sound.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::api::{ImagePullPolicy, Management, ValkeyCluster, ValkeyClusterSpec};

use super::access::{Passwords, Transport};
use super::fault::{Fault, Faults, number, spec};
use super::field_path::FieldPath;
use super::image::{DEFAULT_IMAGE, check_image};
use super::label::{checked_annotations, checked_labels, checked_selector};
use super::monitoring::Exporter;
use super::name::{MAX_CLUSTER_NAME, Names, is_dns_label, service_name_fault};
use super::network::{ClientService, allowed_peers, max_unavailable};
use super::pod::{PodSettings, ServiceAccount, context_keys};
use super::replication::{FailoverRules, WriteQuorum};
use super::resource::{
    DEFAULT_MAX_MEMORY_PERCENT, MIN_MAX_MEMORY_BYTES, check_resources, max_memory_bytes,
    memory_limit_bytes,
};
use super::roles::Roles;
use super::server_config::{Parts, ServerConfig};
use super::storage::Storage;
use super::transition::Fixed;

/// How many pods a cluster has when the spec says nothing.
pub const DEFAULT_REPLICAS: u32 = 3;
/// The most pods that a cluster may have.
pub const MAX_REPLICAS: u32 = 9;
/// The port when the spec names none.
pub const DEFAULT_PORT: u32 = 6379;
/// How long a pod may take to stop when the spec says nothing, in seconds.
pub const DEFAULT_GRACE_PERIOD_SECONDS: u32 = 60;

/// A cluster with every default filled in, every name made and every rule kept.
///
/// The only input of rendering.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedCluster {
    /// What its children are called.
    pub names: Names,
    /// Its namespace; `None` is whatever the applying tool says.
    pub namespace: Option<String>,
    /// The number of pods, the master included.
    pub replicas: u32,
    /// Who says which pod is master.
    pub roles: Roles,
    /// Who applies the manifests.
    pub management: Management,
    /// The Valkey image.
    pub image: String,
    /// The port of the servers and Services.
    pub port: u32,
    /// What survives a restart.
    pub storage: Storage,
    /// What the API server lets nobody change as they like.
    pub fixed: Fixed,
    /// Requests and limits of the Valkey container.
    pub resources: Option<ResourceRequirements>,
    /// `valkey.conf`.
    pub config: ServerConfig,
    /// Where each password comes from.
    pub passwords: Passwords,
    /// Encrypted transport, if wanted.
    pub transport: Option<Transport>,
    /// How many copies a write needs.
    pub quorum: WriteQuorum,
    /// When the master counts as gone.
    pub failover: FailoverRules,
    /// The read-write Service.
    pub service: ClientService,
    /// How many pods an eviction may take at once; `None` without a budget.
    pub max_unavailable: Option<IntOrString>,
    /// Who may reach the servers; `None` without a policy.
    pub allowed_peers: Option<Vec<NetworkPolicyPeer>>,
    /// The exporter, if wanted.
    pub exporter: Option<Exporter>,
    /// The `ServiceAccount`, if not the namespace's default.
    pub service_account: Option<ServiceAccount>,
    /// Labels of every object.
    pub labels: BTreeMap<String, String>,
    /// Annotations of every object.
    pub annotations: BTreeMap<String, String>,
    /// What people say about the pods themselves.
    pub pod: PodSettings,
}

/// Checks a cluster and fills in what it leaves open.
///
/// # Errors
///
/// Every fault there is, in the order of the checks.
#[expect(clippy::too_many_lines, reason = "one line a field: here the compiler stops a new one")]
pub fn validate(cluster: ValkeyCluster, roles: Roles) -> Result<ValidatedCluster, Vec<Fault>> {
    let mut faults = Faults::default();
    let ValkeyCluster { metadata, spec: wanted, status: _ } = cluster;
    let name = check_name(metadata.name, metadata.generate_name.is_some(), &mut faults);
    let namespace = metadata.namespace.filter(|namespace| !namespace.is_empty());
    if let Some(namespace) = namespace.as_deref().filter(|namespace| !is_dns_label(namespace)) {
        faults.add(
            FieldPath::root().key("metadata").key("namespace"),
            format!("`{namespace}` is not a namespace: a DNS label was expected"),
        );
    }
    let names = Names::of(&name);

    let ValkeyClusterSpec {
        replicas,
        image,
        image_pull_policy,
        image_pull_secrets,
        port,
        management,
        persistence,
        resources,
        max_memory_percent_of_limit,
        config,
        auth,
        tls,
        replication,
        sentinel,
        service,
        pod_disruption_budget,
        network_policy,
        metrics,
        service_account,
        labels,
        annotations,
        pod_labels,
        pod_annotations,
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
        pod_security_context,
        security_context,
        restore_from,
    } = wanted;
    let faults_ref = &mut faults;

    let replicas =
        number(replicas, 1..=MAX_REPLICAS, DEFAULT_REPLICAS, &spec("replicas"), faults_ref);
    if let Roles::Static { master } = roles
        && master >= replicas
    {
        faults_ref.add(
            spec("replicas"),
            format!("a static master with ordinal {master} needs at least {} pods", master + 1),
        );
    }
    let image = image.unwrap_or_else(|| DEFAULT_IMAGE.to_owned());
    check_image(&image, &spec("image"), faults_ref);
    let port = number(port, 1024..=65_535, DEFAULT_PORT, &spec("port"), faults_ref);
    if let Some(resources) = &resources {
        check_resources(resources, &spec("resources"), faults_ref);
    }
    let fixed = Fixed::of(port, persistence.as_ref());
    let storage = Storage::resolve(persistence, faults_ref);
    let passwords = Passwords::resolve(auth, &names, roles == Roles::Elected, faults_ref);
    let transport = Transport::resolve(tls, &names, faults_ref);
    let quorum = WriteQuorum::resolve(replication, replicas, faults_ref);
    let failover = FailoverRules::resolve(sentinel, &quorum, faults_ref);
    let config = config.unwrap_or_default();
    let max_memory =
        max_memory(max_memory_percent_of_limit, resources.as_ref(), &config, faults_ref);
    let config = ServerConfig::resolve(
        &Parts {
            port,
            roles,
            storage: &storage,
            transport: transport.as_ref(),
            quorum: &quorum,
            failover: &failover,
            max_memory_bytes: max_memory,
            memory_limit_bytes: resources.as_ref().and_then(memory_limit_bytes),
            config,
        },
        faults_ref,
    );
    let service = ClientService::resolve(service, faults_ref);
    let max_unavailable = max_unavailable(pod_disruption_budget, replicas, &quorum, faults_ref);
    let allowed_peers = allowed_peers(network_policy, faults_ref);
    let exporter = Exporter::resolve(metrics, port, faults_ref);
    let service_account = ServiceAccount::resolve(service_account, &names, faults_ref);
    let labels = checked_labels(labels, &spec("labels"), faults_ref);
    let annotations = checked_annotations(annotations, &spec("annotations"), faults_ref);
    let grace_period = spec("terminationGracePeriodSeconds");
    let pod = PodSettings {
        image_pull_policy: image_pull_policy.map(ImagePullPolicy::as_str),
        image_pull_secrets: image_pull_secrets.unwrap_or_default(),
        labels: checked_labels(pod_labels, &spec("podLabels"), faults_ref),
        annotations: checked_annotations(pod_annotations, &spec("podAnnotations"), faults_ref),
        node_selector: checked_selector(node_selector, &spec("nodeSelector"), faults_ref),
        tolerations: tolerations.unwrap_or_default(),
        affinity,
        topology_spread_constraints: topology_spread_constraints.unwrap_or_default(),
        priority_class_name,
        env: env.unwrap_or_default(),
        extra_containers: extra_containers.unwrap_or_default(),
        extra_volumes: extra_volumes.unwrap_or_default(),
        extra_volume_mounts: extra_volume_mounts.unwrap_or_default(),
        termination_grace_period_seconds: number(
            termination_grace_period_seconds,
            30..=86_400,
            DEFAULT_GRACE_PERIOD_SECONDS,
            &grace_period,
            faults_ref,
        ),
        pod_security_context: context_keys(pod_security_context),
        security_context: context_keys(security_context),
    };
    pod.check(faults_ref);
    if restore_from.is_some() {
        faults_ref.add_with_help(
            spec("restoreFrom"),
            "restoring from a backup is not supported by this version of Gungnir",
            "leave it out, and load the data with valkey-cli",
        );
    }
    faults.into_result()?;

    Ok(ValidatedCluster {
        names,
        namespace,
        replicas,
        roles,
        management: management.unwrap_or_default(),
        image,
        port,
        storage,
        fixed,
        resources,
        config,
        passwords,
        transport,
        quorum,
        failover,
        service,
        max_unavailable,
        allowed_peers,
        exporter,
        service_account,
        labels,
        annotations,
        pod,
    })
}

fn check_name(name: Option<String>, generated: bool, faults: &mut Faults) -> String {
    let path = FieldPath::root().key("metadata").key("name");
    let Some(name) = name else {
        let help = "its Services, pods and volumes are named after it";
        let cause = if generated {
            "metadata.generateName makes a new name at every apply"
        } else {
            "the cluster has no name"
        };
        faults.add_with_help(path, cause, help);
        return "unnamed".to_owned();
    };
    if let Some(fault) = service_name_fault(&name) {
        faults.add(path, format!("`{}` cannot name Services: a name {fault}", name.escape_debug()));
    } else if name.len() > MAX_CLUSTER_NAME {
        faults.add_with_help(
            path,
            format!("{} characters are too many: at most {MAX_CLUSTER_NAME}", name.len()),
            "Kubernetes appends a hash to it in a label of 63",
        );
    }
    name
}

/// `maxmemory` in bytes; `None` without a memory limit, or when `spec.config` has its own.
fn max_memory(
    percent: Option<i32>,
    resources: Option<&ResourceRequirements>,
    config: &BTreeMap<String, String>,
    faults: &mut Faults,
) -> Option<u64> {
    let path = spec("maxMemoryPercentOfLimit");
    let own = config.keys().find(|name| name.eq_ignore_ascii_case("maxmemory"));
    if let (Some(name), Some(_)) = (own, percent) {
        faults.add_with_help(
            spec("config").key(name),
            "and maxMemoryPercentOfLimit exclude each other",
            "leave one of them out",
        );
    }
    let percent = number(percent, 1..=100, DEFAULT_MAX_MEMORY_PERCENT, &path, faults);
    let limit_bytes = memory_limit_bytes(resources?)?;
    let bytes = max_memory_bytes(limit_bytes, percent);
    if bytes < MIN_MAX_MEMORY_BYTES {
        faults.add_with_help(
            spec("resources").key("limits").key("memory"),
            format!("leaves {bytes} bytes for data ({percent} % of {limit_bytes})"),
            format!("at least {MIN_MAX_MEMORY_BYTES} bytes (4 MiB) are needed"),
        );
    }
    own.is_none().then_some(bytes)
}
