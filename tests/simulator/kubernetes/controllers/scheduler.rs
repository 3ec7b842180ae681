//! Gives pods their nodes: where the fewest of the same owner are. A pod waits for its claims, and for one
//! that is being deleted until there is another.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::kubernetes::api::store::Store;
use crate::kubernetes::api::write::Write;
use crate::kubernetes::object::{
    all, controller, is_leaving, name, namespace, set_condition, text, uid, write,
};

const WHO: &str = "scheduler";

/// Looks at every pod without a node.
pub fn turn(store: &mut Store, chance: &Chance, local_volumes: bool) {
    for pod in all(store, "Pod") {
        if !pod["spec"]["nodeName"].is_null() || is_leaving(&pod) {
            continue;
        }
        let waits = claims(&pod).any(|claim| {
            let claim = store.get("PersistentVolumeClaim", namespace(&pod), claim);
            claim.is_none_or(|claim| is_leaving(claim))
        });
        let node = if waits { None } else { choose(store, &pod, chance, local_volumes) };
        let now = store.now();
        let checks = json!({ "metadata": { "uid": uid(&pod) } });
        let known = {
            let own = pod["status"]["conditions"].as_array().into_iter().flatten();
            own.into_iter().any(|own| own["reason"] == "Unschedulable")
        };
        if let Some(node) = &node {
            let bound = json!({ "spec": { "nodeName": node } });
            let _ = write(WHO, "Pod", &pod).merge(store, &bound);
        } else if known {
            continue;
        }
        let (status, reason) =
            if node.is_some() { ("True", "") } else { ("False", "Unschedulable") };
        let own = Write { status: true, ..write(WHO, "Pod", &pod) };
        let _ = own.edit(store, &checks, |pod| {
            set_condition(&mut pod["status"]["conditions"], "PodScheduled", status, reason, &now);
            Ok(())
        });
    }
}

fn choose(store: &Store, pod: &Value, chance: &Chance, local_volumes: bool) -> Option<String> {
    let pods = all(store, "Pod");
    let pinned = if local_volumes { pinned(store, pod) } else { None };
    let mut nodes: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for node in all(store, "Node") {
        let own = node["status"]["conditions"].as_array().into_iter().flatten();
        let ready = own.into_iter().any(|it| it["type"] == "Ready" && it["status"] == "True");
        let closed = node["spec"]["unschedulable"] == true || !node["spec"]["taints"].is_null();
        let elsewhere = pinned.as_deref().is_some_and(|pinned| pinned != name(&node));
        if !ready || closed || elsewhere {
            continue;
        }
        let siblings = pods.iter().filter(|other| {
            text(&other["spec"]["nodeName"]) == name(&node)
                && controller(other) == controller(pod)
                && uid(other) != uid(pod)
        });
        nodes.entry(siblings.count()).or_default().push(name(&node).to_owned());
    }
    nodes.into_values().next().map(|best| chance.one_of(&best).clone())
}

/// The node that has the volume of a pod.
fn pinned(store: &Store, pod: &Value) -> Option<String> {
    claims(pod).find_map(|claim| {
        let claim = store.get("PersistentVolumeClaim", namespace(pod), claim)?;
        let node = &claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"];
        node.as_str().map(str::to_owned)
    })
}

/// The claims that a pod names.
fn claims(pod: &Value) -> impl Iterator<Item = &str> {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    volumes.filter_map(|it| it["persistentVolumeClaim"]["claimName"].as_str())
}
