//! What stands beside a status that was applied: pure.
//!
//! Server-side apply takes from others the fields that it names, and leaves them those that it does
//! not. A record that somebody has put back, or a status that was edited, has both.

use serde_json::{Map, Value};

/// The merge patch that takes away what is found beside what was applied; `None` where there is
/// nothing.
#[must_use]
pub fn remnant(applied: &Value, found: &Value) -> Option<Value> {
    let (applied, found) = (applied.as_object()?, found.as_object()?);
    let rest = found.iter().filter_map(|(key, found)| match applied.get(key) {
        None => Some((key.clone(), Value::Null)),
        Some(applied) => Some((key.clone(), remnant(applied, found)?)),
    });
    let rest: Map<String, Value> = rest.collect();
    (!rest.is_empty()).then_some(Value::Object(rest))
}

/// Whether all of what was applied is found as it is, whatever else is.
#[must_use]
pub fn stands_in(applied: &Value, found: &Value) -> bool {
    match (applied.as_object(), found.as_object()) {
        (Some(applied), Some(found)) => applied
            .iter()
            .all(|(key, value)| found.get(key).is_some_and(|found| stands_in(value, found))),
        _ => applied == found,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_applied_is_taken_away_and_nothing_else() {
        let record = json!({ "w": 1, "master": { "pod": "shop-1" }, "served": ["a"] });
        assert_eq!(remnant(&record, &record), None);
        assert_eq!(remnant(&record, &Value::Null), None);
        let found = json!({
            "w": 1,
            "master": { "pod": "shop-1", "containerId": "c" },
            "served": ["a"],
            "target": "shop-0",
            "inSync": [{ "pod": "shop-0" }],
        });
        let expected = json!({ "master": { "containerId": null }, "target": null, "inSync": null });
        assert_eq!(remnant(&record, &found), Some(expected));
        assert!(stands_in(&record, &record) && stands_in(&record, &found));
        assert!(!stands_in(&found, &record), "a target is missing");
        assert!(!stands_in(&json!({ "w": 2 }), &found), "another says something else");
    }
}
