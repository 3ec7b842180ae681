//! Holds a value against an OpenAPI v3 schema as Kubernetes writes them, and takes a field that
//! the schema does not name for a fault. A keyword that is not known here fails the test: nothing
//! is passed over in silence.

use serde_json::Map;
use serde_json::Value;

/// Keywords that say nothing about one value, and `pattern`, which rung 8 has checked for us.
const SILENT: &[&str] = &["default", "description", "pattern", "title"];

/// One document, in which references lead to other schemas.
pub struct Check<'d> {
    document: &'d Value,
}

impl<'d> Check<'d> {
    /// References are resolved in `document`.
    pub fn within(document: &'d Value) -> Self {
        Self { document }
    }

    /// Everything in `value`, which is at `path`, that does not fit.
    pub fn faults(&self, schema: &Value, value: &Value, path: &str) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(schema, value, path, &mut faults);
        faults
    }

    fn check(&self, schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
        let keywords = schema.as_object().unwrap_or_else(|| panic!("{path}: no schema: {schema}"));
        let mut fault = |message: &str| faults.push(format!("{path}: {message}"));
        for (keyword, rule) in keywords {
            match keyword.as_str() {
                "type" => {
                    if let Some(message) = type_fault(rule, value) {
                        // Whatever else it is, it is not this.
                        fault(message);
                        return;
                    }
                }
                "format" => {
                    if rule == "int32" && value.as_i64().is_some_and(|n| i32::try_from(n).is_err())
                    {
                        fault("not an int32");
                    }
                }
                "enum" => {
                    if !rule.as_array().unwrap().contains(value) {
                        fault("not one of the enumerated values");
                    }
                }
                "minimum" => {
                    if value.as_f64() < rule.as_f64() {
                        fault("below the minimum");
                    }
                }
                "maximum" => {
                    if value.as_f64() > rule.as_f64() {
                        fault("above the maximum");
                    }
                }
                "minLength" => {
                    if length(value) < rule.as_u64() {
                        fault("too short");
                    }
                }
                "maxLength" | "maxItems" | "maxProperties" => {
                    if length(value) > rule.as_u64() {
                        fault("too long");
                    }
                }
                "required" => {
                    for name in rule.as_array().unwrap() {
                        if value.get(name.as_str().unwrap()).is_none() {
                            fault(&format!("`{}` is missing", name.as_str().unwrap()));
                        }
                    }
                }
                "$ref"
                | "allOf"
                | "anyOf"
                | "oneOf"
                | "items"
                | "properties"
                | "additionalProperties" => {}
                known if known.starts_with("x-kubernetes-") || SILENT.contains(&known) => {}
                unknown => panic!("{path}: the keyword `{unknown}` is not known to this check"),
            }
        }
        self.combined(keywords, value, path, faults);
        self.below(keywords, value, path, faults);
    }

    /// The schemas that a schema is made of.
    fn combined(
        &self,
        keywords: &Map<String, Value>,
        value: &Value,
        path: &str,
        faults: &mut Vec<String>,
    ) {
        if let Some(reference) = keywords.get("$ref") {
            let pointer = reference.as_str().unwrap().trim_start_matches('#');
            let schema = self.document.pointer(pointer);
            let schema = schema.unwrap_or_else(|| panic!("{path}: {reference} leads nowhere"));
            self.check(schema, value, path, faults);
        }
        let branches = |keyword: &str| keywords.get(keyword).and_then(Value::as_array);
        for branch in branches("allOf").into_iter().flatten() {
            self.check(branch, value, path, faults);
        }
        for (keyword, most) in [("anyOf", usize::MAX), ("oneOf", 1)] {
            let Some(branches) = branches(keyword) else { continue };
            let fits = |branch: &&Value| self.faults(branch, value, path).is_empty();
            let fitting = branches.iter().filter(fits).count();
            if fitting == 0 || fitting > most {
                faults.push(format!("{path}: fits {fitting} of {} schemas", branches.len()));
            }
        }
    }

    /// The items of a list, the fields of a map.
    fn below(
        &self,
        keywords: &Map<String, Value>,
        value: &Value,
        path: &str,
        faults: &mut Vec<String>,
    ) {
        if let (Some(schema), Some(items)) = (keywords.get("items"), value.as_array()) {
            for (index, item) in items.iter().enumerate() {
                self.check(schema, item, &format!("{path}[{index}]"), faults);
            }
        }
        let named = keywords.get("properties").and_then(Value::as_object);
        let others = keywords.get("additionalProperties");
        // Without either, a schema speaks of any object.
        let closed = named.is_some()
            && others.is_none()
            && keywords.get("x-kubernetes-preserve-unknown-fields") != Some(&Value::Bool(true));
        for (name, field) in value.as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match named.and_then(|named| named.get(name)).or(others) {
                Some(Value::Bool(true)) => {}
                Some(schema) => self.check(schema, field, &path, faults),
                None if closed => faults.push(format!("{path}: unknown field")),
                None => {}
            }
        }
    }
}

fn type_fault(wanted: &Value, value: &Value) -> Option<&'static str> {
    let (fits, message) = match wanted.as_str() {
        Some("array") => (value.is_array(), "not an array"),
        Some("boolean") => (value.is_boolean(), "not a boolean"),
        Some("integer") => (value.is_i64() || value.is_u64(), "not an integer"),
        Some("number") => (value.is_number(), "not a number"),
        Some("object") => (value.is_object(), "not an object"),
        Some("string") => (value.is_string(), "not a string"),
        _ => panic!("the type {wanted} is not known to this check"),
    };
    (!fits).then_some(message)
}

/// How many characters, items or fields there are.
fn length(value: &Value) -> Option<u64> {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        _ => return None,
    };
    u64::try_from(length).ok()
}
