//! The `metadata` of every object, which a CRD's own schema leaves out.

/// The schema of `ObjectMeta`, as JSON. What only the API server writes is known but not looked
/// into, so that an object read back from a cluster is accepted.
pub(super) const OPENAPI: &str = r#"{"type":"object","properties":{
"name":{"type":"string","minLength":1},
"namespace":{"type":"string"},
"labels":{"type":"object","additionalProperties":{"type":"string"},"nullable":true},
"annotations":{"type":"object","additionalProperties":{"type":"string"},"nullable":true},
"finalizers":{"type":"array","items":{"type":"string"},"nullable":true},
"ownerReferences":{},
"generateName":{"type":"string"},
"uid":{"type":"string"},
"resourceVersion":{"type":"string"},
"generation":{"type":"integer"},
"creationTimestamp":{},
"deletionTimestamp":{},
"deletionGracePeriodSeconds":{"type":"integer","nullable":true},
"managedFields":{},
"selfLink":{"type":"string"}
}}"#;
