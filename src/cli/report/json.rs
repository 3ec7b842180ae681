//! For programs. The shape is a promise: fields may join it, none changes or goes within `v1`.
//!
//! ```json
//! {
//!   "apiVersion": "gungnir/v1",
//!   "kind": "Comparison",
//!   "objects": [{
//!     "apiVersion": "apps/v1", "kind": "StatefulSet", "namespace": "shop", "name": "cache",
//!     "action": "change", "impact": "failover",
//!     "changes": [{
//!       "path": "spec.replicas", "pointer": "/spec/replicas", "old": 5, "new": 3,
//!       "impact": "failover", "note": "hands over first if …"
//!     }]
//!   }],
//!   "plan": { "add": 0, "change": 1, "delete": 0, "impact": "failover" }
//! }
//! ```
//!
//! `action` is `add`, `change` or `delete`; an added or deleted object is one change with an empty
//! path, which is the whole object. `old` or `new` is `null` where there is no value; `namespace`
//! is `null` where there is none. `pointer` is a JSON Pointer (RFC 6901) into the newer object, or
//! into the older one when `new` is `null`; a directive inside `valkey.conf` points at the text.

use std::fmt;

use serde_json::Value;
use serde_json::json;

use crate::manifest::Action;
use crate::manifest::Comparison;
use crate::manifest::FieldChange;
use crate::manifest::ObjectChange;

/// Writes the report, pretty-printed, ending in a line break.
///
/// # Errors
///
/// Whatever `out` answers.
pub fn write(out: &mut impl fmt::Write, comparison: &Comparison) -> fmt::Result {
    let report = json!({
        "apiVersion": "gungnir/v1",
        "kind": "Comparison",
        "objects": comparison.objects.iter().map(object).collect::<Value>(),
        "plan": {
            "add": comparison.count(Action::Add),
            "change": comparison.count(Action::Change),
            "delete": comparison.count(Action::Delete),
            "impact": comparison.impact().name(),
        },
    });
    writeln!(out, "{report:#}")
}

fn object(object: &ObjectChange) -> Value {
    json!({
        "apiVersion": object.key.api_version(),
        "kind": object.key.kind,
        "namespace": object.key.namespace,
        "name": object.key.name,
        "action": object.action.name(),
        "impact": object.impact().name(),
        "changes": object.fields.iter().map(change).collect::<Value>(),
    })
}

fn change(field: &FieldChange) -> Value {
    json!({
        "path": field.path.to_string(),
        "pointer": field.pointer(),
        "old": field.old,
        "new": field.new,
        "impact": field.impact.name(),
        "note": field.note,
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::report::tests::comparison;

    use super::*;

    fn report(comparison: &Comparison) -> Value {
        let mut out = String::new();
        write(&mut out, comparison).unwrap();
        assert!(out.ends_with("}\n"));
        out.parse().unwrap()
    }

    #[test]
    fn the_shape_is_the_documented_one() {
        let report = report(&comparison());
        assert_eq!(
            report["plan"],
            json!({"add": 1, "change": 2, "delete": 1, "impact": "failover"})
        );
        let [secret, config, service, set] = report["objects"].as_array().unwrap().as_slice()
        else {
            panic!("four objects")
        };
        assert_eq!(
            *config,
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "namespace": "shop",
                "name": "cache-config",
                "action": "change",
                "impact": "rolling-restart",
                "changes": [{
                    "path": "data[\"start.sh\"]",
                    "pointer": "/data/start.sh",
                    "old": "a\nb\nc\nd\nold\ne\nf\ng\nh\n",
                    "new": "a\nb\nc\nd\nnew\ne\nf\ng\nh\n",
                    "impact": "rolling-restart",
                    "note": "is read when a pod starts",
                }],
            })
        );
        assert_eq!(secret["changes"][0]["new"], Value::Null);
        assert_eq!(secret["changes"][0]["old"]["stringData"]["password"], "<secret #1>");
        assert_eq!(
            (&service["action"], &service["changes"][0]["pointer"]),
            (&json!("add"), &json!(""))
        );
        let pointers: Vec<_> =
            set["changes"].as_array().unwrap().iter().map(|change| &change["pointer"]).collect();
        assert_eq!(
            pointers,
            [
                "/spec/replicas",
                "/spec/template/spec/containers/0/args/1",
                "/spec/template/spec/containers/0/image",
                "/spec/template/spec/containers/0/resources",
            ]
        );
    }

    #[test]
    fn no_difference_is_an_empty_list() {
        assert_eq!(
            report(&Comparison::default()),
            json!({
                "apiVersion": "gungnir/v1",
                "kind": "Comparison",
                "objects": [],
                "plan": {"add": 0, "change": 0, "delete": 0, "impact": "none"},
            })
        );
    }
}
