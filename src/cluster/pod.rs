//! What people say about the pods themselves.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{
    Affinity, Container, EnvVar, LocalObjectReference, PodSecurityContext, SecurityContext,
    Toleration, TopologySpreadConstraint, Volume, VolumeMount,
};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;
use similar::get_close_matches;

use crate::api::{ContextOverride, ServiceAccountSpec};

use super::fault::{Faults, spec};
use super::image::check_image;
use super::label::checked_annotations;
use super::name::{Names, is_dns_label, is_dns_name};
use super::server_config::{CONFIG_DIR, DATA_DIR, TLS_DIR};

/// The container of the server.
pub const CONTAINER_VALKEY: &str = "valkey";
/// The container of the metrics exporter.
pub const CONTAINER_EXPORTER: &str = "exporter";
/// The volume of the data.
pub const VOLUME_DATA: &str = "data";
/// The volume of the `ConfigMap`.
pub const VOLUME_CONFIG: &str = "config";
/// The volume of the certificate.
pub const VOLUME_TLS: &str = "tls";
/// Environment variables that the start script and the probes read.
pub const OWN_ENVIRONMENT: [&str; 10] = [
    "MASTER_HOST",
    "MASTER_POD",
    "OPERATOR_PASSWORD",
    "POD_IP",
    "POD_NAME",
    "REDISCLI_AUTH",
    "REPLICATION_PASSWORD",
    "VALKEYCLI_AUTH",
    "VALKEY_PORT",
    "VALKEY_TLS",
];

/// What people say about the pods themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodSettings {
    /// When the kubelet pulls the images.
    pub image_pull_policy: Option<&'static str>,
    /// Secrets with the credentials of private registries.
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// Labels of the pods.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pods.
    pub annotations: BTreeMap<String, String>,
    /// Labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that the pods tolerate.
    pub tolerations: Vec<Toleration>,
    /// Where the pods may and should run, if not Gungnir's default.
    pub affinity: Option<Affinity>,
    /// How evenly the pods are spread.
    pub topology_spread_constraints: Vec<TopologySpreadConstraint>,
    /// The `PriorityClass`.
    pub priority_class_name: Option<String>,
    /// Environment variables of the Valkey container.
    pub env: Vec<EnvVar>,
    /// Containers beside Valkey's.
    pub extra_containers: Vec<Container>,
    /// Volumes beside Gungnir's.
    pub extra_volumes: Vec<Volume>,
    /// Mounts of the Valkey container beside Gungnir's.
    pub extra_volume_mounts: Vec<VolumeMount>,
    /// How long a pod may take to stop, in seconds.
    pub termination_grace_period_seconds: u32,
    /// Keys over Gungnir's pod security context.
    pub pod_security_context: BTreeMap<String, Value>,
    /// Keys over Gungnir's container security context.
    pub security_context: BTreeMap<String, Value>,
}

