//! Whether an object is as it was applied: by who owns which field, so that nothing has to be read.
//!
//! Server-side apply keeps, for each writer, the tree of the fields that it set. A field that
//! somebody else changes or removes leaves our tree. So an object is as we applied it when the hash
//! of what was applied is the hash of what is rendered, and our tree still has every rendered field.

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::cache::{Child, ManagedFields};
use super::manager::Manager;

/// Of a `StatefulSet`: nobody can change it, and older API servers count its defaults as another
/// writer's.
const IMMUTABLE: &str = "spec.volumeClaimTemplates";

/// A field that somebody else has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Where, as people write it: `spec.replicas`.
    pub path: String,
    /// The manager that has it now; `None` when nobody has: it was removed.
    pub by: Option<String>,
    /// When that manager last wrote; of a removed field, when anybody last wrote.
    pub at: Option<Timestamp>,
}

/// Every field of `applied` that is not ours any more. `None` when nothing was applied by us.
#[must_use]
pub fn taken(applied: &Value, child: &Child) -> Option<Vec<Taken>> {
    let ours = |fields: &&ManagedFields| {
        fields.manager == Manager::Set.name() && fields.applies && fields.subresource.is_empty()
    };
    let tree = child.fields.iter().find(ours)?.tree();
    let mut lost = Vec::new();
    walk_object(applied, &tree, &mut Vec::new(), &mut lost);
    lost.retain(|steps| named(steps) != IMMUTABLE);
    let others: Vec<(&ManagedFields, Value)> = child
        .fields
        .iter()
        .filter(|fields| !ours(fields) && fields.subresource != "status")
        .map(|fields| (fields, fields.tree()))
        .collect();
    let latest = others.iter().filter_map(|(fields, _)| fields.time).max();
    let attributed = lost.iter().map(|steps| {
        let has = others.iter().find(|(_, tree)| covers(tree, steps));
        Taken {
            path: named(steps),
            by: has.map(|(fields, _)| fields.manager.clone()),
            at: has.map_or(latest, |(fields, _)| fields.time),
        }
    });
    Some(attributed.collect())
}

/// Who else than `except`, by its last write, has the value at a JSON Pointer of an object, and when
/// it wrote.
#[must_use]
pub fn writer(
    object: &Value,
    child: &Child,
    pointer: &str,
    except: &str,
) -> Option<(String, Option<Timestamp>)> {
    let steps: Vec<String> =
        pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let others = child.fields.iter().filter(|fields| {
        !(fields.manager == except && fields.applies) && fields.subresource != "status"
    });
    let having = others.filter(|fields| has(&fields.tree(), object, &steps));
    let latest = having.max_by_key(|fields| fields.time)?;
    Some((latest.manager.clone(), latest.time))
}

/// Whether a tree has a place of an object.
fn has(tree: &Value, object: &Value, steps: &[String]) -> bool {
    let [step, rest @ ..] = steps else { return true };
    let Some(entries) = tree.as_object() else { return false };
    let (below, value) = match object {
        Value::Object(fields) => (entries.get(&format!("f:{step}")), fields.get(step)),
        Value::Array(items) => {
            let item = step.parse().ok().and_then(|index: usize| items.get(index));
            let named = |item| entries.iter().find(|(key, _)| names(key, item));
            (item.and_then(named).map(|(_, below)| below), item)
        }
        _ => return false,
    };
    match below {
        // A list or map that is owned as a whole has no tree below it.
        Some(below) if below.as_object().is_some_and(serde_json::Map::is_empty) => true,
        Some(below) => has(below, value.unwrap_or(&Value::Null), rest),
        None => false,
    }
}

/// One step of a path: as the tree writes it, and as people do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    key: String,
    shown: String,
}

fn named(steps: &[Step]) -> String {
    let mut path = String::new();
    for Step { shown, .. } in steps {
        if !path.is_empty() && !shown.starts_with('[') {
            path.push('.');
        }
        path.push_str(shown);
    }
    path
}

fn covers(tree: &Value, steps: &[Step]) -> bool {
    let mut node = tree;
    for (depth, step) in steps.iter().enumerate() {
        match node.get(&step.key) {
            Some(next) => node = next,
            // A list or map that is owned as a whole has no tree below it; the object has one.
            None => return depth > 0 && node.as_object().is_some_and(serde_json::Map::is_empty),
        }
    }
    true
}

