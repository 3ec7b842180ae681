//! What Kubernetes' schemas say about equality: which lists are maps, which texts are amounts.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;

use crate::cluster::Quantity;
use crate::manifest::path::Path;
use crate::manifest::path::Segment;
use crate::manifest::server_config;

/// How two values at one place are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// As they are: maps by key, lists by place, texts by letter.
    Plain,
    /// A map that is looked into even where the other side has none.
    Open,
    /// A list that is a map: elements are told apart by these fields, their order means nothing.
    Keyed(&'static [Field]),
    /// Like [`Shape::Keyed`], but the order means something too.
    Ordered(&'static [Field]),
    /// A list in which nothing but membership counts.
    Set,
    /// An amount: `1000m` is `1`.
    Quantity,
    /// A number or its text: `80` is `"80"`.
    IntOrString,
    /// A `valkey.conf`, compared directive by directive.
    ServerConfig,
}

/// A field that tells elements apart: its JSON Pointer, and what it is when it is left out.
pub(super) type Field = (&'static str, Option<&'static str>);

const NAME: &[Field] = &[("/name", None)];
const METADATA_NAME: &[Field] = &[("/metadata/name", None)];
const CONTAINER_PORT: &[Field] = &[("/containerPort", None), ("/protocol", Some("TCP"))];
const PORT: &[Field] = &[("/port", None), ("/protocol", Some("TCP"))];
const MOUNT_PATH: &[Field] = &[("/mountPath", None)];
const DEVICE_PATH: &[Field] = &[("/devicePath", None)];
const KEY: &[Field] = &[("/key", None)];
const SPREAD: &[Field] = &[("/topologyKey", None), ("/whenUnsatisfiable", None)];
const SUBJECT: &[Field] = &[("/kind", None), ("/namespace", Some("")), ("/name", None)];

const ANY: &[&str] = &[];
const CONFIG_MAP: &[&str] = &["ConfigMap"];
const HAS_DATA: &[&str] = &["ConfigMap", "Secret"];
const POLICY: &[&str] = &["NetworkPolicy"];
const SERVICE: &[&str] = &["Service"];
const STATEFUL_SET: &[&str] = &["StatefulSet"];
const ROLES: &[&str] = &["ClusterRole", "Role"];
const BINDINGS: &[&str] = &["ClusterRoleBinding", "RoleBinding"];
/// Everything that has a pod's fields somewhere inside.
const PODS: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "ReplicaSet",
    "StatefulSet",
    "ValkeyCluster",
];
const CLAIMS: &[&str] = &["PersistentVolumeClaim", "StatefulSet"];
const AMOUNTS: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "PersistentVolumeClaim",
    "Pod",
    "ReplicaSet",
    "StatefulSet",
    "ValkeyCluster",
];

/// Kinds, a pattern of [`Path::matches`], the shape. The first match counts; no match is
/// [`Shape::Plain`].
const SHAPES: &[(&[&str], &str, Shape)] = &[
    (ANY, "metadata/finalizers", Shape::Set),
    (ANY, "metadata/ownerReferences", Shape::Keyed(&[("/uid", None)])),
    (CONFIG_MAP, "data/valkey.conf", Shape::ServerConfig),
    (HAS_DATA, "data", Shape::Open),
    (HAS_DATA, "stringData", Shape::Open),
    (PODS, "**/containers", Shape::Keyed(NAME)),
    (PODS, "**/initContainers", Shape::Ordered(NAME)),
    (PODS, "**/extraContainers", Shape::Keyed(NAME)),
    // A variable may use those before it: `$(NAME)`.
    (PODS, "**/env", Shape::Ordered(NAME)),
    (PODS, "**/volumes", Shape::Keyed(NAME)),
    (PODS, "**/extraVolumes", Shape::Keyed(NAME)),
    (PODS, "**/volumeMounts", Shape::Keyed(MOUNT_PATH)),
    (PODS, "**/extraVolumeMounts", Shape::Keyed(MOUNT_PATH)),
    (PODS, "**/volumeDevices", Shape::Keyed(DEVICE_PATH)),
    (PODS, "**/ports", Shape::Keyed(CONTAINER_PORT)),
    (PODS, "**/items", Shape::Keyed(KEY)),
    (PODS, "**/imagePullSecrets", Shape::Keyed(NAME)),
    (PODS, "**/tolerations", Shape::Set),
    (PODS, "**/topologySpreadConstraints", Shape::Keyed(SPREAD)),
    (PODS, "**/matchExpressions", Shape::Set),
    (PODS, "**/matchExpressions/*/values", Shape::Set),
    (PODS, "**/capabilities/add", Shape::Set),
    (PODS, "**/capabilities/drop", Shape::Set),
    (PODS, "**/httpGet/port", Shape::IntOrString),
    (PODS, "**/tcpSocket/port", Shape::IntOrString),
    (PODS, "**/rollingUpdate/*", Shape::IntOrString),
    (PODS, "**/emptyDir/sizeLimit", Shape::Quantity),
    (PODS, "**/resourceFieldRef/divisor", Shape::Quantity),
    (AMOUNTS, "**/resources/limits/*", Shape::Quantity),
    (AMOUNTS, "**/resources/requests/*", Shape::Quantity),
    (&["ValkeyCluster"], "spec/persistence/storageSize", Shape::Quantity),
    (&["ValkeyCluster"], "spec/podDisruptionBudget/maxUnavailable", Shape::IntOrString),
    (STATEFUL_SET, "spec/volumeClaimTemplates", Shape::Keyed(METADATA_NAME)),
    (STATEFUL_SET, "spec/persistentVolumeClaimRetentionPolicy", Shape::Open),
    (CLAIMS, "**/accessModes", Shape::Set),
    (SERVICE, "spec/ports", Shape::Keyed(PORT)),
    (SERVICE, "spec/ports/*/targetPort", Shape::IntOrString),
    (SERVICE, "spec/loadBalancerSourceRanges", Shape::Set),
    (SERVICE, "spec/externalIPs", Shape::Set),
    (&["PodDisruptionBudget"], "spec/maxUnavailable", Shape::IntOrString),
    (&["PodDisruptionBudget"], "spec/minAvailable", Shape::IntOrString),
    (POLICY, "spec/policyTypes", Shape::Set),
    (POLICY, "spec/ingress", Shape::Set),
    (POLICY, "spec/egress", Shape::Set),
    (POLICY, "spec/*/*/from", Shape::Set),
    (POLICY, "spec/*/*/to", Shape::Set),
    (POLICY, "spec/*/*/ports", Shape::Keyed(PORT)),
    (POLICY, "**/ipBlock/except", Shape::Set),
    (POLICY, "**/matchExpressions", Shape::Set),
    (POLICY, "**/matchExpressions/*/values", Shape::Set),
    (&["Certificate"], "spec/dnsNames", Shape::Set),
    (&["Certificate"], "spec/ipAddresses", Shape::Set),
    (&["Certificate"], "spec/usages", Shape::Set),
    (&["PrometheusRule"], "spec/groups", Shape::Keyed(NAME)),
    (&["ServiceAccount"], "imagePullSecrets", Shape::Keyed(NAME)),
    (ROLES, "rules", Shape::Set),
    (ROLES, "rules/*/*", Shape::Set),
    (BINDINGS, "subjects", Shape::Keyed(SUBJECT)),
];

