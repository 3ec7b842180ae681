//! The CustomResourceDefinition, generated from the Rust types.
//!
//! kube derives it; three things are put right here: a field's own description wins over that of
//! its type, `null` means absent (the API server drops it), and Kubernetes' own types come without
//! their descriptions, which would be three quarters of the text.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::spec::ValkeyCluster;

/// The API group.
pub const GROUP: &str = "valkey.verilean.io";
/// The API version.
pub const VERSION: &str = "v1";
/// The kind.
pub const KIND: &str = "ValkeyCluster";
/// The name of the CustomResourceDefinition.
pub const CRD_NAME: &str = "valkeyclusters.valkey.verilean.io";

/// Fields whose types are Kubernetes' own, by name wherever they stand.
pub const KUBERNETES_TYPES: &[&str] = &[
    "affinity",
    "allowFrom",
    "conditions",
    "env",
    "extraContainers",
    "extraVolumeMounts",
    "extraVolumes",
    "imagePullSecrets",
    "resources",
    "tolerations",
    "topologySpreadConstraints",
];

/// The CustomResourceDefinition of [`ValkeyCluster`], as the object that is applied.
#[must_use]
pub fn crd() -> &'static Value {
    static CRD: LazyLock<Value> = LazyLock::new(|| finish(&ValkeyCluster::crd()));
    &CRD
}

/// The OpenAPI v3 schema of one `ValkeyCluster`, as the CustomResourceDefinition carries it but for
/// descriptions and rules: JSON, one schema a line. The first line is the whole; a schema with
/// fields that stands below another is a line of its own, and `{"$ref":3}` in its place says which,
/// counted from 0. So whoever looks up a field need not read the text of all others.
///
/// A file, which a test holds against [`schema_lines`]: deriving it takes ten times as long as all
/// the rest of a render.
pub const SCHEMA_LINES: &str = include_str!("schema.jsonl");

/// What [`SCHEMA_LINES`] has to be: the schema of [`crd`].
#[must_use]
pub fn schema_lines() -> String {
    let mut schema = schema_of(crd()).clone();
    clean(&mut schema, true);
    let mut lines = vec![String::new()];
    set_apart(&mut schema, &mut lines);
    lines[0] = schema.to_string();
    lines.join("\n") + "\n"
}

/// Moves each schema with fields below `schema` to a line of its own, those below it first.
fn set_apart(schema: &mut Value, lines: &mut Vec<String>) {
    let Some(keywords) = schema.as_object_mut() else { return };
    for (keyword, value) in keywords {
        let below: Vec<&mut Value> = match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => properties.values_mut().collect(),
            ("items" | "additionalProperties", value) => vec![value],
            _ => continue,
        };
        for schema in below {
            set_apart(schema, lines);
            if schema.get("properties").is_some() {
                let text = schema.to_string();
                let line = lines.iter().position(|known| *known == text).unwrap_or(lines.len());
                if line == lines.len() {
                    lines.push(text);
                }
                *schema = json!({ "$ref": line });
            }
        }
    }
}

fn schema_of(crd: &Value) -> &Value {
    &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

fn finish(derived: &CustomResourceDefinition) -> Value {
    let mut crd = serde_json::to_value(derived).unwrap_or_default();
    let settings = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
    let written = settings.into_generator().into_root_schema_for::<ValkeyCluster>();
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    describe(schema, written.as_value());
    clean(schema, false);
    // Helm leaves it, and with it every cluster, when the chart is uninstalled.
    crd["metadata"]["annotations"] = json!({ "helm.sh/resource-policy": "keep" });
    crd
}

/// Gives each property the description that is written on its field.
fn describe(schema: &mut Value, written: &Value) {
    if let (Some(items), Some(written)) = (schema.get_mut("items"), part(written, "items")) {
        describe(items, written);
    }
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, property) in properties {
        let Some(field) = part(written, "properties").and_then(|fields| fields.get(name)) else {
            continue;
        };
        if let Some(description) = field.get("description") {
            property["description"] = description.clone();
        }
        describe(property, field);
    }
}

/// A keyword of a schema, which stands in a branch of `anyOf` where the value may be null.
fn part<'v>(written: &'v Value, keyword: &str) -> Option<&'v Value> {
    written.get(keyword).or_else(|| {
        let branches = written.get("anyOf")?.as_array()?;
        branches.iter().find_map(|branch| part(branch, keyword))
    })
}

/// Drops what the API server or a reader has no use for; `bare` drops descriptions and rules
/// as well.
fn clean(schema: &mut Value, bare: bool) {
    match schema {
        Value::Object(keywords) => {
            if keywords.get("nullable").is_some_and(Value::is_boolean) {
                keywords.remove("nullable");
            }
            if bare && keywords.get("description").is_some_and(Value::is_string) {
                keywords.remove("description");
            }
            if bare {
                keywords.remove("x-kubernetes-validations");
            }
            for (keyword, value) in keywords {
                if let ("properties", Value::Object(properties)) = (keyword.as_str(), &mut *value) {
                    for (name, property) in properties {
                        let kubernetes = KUBERNETES_TYPES.contains(&name.as_str());
                        let description = property.get("description").cloned();
                        clean(property, bare || kubernetes);
                        if let (false, true, Some(text)) = (bare, kubernetes, description) {
                            property["description"] = text;
                        }
                    }
                } else {
                    clean(value, bare);
                }
            }
        }
        // A range of integers is written as floats, which the API server would rewrite.
        Value::Number(number) => {
            let whole = number.as_f64().filter(|_| number.is_f64()).map(|float| float.to_string());
            if let Some(whole) = whole.and_then(|text| text.parse::<i64>().ok()) {
                *number = whole.into();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| clean(value, bare)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                let path = format!("{path}.{name}");
                visit(&path, property);
                if !KUBERNETES_TYPES.contains(&name.as_str()) {
                    walk(property, &path, visit);
                }
            }
        }
        if let Some(items) = schema.get("items") {
            walk(items, path, visit);
        }
    }

    #[test]
    fn every_field_has_a_description_and_says_its_default() {
        let mut without = Vec::new();
        walk(&schema_of(crd())["properties"]["spec"], "spec", &mut |path, property| {
            let text = property["description"].as_str().unwrap_or_default();
            let structure = property.get("properties").is_some();
            let field = path.rsplit('.').next();
            let required = matches!(field, Some("name" | "backupName"));
            let says_when = text.contains("cert-manager issuer")
                || text.contains("Not supported")
                || text.contains("Prometheus operator")
                || text.contains("`PrometheusRule`");
            if text.is_empty() || !(text.contains("Default:") || structure || required || says_when)
            {
                without.push(format!("{path}: {text}"));
            }
        });
        assert!(without.is_empty(), "{without:#?}");
    }

    #[test]
    fn it_is_small_enough_for_a_client_side_apply() {
        // kubectl keeps a copy in an annotation of at most 256 KiB.
        let bytes = crd().to_string().len();
        assert!(bytes < 128 << 10, "{bytes} bytes");
    }

    #[test]
    fn defaults_are_not_in_the_schema() {
        walk(&schema_of(crd())["properties"]["spec"], "spec", &mut |path, property| {
            assert!(property.get("default").is_none(), "{path}");
            assert!(property.get("nullable").is_none(), "{path}");
        });
    }
}
