//! An object as it is compared: as it is, and as it would be.

use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

use crate::manifest::{Manifest, ManifestError};
use crate::operator::annotation::Annotation;
use crate::operator::cache::KindId;

/// What only a server writes into metadata.
const SERVER_SET: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// An object with its kind, which lists leave out.
pub(super) fn whole(kind: KindId, object: &DynamicObject) -> Value {
    let resource = &kind.row().resource;
    let mut whole = json!({ "apiVersion": resource.api_version, "kind": resource.kind });
    whole["metadata"] = json!(object.metadata);
    for (name, value) in object.data.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
            whole[name] = value.clone();
        }
    }
    whole
}

/// An object without what only a server writes, and without the hash of what was applied where that
/// only says again that something differs.
pub(super) fn bare(mut object: Value, hash: bool) -> Result<Manifest, ManifestError> {
    if let Some(object) = object.as_object_mut() {
        object.shift_remove("status");
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in SERVER_SET {
                metadata.shift_remove(field);
            }
            if !hash
                && let Some(annotations) =
                    metadata.get_mut("annotations").and_then(Value::as_object_mut)
            {
                for annotation in [Annotation::Applied, Annotation::Generation] {
                    annotations.shift_remove(annotation.key());
                }
                if annotations.is_empty() {
                    metadata.shift_remove("annotations");
                }
            }
        }
    }
    Manifest::from_object(object)
}

/// What an apply would leave if no field were immutable, nearly: what is rendered over what is
/// there, lists item by item.
pub(super) fn overlaid(live: &Value, rendered: &Value) -> Value {
    match (live, rendered) {
        (Value::Object(live), Value::Object(rendered)) => {
            let mut fields: Map<String, Value> = live.clone();
            for (name, value) in rendered {
                let over = live.get(name).map_or(value.clone(), |live| overlaid(live, value));
                fields.insert(name.clone(), over);
            }
            Value::Object(fields)
        }
        (Value::Array(live), Value::Array(rendered)) => {
            let items = rendered.iter().enumerate().map(|(index, item)| {
                let twin = match name_of(item) {
                    Some(name) => live.iter().find(|live| name_of(live) == Some(name)),
                    None => live.get(index).filter(|_| live.len() == rendered.len()),
                };
                twin.map_or_else(|| item.clone(), |live| overlaid(live, item))
            });
            Value::Array(items.collect())
        }
        _ => rendered.clone(),
    }
}

/// The name of an item of a list.
fn name_of(item: &Value) -> Option<&str> {
    item.get("name").or_else(|| item.pointer("/metadata/name"))?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rendered_goes_over_what_is_there() {
        let live = json!({
            "spec": {
                "replicas": 3, "defaulted": true,
                "containers": [{ "name": "a", "image": "x", "pull": "Always" }, { "name": "b" }],
                "claims": [{ "metadata": { "name": "data" }, "spec": { "size": "1Gi", "mode": "F" } }],
                "args": ["one", "two"],
            },
        });
        let rendered = json!({
            "spec": {
                "replicas": 5,
                "containers": [{ "name": "b" }, { "name": "a", "image": "y" }],
                "claims": [{ "metadata": { "name": "data" }, "spec": { "size": "2Gi" } }],
                "args": ["one"],
            },
        });
        assert_eq!(
            overlaid(&live, &rendered),
            json!({
                "spec": {
                    "replicas": 5, "defaulted": true,
                    "containers": [
                        { "name": "b" }, { "name": "a", "image": "y", "pull": "Always" },
                    ],
                    "claims": [
                        { "metadata": { "name": "data" }, "spec": { "size": "2Gi", "mode": "F" } },
                    ],
                    "args": ["one"],
                },
            })
        );
    }

    #[test]
    fn what_only_a_server_writes_is_left_out() {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": "a", "uid": "u", "resourceVersion": "1", "managedFields": [],
                "annotations": { "valkey.verilean.io/applied": "hash" },
            },
            "status": {},
        });
        let shown = |hash| bare(object.clone(), hash).unwrap().object().unwrap();
        let plain = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" },
        });
        assert_eq!(shown(false), plain);
        assert_eq!(
            shown(true).pointer("/metadata/annotations/valkey.verilean.io~1applied"),
            Some(&json!("hash"))
        );
    }
}