/// What names an object is nobody's field.
fn walk_object(applied: &Value, tree: &Value, path: &mut Vec<Step>, lost: &mut Vec<Vec<Step>>) {
    for (name, value) in applied.as_object().into_iter().flatten() {
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                let below = tree.get("f:metadata").unwrap_or(&Value::Null);
                path.push(field(name));
                for (name, value) in value.as_object().into_iter().flatten() {
                    if !matches!(name.as_str(), "name" | "namespace" | "resourceVersion") {
                        enter(field(name), value, below, path, lost);
                    }
                }
                path.pop();
            }
            _ => enter(field(name), value, tree, path, lost),
        }
    }
}

fn field(name: &str) -> Step {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let shown = if plain { name.to_owned() } else { format!("[{name:?}]") };
    Step { key: format!("f:{name}"), shown }
}

fn enter(step: Step, value: &Value, tree: &Value, path: &mut Vec<Step>, lost: &mut Vec<Vec<Step>>) {
    if value.is_null() {
        return;
    }
    let below = tree.get(&step.key);
    path.push(step);
    match below {
        None => lost.push(path.clone()),
        Some(below) => walk(value, below, path, lost),
    }
    path.pop();
}

fn walk(value: &Value, tree: &Value, path: &mut Vec<Step>, lost: &mut Vec<Vec<Step>>) {
    // A leaf of the tree is a whole: a value, or a list or map that is never merged.
    let Some(entries) = tree.as_object().filter(|entries| !entries.is_empty()) else { return };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                enter(field(name), value, tree, path, lost);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let key = entries.keys().find(|key| names(key, item));
                let shown = match item.get("name").and_then(Value::as_str) {
                    Some(name) => format!("[{name}]"),
                    None => format!("[{index}]"),
                };
                let key = key.cloned().unwrap_or_else(|| format!("i:{index}"));
                enter(Step { key, shown }, item, tree, path, lost);
            }
        }
        _ => {}
    }
}

