//! Makes the pods and volume claims of each `StatefulSet`, and counts them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::kubernetes::api::delete::{Deletion, delete, is_ready};
use crate::kubernetes::api::kind::Row;
use crate::kubernetes::api::selector::Selector;
use crate::kubernetes::api::store::Store;
use crate::kubernetes::object::{
    all, controller, is_leaving, name, namespace, set_status, text, uid, write,
};

const WHO: &str = "statefulset-controller";

/// Looks at every set.
pub fn turn(store: &mut Store) {
    for set in all(store, "StatefulSet") {
        if !is_leaving(&set) {
            one(store, &set);
        }
    }
}

/// What a template is called.
fn revision_of(set: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    set["spec"]["template"].to_string().hash(&mut hasher);
    format!("{}-{:x}", name(set), hasher.finish() & 0xffff_ffff)
}

fn one(store: &mut Store, set: &Value) {
    let pods = pods(store, set);
    let replicas = set["spec"]["replicas"].as_u64().unwrap_or(1);
    let in_order = set["spec"]["podManagementPolicy"] != "Parallel";
    let revision = revision_of(set);
    let mut all_ready = true;
    for ordinal in 0..replicas {
        if in_order && !all_ready {
            break;
        }
        match pods.get(&ordinal) {
            None => {
                make_claims(store, set, ordinal);
                make_pod(store, set, ordinal, &revision);
                all_ready = false;
            }
            Some(pod) => {
                let ended = matches!(text(&pod["status"]["phase"]), "Failed" | "Succeeded");
                if ended && !is_leaving(pod) {
                    remove(store, pod);
                }
                // Its claims may have gone with the pod before it.
                if pod["spec"]["nodeName"].is_null() && !is_leaving(pod) {
                    make_claims(store, set, ordinal);
                }
                all_ready &= is_ready(pod) && !is_leaving(pod);
            }
        }
    }
    for (_, pod) in pods.range(replicas..).rev() {
        if in_order && !all_ready {
            break;
        }
        if !is_leaving(pod) {
            keep_or_release_claims(store, set, pod);
            remove(store, pod);
        }
        all_ready = false;
    }
    let rolls = set["spec"]["updateStrategy"]["type"] == "RollingUpdate";
    let outdated = |pod: &Value| revision_label(pod) != revision;
    if rolls
        && all_ready
        && let Some((_, pod)) = pods.range(..replicas).rev().find(|(_, pod)| outdated(pod))
    {
        remove(store, pod);
    }
    count(store, set, &revision);
}

fn revision_label(pod: &Value) -> &str {
    text(&pod["metadata"]["labels"]["controller-revision-hash"])
}

/// The pods of a set by their ordinals; those that nobody owns are taken.
fn pods(store: &mut Store, set: &Value) -> BTreeMap<u64, Arc<Value>> {
    let selector = Selector::of_object(&set["spec"]["selector"]);
    let mut found = BTreeMap::new();
    for pod in all(store, "Pod") {
        let ordinal = name(&pod)
            .strip_prefix(name(set))
            .and_then(|rest| rest.strip_prefix('-')?.parse::<u64>().ok());
        let (Some(ordinal), true) = (ordinal, namespace(&pod) == namespace(set)) else { continue };
        let mine = match controller(&pod) {
            Some(owner) => owner == uid(set),
            None if selector.matches(&pod) && !is_leaving(&pod) => {
                let owners = json!({
                    "metadata": { "uid": uid(&pod), "ownerReferences": [reference(set)] },
                });
                write(WHO, "Pod", &pod).merge(store, &owners).is_ok()
            }
            None => false,
        };
        if mine {
            found.insert(ordinal, pod);
        }
    }
    found
}

fn reference(set: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "name": name(set), "uid": uid(set),
        "controller": true, "blockOwnerDeletion": true,
    })
}

fn remove(store: &mut Store, pod: &Value) {
    let deletion = Deletion { uid: Some(uid(pod).to_owned()), ..Deletion::default() };
    let _ = delete(store, WHO, Row::named("Pod"), namespace(pod), name(pod), &deletion);
}

