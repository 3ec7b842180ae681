//! The fields of a spec, as the CustomResourceDefinition has them.

use gungnir::api::crd;
use serde_json::Value;

/// Fields whose types are Kubernetes' own: one thing to show, whatever they hold.
const KUBERNETES_TYPES: &[&str] = &[
    "affinity",
    "allowFrom",
    "env",
    "extraContainers",
    "extraVolumeMounts",
    "extraVolumes",
    "imagePullSecrets",
    "resources",
    "tolerations",
    "topologySpreadConstraints",
];

/// Every field of the spec that has no fields of Gungnir's own below it.
pub fn fields_of_the_spec() -> Vec<String> {
    fn walk(schema: &Value, path: &str, fields: &mut Vec<String>) {
        match schema.get("properties").and_then(Value::as_object) {
            None => fields.push(path.to_owned()),
            Some(properties) => {
                for (name, property) in properties {
                    let path = format!("{path}.{name}");
                    if KUBERNETES_TYPES.contains(&name.as_str()) {
                        fields.push(path);
                    } else {
                        walk(property, &path, fields);
                    }
                }
            }
        }
    }
    let mut fields = Vec::new();
    walk(
        &crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"],
        "spec",
        &mut fields,
    );
    assert!(fields.len() > 70, "the schema was not walked: {fields:?}");
    fields
}
