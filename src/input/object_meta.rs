//! The `metadata` of every object, which a CRD's own schema leaves out.

use serde_json::{Value, json};

/// The schema of `ObjectMeta`. What only the API server writes is known but not looked
/// into, so that an object read back from a cluster is accepted.
pub(super) fn openapi() -> Value {
    let texts =
        json!({"type": "object", "additionalProperties": {"type": "string"}, "nullable": true});
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "namespace": {"type": "string"},
            "labels": texts,
            "annotations": texts,
            "finalizers": {"type": "array", "items": {"type": "string"}, "nullable": true},
            "ownerReferences": {},
            "generateName": {"type": "string"},
            "uid": {"type": "string"},
            "resourceVersion": {"type": "string"},
            "generation": {"type": "integer"},
            "creationTimestamp": {},
            "deletionTimestamp": {},
            "deletionGracePeriodSeconds": {"type": "integer", "nullable": true},
            "managedFields": {},
            "selfLink": {"type": "string"},
        },
    })
}
