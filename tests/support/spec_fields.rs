//! Every field of a cluster's spec, as its schema has them.

use gungnir::api::{KUBERNETES_TYPES, crd};
use serde_json::Value;

/// Fields that nobody can set in this version.
pub const REFUSED: &[&str] = &["spec.restoreFrom.backupName"];

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

/// Which of `fields` a cluster sets.
pub fn set_in<'a>(cluster: &Value, fields: &'a [String]) -> Vec<&'a String> {
    let is_set =
        |field: &&String| field.split('.').try_fold(cluster, |value, key| value.get(key)).is_some();
    fields.iter().filter(is_set).collect()
}