impl PodSettings {
    /// Notes every fault in the settings, which stay as they are.
    pub(super) fn check(&self, faults: &mut Faults) {
        let Self {
            image_pull_policy: _,
            image_pull_secrets: _,
            labels: _,
            annotations: _,
            node_selector: _,
            tolerations: _,
            affinity: _,
            topology_spread_constraints: _,
            priority_class_name,
            env,
            extra_containers,
            extra_volumes,
            extra_volume_mounts,
            termination_grace_period_seconds: _,
            pod_security_context,
            security_context,
        } = self;
        if let Some(class) = priority_class_name.as_deref().filter(|class| !is_dns_name(class)) {
            faults
                .add(spec("priorityClassName"), format!("`{class}` is not a PriorityClass's name"));
        }
        check_environment(env, faults);
        check_containers(extra_containers, faults);
        check_volumes(extra_volumes, extra_volume_mounts, faults);
        let keys = |schema: Value| {
            schema["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, _)| key.clone())
                .collect()
        };
        check_context::<PodSecurityContext>(
            pod_security_context,
            "podSecurityContext",
            keys,
            faults,
        );
        check_context::<SecurityContext>(security_context, "securityContext", keys, faults);
    }
}

fn check_environment(env: &[EnvVar], faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for (index, EnvVar { name, value, value_from }) in env.iter().enumerate() {
        let path = spec("env").index(index);
        if name.is_empty() || name.contains('=') || !name.chars().all(|c| (' '..='~').contains(&c))
        {
            faults.add(
                path.clone().key("name"),
                format!("`{}` is not a variable's name", name.escape_debug()),
            );
        } else if OWN_ENVIRONMENT.contains(&name.as_str()) {
            faults.add(path.clone().key("name"), format!("`{name}` is set by Gungnir"));
        } else if !seen.insert(name) {
            faults.add(path.clone().key("name"), format!("`{name}` is given twice"));
        }
        if value.is_some() && value_from.is_some() {
            faults.add(path.key("valueFrom"), "value and valueFrom exclude each other");
        }
    }
}

fn check_containers(containers: &[Container], faults: &mut Faults) {
    let mut seen = BTreeSet::from([CONTAINER_VALKEY, CONTAINER_EXPORTER]);
    for (index, container) in containers.iter().enumerate() {
        let path = spec("extraContainers").index(index);
        let name = container.name.as_str();
        if !is_dns_label(name) {
            faults.add(
                path.clone().key("name"),
                format!("`{}` is not a container's name", name.escape_debug()),
            );
        } else if !seen.insert(name) {
            faults.add(path.clone().key("name"), format!("there is a container `{name}` already"));
        }
        match container.image.as_deref() {
            None => faults.add(path.key("image"), "a container needs an image"),
            Some(image) => check_image(image, &path.key("image"), faults),
        }
    }
}

fn check_volumes(volumes: &[Volume], mounts: &[VolumeMount], faults: &mut Faults) {
    let mut names = BTreeSet::from([VOLUME_DATA, VOLUME_CONFIG, VOLUME_TLS]);
    for (index, Volume { name, .. }) in volumes.iter().enumerate() {
        let path = spec("extraVolumes").index(index).key("name");
        if !is_dns_label(name) {
            faults.add(path, format!("`{}` is not a volume's name", name.escape_debug()));
        } else if !names.insert(name) {
            faults.add(path, format!("there is a volume `{name}` already"));
        }
    }
    let mut places = BTreeSet::from([DATA_DIR, CONFIG_DIR, TLS_DIR]);
    for (index, VolumeMount { name, mount_path, .. }) in mounts.iter().enumerate() {
        let path = spec("extraVolumeMounts").index(index);
        if !names.contains(name.as_str()) {
            faults.add_with_help(
                path.clone().key("name"),
                format!("there is no volume `{}`", name.escape_debug()),
                "add it to spec.extraVolumes",
            );
        }
        if mount_path.is_empty() || mount_path.contains(':') {
            faults.add(path.key("mountPath"), "is not a path without `:`");
        } else if !places.insert(mount_path.trim_end_matches('/')) {
            faults.add(path.key("mountPath"), format!("`{mount_path}` is mounted already"));
        }
    }
}

/// Keys of a security context must be Kubernetes' own: a misspelt one would change nothing.
fn check_context<T: JsonSchema>(
    context: &BTreeMap<String, Value>,
    field: &str,
    keys: impl Fn(Value) -> Vec<String>,
    faults: &mut Faults,
) {
    if context.is_empty() {
        return;
    }
    let allowed = keys(T::json_schema(&mut SchemaGenerator::default()).to_value());
    for key in context.keys().filter(|key| !allowed.contains(key)) {
        let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
        let near = get_close_matches(key.as_str(), &allowed, 1, 0.6);
        let path = spec(field).key(key);
        let help = near.first().map(|near| format!("did you mean `{near}`?"));
        faults.add_key(path, "unknown field", help);
    }
}

/// The `ServiceAccount` of the pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its name.
    pub name: String,
    /// Its annotations when Gungnir makes it; `None` when it exists.
    pub annotations: Option<BTreeMap<String, String>>,
}

impl ServiceAccount {
    pub(super) fn resolve(
        account: Option<ServiceAccountSpec>,
        names: &Names,
        faults: &mut Faults,
    ) -> Option<Self> {
        let ServiceAccountSpec { create, name, annotations } = account.unwrap_or_default();
        let path = spec("serviceAccount");
        if let Some(name) = name.as_deref().filter(|name| !is_dns_name(name)) {
            faults.add(
                path.clone().key("name"),
                format!("`{name}` is not a ServiceAccount's name: a DNS name was expected"),
            );
        }
        let annotations = checked_annotations(annotations, &path.key("annotations"), faults);
        if create.unwrap_or(false) {
            let name = name.unwrap_or_else(|| names.cluster.clone());
            Some(Self { name, annotations: Some(annotations) })
        } else {
            name.map(|name| Self { name, annotations: None })
        }
    }
}

/// The keys of an override, in order.
pub(super) fn context_keys(context: Option<ContextOverride>) -> BTreeMap<String, Value> {
    context.map(|ContextOverride(keys)| keys).unwrap_or_default()
}
