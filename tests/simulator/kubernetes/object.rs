//! What controllers read of objects again and again.

use std::sync::Arc;

use serde_json::{Value, json};

use super::api::kind::Row;
use super::api::store::Store;
use super::api::write::Write;

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub fn name(object: &Value) -> &str {
    text(&object["metadata"]["name"])
}

pub fn namespace(object: &Value) -> &str {
    text(&object["metadata"]["namespace"])
}

pub fn uid(object: &Value) -> &str {
    text(&object["metadata"]["uid"])
}

pub fn is_leaving(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// The owner that controls an object: its uid.
pub fn controller(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.into_iter().find(|owner| owner["controller"] == true).map(|owner| text(&owner["uid"]))
}

/// A snapshot of a kind.
pub fn all(store: &Store, kind: &str) -> Vec<Arc<Value>> {
    store.of_kind(kind, None).map(|(_, object)| Arc::clone(object)).collect()
}

/// How `who` writes an object.
pub fn write<'a>(who: &'a str, kind: &str, object: &'a Value) -> Write<'a> {
    Write {
        who,
        manager: if who == "kubelet" { "kubelet" } else { "kube-controller-manager" },
        kind: Row::named(kind),
        namespace: namespace(object),
        name: name(object),
        status: false,
        dry_run: false,
    }
}

/// Lays a patch over the status of the very object.
pub fn set_status(store: &mut Store, who: &str, kind: &str, object: &Value, status: &Value) {
    let patch = json!({ "metadata": { "uid": uid(object) }, "status": status });
    let write = Write { status: true, ..write(who, kind, object) };
    // One that is gone has no status.
    let _ = write.merge(store, &patch);
}

/// Sets a condition in a list; its time is that of its last change.
pub fn set_condition(conditions: &mut Value, kind: &str, status: &str, reason: &str, now: &str) {
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let all = conditions.as_array_mut().unwrap();
    let mut condition = json!({ "type": kind, "status": status, "lastTransitionTime": now });
    if !reason.is_empty() {
        condition["reason"] = json!(reason);
    }
    match all.iter_mut().find(|own| own["type"] == kind) {
        None => all.push(condition),
        Some(own) => {
            if own["status"] == status {
                condition["lastTransitionTime"] = own["lastTransitionTime"].clone();
            }
            *own = condition;
        }
    }
}