fn claim_names(set: &Value, pod: &str) -> Vec<(String, String)> {
    let templates = set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
    templates
        .map(|template| (name(template).to_owned(), format!("{}-{pod}", name(template))))
        .collect()
}

fn make_claims(store: &mut Store, set: &Value, ordinal: u64) {
    let pod = format!("{}-{ordinal}", name(set));
    let templates = set["spec"]["volumeClaimTemplates"].as_array().cloned().unwrap_or_default();
    for (template, (_, claim)) in templates.iter().zip(claim_names(set, &pod)) {
        if store.get("PersistentVolumeClaim", namespace(set), &claim).is_some() {
            continue;
        }
        let mut labels = template["metadata"]["labels"].as_object().cloned().unwrap_or_default();
        let selected = set["spec"]["selector"]["matchLabels"].as_object().cloned();
        labels.extend(selected.unwrap_or_default());
        let mut object = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": claim, "namespace": namespace(set), "labels": labels,
                "annotations": template["metadata"]["annotations"],
            },
            "spec": template["spec"],
        });
        if set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete" {
            object["metadata"]["ownerReferences"] = json!([reference(set)]);
        }
        let whole = object.clone();
        let _ = write(WHO, "PersistentVolumeClaim", &whole).create(store, object);
    }
}

/// Claims that are not kept when a set shrinks go with their pod.
fn keep_or_release_claims(store: &mut Store, set: &Value, pod: &Value) {
    if set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] != "Delete" {
        return;
    }
    for (_, claim) in claim_names(set, name(pod)) {
        let owner = json!({
            "apiVersion": "v1", "kind": "Pod", "name": name(pod), "uid": uid(pod),
        });
        let patch = json!({ "metadata": { "ownerReferences": [owner] } });
        if let Some(claim) = store.get("PersistentVolumeClaim", namespace(set), &claim).cloned() {
            let _ = write(WHO, "PersistentVolumeClaim", &claim).merge(store, &patch);
        }
    }
}

fn make_pod(store: &mut Store, set: &Value, ordinal: u64, revision: &str) {
    let pod = format!("{}-{ordinal}", name(set));
    let template = &set["spec"]["template"];
    let mut labels = template["metadata"]["labels"].clone();
    labels["controller-revision-hash"] = json!(revision);
    labels["statefulset.kubernetes.io/pod-name"] = json!(pod);
    labels["apps.kubernetes.io/pod-index"] = json!(ordinal.to_string());
    let mut spec = template["spec"].clone();
    spec["hostname"] = json!(pod);
    spec["subdomain"] = set["spec"]["serviceName"].clone();
    let mut volumes = spec["volumes"].as_array().cloned().unwrap_or_default();
    for (volume, claim) in claim_names(set, &pod) {
        volumes.retain(|own| own["name"] != volume);
        volumes.push(json!({ "name": volume, "persistentVolumeClaim": { "claimName": claim } }));
    }
    spec["volumes"] = json!(volumes);
    let object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": pod, "namespace": namespace(set), "labels": labels,
            "annotations": template["metadata"]["annotations"],
            "ownerReferences": [reference(set)],
        },
        "spec": spec,
    });
    let whole = object.clone();
    // One of that name that is still leaving, or somebody else's: after its end.
    let _ = write(WHO, "Pod", &whole).create(store, object);
}

fn count(store: &mut Store, set: &Value, revision: &str) {
    let pods: Vec<Arc<Value>> =
        all(store, "Pod").into_iter().filter(|pod| controller(pod) == Some(uid(set))).collect();
    let number = |wanted: &dyn Fn(&Value) -> bool| pods.iter().filter(|pod| wanted(pod)).count();
    let current = match text(&set["status"]["currentRevision"]) {
        "" => revision.to_owned(),
        current => current.to_owned(),
    };
    let ready = number(&is_ready);
    let status = json!({
        "observedGeneration": set["metadata"]["generation"],
        "replicas": pods.len(), "readyReplicas": ready, "availableReplicas": ready,
        "currentReplicas": number(&|pod| revision_label(pod) == current),
        "updatedReplicas": number(&|pod| revision_label(pod) == revision),
        "currentRevision": current, "updateRevision": revision, "collisionCount": 0,
    });
    set_status(store, WHO, "StatefulSet", set, &status);
}