/// How values at `path` in an object of `kind` are compared.
pub(super) fn shape(kind: &str, path: &Path) -> Shape {
    SHAPES
        .iter()
        .find(|(kinds, pattern, _)| {
            (kinds.is_empty() || kinds.contains(&kind)) && path.matches(pattern)
        })
        .map_or(Shape::Plain, |(_, _, shape)| *shape)
}

/// Each element's index by its label, or `None` when some element has no label or two share one;
/// such a list is compared by place.
pub(super) fn labels(items: &[Value], fields: &[Field]) -> Option<BTreeMap<String, usize>> {
    let mut labels = BTreeMap::new();
    for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
        if labels.insert(label(item, fields)?, index).is_some() {
            return None;
        }
    }
    Some(labels)
}

fn label(item: &Value, fields: &[Field]) -> Option<String> {
    let words = fields.iter().filter_map(|(pointer, default)| {
        match (item.pointer(pointer).unwrap_or(&Value::Null), default) {
            (Value::Null, Some("")) => None,
            (Value::Null, default) => Some(default.map(str::to_owned)),
            (Value::String(text), _) => Some(Some(text.clone())),
            (other, _) => Some(Some(other.to_string())),
        }
    });
    Some(words.collect::<Option<Vec<_>>>()?.join("/"))
}

/// `value` in the one spelling that all equal values share.
pub(super) fn canonical(kind: &str, path: &mut Path, value: &Value) -> Value {
    match (shape(kind, path), value) {
        (Shape::Quantity, Value::String(_) | Value::Number(_)) => {
            let text = plain_text(value);
            let nanos = text.parse::<Quantity>().map(|quantity| quantity.nanos().to_string());
            Value::String(nanos.unwrap_or(text))
        }
        (Shape::IntOrString, Value::Number(_)) => Value::String(plain_text(value)),
        (Shape::ServerConfig, Value::String(text)) => {
            let words = |lines: Vec<&str>| {
                lines.into_iter().map(|line| Value::from(server_config::arguments(line))).collect()
            };
            let directives = server_config::directives(text).into_iter();
            Value::Object(directives.map(|(name, lines)| (name, words(lines))).collect())
        }
        (_, Value::Number(_)) => plain_text(value).parse().map_or(Value::Null, Value::Number),
        (_, Value::Object(fields)) => {
            let mut sorted: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            let canonical = sorted.into_iter().map(|(name, value)| {
                (name.clone(), canonical_at(kind, path, Segment::key(name), value))
            });
            Value::Object(canonical.collect::<Map<_, _>>())
        }
        (shape, Value::Array(items)) => {
            let mut canonical = |label: Option<&String>, index: usize| {
                let at = Some(index);
                let item = Segment::Item { label: label.cloned(), from: at, to: at };
                canonical_at(kind, path, item, &items[index])
            };
            if let Shape::Keyed(fields) = shape
                && let Some(labels) = labels(items, fields)
            {
                let items = labels
                    .iter()
                    .map(|(label, index)| (label.clone(), canonical(Some(label), *index)));
                return Value::Object(items.collect());
            }
            let something = (0..items.len()).filter(|index| !items[*index].is_null());
            let mut items: Vec<_> = something.map(|index| canonical(None, index)).collect();
            if shape == Shape::Set {
                items.sort_by_cached_key(Value::to_string);
            }
            Value::Array(items)
        }
        (_, scalar) => scalar.clone(),
    }
}

fn canonical_at(kind: &str, path: &mut Path, segment: Segment, value: &Value) -> Value {
    path.push(segment);
    let canonical = canonical(kind, path, value);
    path.pop();
    canonical
}

/// A text as it is, a number without a useless fraction (`1.0` is `1`).
fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => {
            let text = other.to_string();
            text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
        }
    }
}