/// Whether a key of the tree, `k:{"name":"valkey"}` or `v:"x"`, names an item of a list.
fn names(key: &str, item: &Value) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    if let Some(keys) = key.strip_prefix("k:").and_then(read) {
        let mut keys = keys.as_object().into_iter().flatten().peekable();
        return keys.peek().is_some()
            && keys.all(|(name, value)| match item.get(name) {
                Some(own) => own == value,
                // The one key that Kubernetes fills in.
                None => name == "protocol" && value == "TCP",
            });
    }
    key.strip_prefix("v:").and_then(read).is_some_and(|value| value == *item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::cache::KindId;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use serde_json::json;

    fn service() -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "shop-client", "namespace": "ns",
                "labels": { "app.kubernetes.io/name": "valkey" },
            },
            "spec": {
                "type": "ClusterIP",
                "ports": [{ "name": "valkey", "port": 6379, "targetPort": "valkey" }],
                "loadBalancerSourceRanges": ["10.0.0.0/8"],
            },
        })
    }

    fn tree() -> Value {
        json!({
            "f:metadata": { "f:labels": { "f:app.kubernetes.io/name": {} } },
            "f:spec": {
                "f:type": {},
                "f:ports": { "k:{\"port\":6379,\"protocol\":\"TCP\"}": {
                    ".": {}, "f:name": {}, "f:port": {}, "f:targetPort": {},
                } },
                "f:loadBalancerSourceRanges": {},
            },
        })
    }

    fn child(entries: &Value) -> Child {
        let metadata: ObjectMeta = serde_json::from_value(json!({
            "name": "shop-client", "namespace": "ns", "uid": "u", "resourceVersion": "7",
            "managedFields": entries,
        }))
        .unwrap();
        let kind = KindId::of(&KindId::all().next().unwrap().key("ns", "x")).unwrap();
        Child::of(kind, metadata, &Value::Null).unwrap()
    }

    fn entry(manager: &str, operation: &str, time: &str, tree: &Value) -> Value {
        json!({ "manager": manager, "operation": operation, "time": time, "fieldsV1": tree })
    }

    const NOON: &str = "2026-01-01T12:00:00Z";

    #[test]
    fn what_is_still_ours_is_converged() {
        let child = child(&json!([entry("gungnir", "Apply", NOON, &tree())]));
        assert_eq!(taken(&service(), &child), Some(vec![]));
    }

    #[test]
    fn whoever_else_has_a_value_is_named() {
        let port = "k:{\"port\":6379,\"protocol\":\"TCP\"}";
        let theirs = json!({ "f:spec": { "f:ports": { port: { "f:targetPort": {} } } } });
        let ranges = json!({ "f:spec": { "f:loadBalancerSourceRanges": {} } });
        let child = child(&json!([
            entry("gungnir", "Apply", NOON, &tree()),
            entry("kubectl-edit", "Update", "2026-01-02T00:00:00Z", &theirs),
            entry("rival", "Apply", NOON, &ranges),
        ]));
        for (pointer, by) in [
            ("/spec/ports/0/targetPort", Some("kubectl-edit")),
            ("/spec/ports/0", Some("kubectl-edit")),
            ("/spec/ports/0/name", None),
            ("/spec/ports/1/targetPort", None),
            ("/spec/loadBalancerSourceRanges/0", Some("rival")),
            ("/spec/type", None),
        ] {
            let found = writer(&service(), &child, pointer, "gungnir");
            assert_eq!(found.map(|(manager, _)| manager).as_deref(), by, "{pointer}");
        }
    }

    #[test]
    fn an_object_that_we_never_applied_is_not_ours() {
        for entries in [json!([]), json!([entry("gungnir", "Update", NOON, &tree())])] {
            assert_eq!(taken(&service(), &child(&entries)), None, "{entries}");
        }
    }

    #[test]
    fn a_field_that_left_our_tree_is_named_with_who_has_it_now() {
        for (name, gone, theirs, path, by) in [
            (
                "a scalar",
                "/f:spec/f:type",
                json!({ "f:spec": { "f:type": {} } }),
                "spec.type",
                Some("kubectl-edit"),
            ),
            (
                "removed",
                "/f:spec/f:type",
                json!({ "f:spec": { "f:clusterIP": {} } }),
                "spec.type",
                None,
            ),
            (
                "a label",
                "/f:metadata/f:labels/f:app.kubernetes.io~1name",
                json!({ "f:metadata": { "f:labels": { "f:app.kubernetes.io/name": {} } } }),
                "metadata.labels[\"app.kubernetes.io/name\"]",
                Some("kubectl-edit"),
            ),
            (
                "a field of an item",
                "/f:spec/f:ports/k:{\"port\":6379,\"protocol\":\"TCP\"}/f:targetPort",
                json!({ "f:spec": { "f:ports": { "k:{\"port\":6379,\"protocol\":\"TCP\"}": { "f:targetPort": {} } } } }),
                "spec.ports[valkey].targetPort",
                Some("kubectl-edit"),
            ),
        ] {
            let mut ours = tree();
            let (parent, key) = gone.rsplit_once('/').unwrap();
            let key = key.replace("~1", "/");
            let parent = ours.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            assert!(parent.remove(&key).is_some(), "{name}");
            if parent.is_empty() {
                ours["f:metadata"] = json!({});
                ours.as_object_mut().unwrap().remove("f:metadata");
            }
            let entries = json!([
                entry("gungnir", "Apply", "2026-01-01T11:00:00Z", &ours),
                entry("kubectl-edit", "Update", NOON, &theirs),
            ]);
            let lost = taken(&service(), &child(&entries)).unwrap();
            let expected = if name == "a label" { "metadata.labels" } else { path };
            assert_eq!(lost.len(), 1, "{name}: {lost:?}");
            assert_eq!((lost[0].path.as_str(), lost[0].by.as_deref()), (expected, by), "{name}");
            assert_eq!(lost[0].at, Some(NOON.parse().unwrap()), "{name}");
        }
    }

    #[test]
    fn what_a_controller_writes_to_the_status_is_no_drift() {
        let status = json!({
            "manager": "kube-controller-manager", "operation": "Update", "time": NOON,
            "subresource": "status", "fieldsV1": { "f:status": { "f:loadBalancer": {} } },
        });
        let child = child(&json!([entry("gungnir", "Apply", NOON, &tree()), status]));
        assert_eq!(taken(&service(), &child), Some(vec![]));
    }

    #[test]
    fn volume_claim_templates_are_left_out() {
        let set = json!({ "spec": { "replicas": 3, "volumeClaimTemplates": [{ "spec": {} }] } });
        let ours = json!({ "f:spec": { "f:replicas": {} } });
        let child = child(&json!([entry("gungnir", "Apply", NOON, &ours)]));
        assert_eq!(taken(&set, &child), Some(vec![]));
    }
}
