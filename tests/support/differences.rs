//! Where two objects differ, by path: whole objects in a message are of no use to anybody.
// Several test files have this; each of them uses a part.
#![allow(dead_code)]

use serde_json::Value;

/// Every path at which `actual` is not `expected`.
pub fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(Some(expected), Some(actual), "", &mut found);
    found
}

/// Every path of `expected` at which `actual` is not the same; it may hold more fields.
pub fn missing(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = differences(expected, actual);
    found.retain(|difference| !difference.contains(": expected nothing, "));
    found
}

fn compare(expected: Option<&Value>, actual: Option<&Value>, path: &str, found: &mut Vec<String>) {
    match (expected, actual) {
        (Some(Value::Object(expected)), Some(Value::Object(actual))) => {
            let only_actual = actual.keys().filter(|name| !expected.contains_key(*name));
            for name in expected.keys().chain(only_actual) {
                let path = format!("{path}.{name}");
                compare(expected.get(name), actual.get(name), &path, found);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(actual)))
            if expected.len() == actual.len() =>
        {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(Some(expected), Some(actual), &format!("{path}[{index}]"), found);
            }
        }
        _ if expected == actual => {}
        _ => {
            let shown = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
            found.push(format!("{path}: expected {}, found {}", shown(expected), shown(actual)));
        }
    }
}
