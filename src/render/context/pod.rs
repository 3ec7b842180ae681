//! The pods: where they run and what they may do.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    LocalObjectReference, Toleration, TopologySpreadConstraint, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cluster::ANNOTATION_RESTART_HASH;
use crate::cluster::PodSettings;
use crate::cluster::ServiceAccount;

use super::block::Block;
use super::label::{Labels, with};

/// The user and group of the official images.
const USER_ID: u32 = 999;

/// What the templates say of the pods.
#[derive(Debug, Serialize)]
pub(super) struct Pod<'a> {
    labels: Block<Labels<'a>>,
    annotations: Block<BTreeMap<&'a str, String>>,
    service_account_name: Option<&'a str>,
    termination_grace_period_seconds: u32,
    priority_class_name: Option<&'a str>,
    image_pull_secrets: Block<&'a [LocalObjectReference]>,
    security_context: Block<Value>,
    node_selector: Block<&'a BTreeMap<String, String>>,
    tolerations: Block<&'a [Toleration]>,
    affinity: Block<Value>,
    topology_spread_constraints: Block<Value>,
    env: Block<Value>,
    extra_containers: Block<Value>,
    extra_volumes: Block<Value>,
    extra_volume_mounts: Block<&'a [VolumeMount]>,
}

/// Decides what the pods say.
pub(super) fn pod_context<'a>(
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
        labels: Block(with(labels, own_labels)),
        annotations: Block(
            own_annotations.chain([(ANNOTATION_RESTART_HASH, restart_hash)]).collect(),
        ),
        service_account_name: account.map(|account| account.name.as_str()),
        termination_grace_period_seconds: *termination_grace_period_seconds,
        priority_class_name: priority_class_name.as_deref(),
        image_pull_secrets: Block(image_pull_secrets),
        security_context: Block(merged(pod_security_context(), pod_security)),
        node_selector: Block(node_selector),
        tolerations: Block(tolerations),
        affinity: Block(match affinity {
            Some(affinity) => serde_json::to_value(affinity)?,
            None => default_affinity(selector),
        }),
        topology_spread_constraints: Block(spread(topology_spread_constraints, selector)?),
        env: Block(in_full(env)?),
        extra_containers: Block(in_full(extra_containers)?),
        extra_volumes: Block(in_full(extra_volumes)?),
        extra_volume_mounts: Block(extra_volume_mounts),
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

/// What the Pod Security Standard `restricted` wants of each container.
pub(super) fn container_security_context() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "readOnlyRootFilesystem": true,
    })
}

/// Keys over others; `null` removes one (`OpenShift` chooses the user itself).
pub(super) fn merged(mut context: Value, over: &BTreeMap<String, Value>) -> Value {
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

/// What people pass through, with what the API server would add to maps and lists that are owned
/// as a whole: two managers that apply one text must agree on all of it.
fn in_full(structure: &impl Serialize) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(structure)?;
    spell_out(&mut value);
    Ok(value)
}

fn spell_out(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(spell_out),
        Value::Object(fields) => {
            for (name, value) in fields {
                let added = match name.as_str() {
                    "fieldRef" => Some(("apiVersion", Value::from("v1"))),
                    "resourceFieldRef" => Some(("divisor", Value::from("0"))),
                    "serviceAccountToken" => Some(("expirationSeconds", Value::from(3600))),
                    _ => None,
                };
                if let (Some((key, default)), Value::Object(map)) = (added, &mut *value) {
                    map.entry(key).or_insert(default);
                }
                spell_out(value);
            }
        }
        _ => {}
    }
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
