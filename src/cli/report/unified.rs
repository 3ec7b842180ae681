//! The default: each object, each value that differs in it, and what that does.

use std::fmt;

use serde_json::Value;

use crate::cli::report::Paint;
use crate::cli::report::Plan;
use crate::cli::report::Style;
use crate::cli::report::lines;
use crate::cli::report::visible;
use crate::manifest::Action;
use crate::manifest::Comparison;
use crate::manifest::FieldChange;
use crate::manifest::ObjectChange;
use crate::manifest::Segment;
use crate::manifest::yaml;

/// Writes the report.
///
/// # Errors
///
/// Whatever `out` answers.
pub fn write(out: &mut impl fmt::Write, comparison: &Comparison, style: Style) -> fmt::Result {
    for object in &comparison.objects {
        write_object(out, object, style)?;
    }
    style.line(out, Paint::Heading, format_args!("{}", Plan(comparison)))
}

/// Writes one object and its changes.
pub(super) fn write_object(
    out: &mut impl fmt::Write,
    object: &ObjectChange,
    style: Style,
) -> fmt::Result {
    let key = object.key.to_string();
    let name = |side: char, missing: Action| {
        if object.action == missing {
            "/dev/null".to_owned()
        } else {
            format!("{side}/{}", visible(&key))
        }
    };
    style.line(out, Paint::Heading, format_args!("--- {}", name('a', Action::Add)))?;
    style.line(out, Paint::Heading, format_args!("+++ {}", name('b', Action::Delete)))?;
    object.fields.iter().try_for_each(|field| write_field(out, field, style))
}

fn write_field(out: &mut impl fmt::Write, field: &FieldChange, style: Style) -> fmt::Result {
    let FieldChange { path, old, new, impact, note } = field;
    let path = if path.is_root() { "whole object".to_owned() } else { path.to_string() };
    let colon = if note.is_empty() { "" } else { ": " };
    style.line(
        out,
        Paint::Place,
        format_args!("@@ {} @@ {impact}{colon}{note}", visible(&path)),
    )?;
    match (old, new) {
        (Some(Value::String(old)), Some(Value::String(new)))
            if old.contains('\n') || new.contains('\n') =>
        {
            lines::write(out, style, old, new)
        }
        _ => {
            let mut side = |paint, value: &Option<Value>| match value {
                Some(value) => lines::write_all(out, style, paint, &shown(field, value)),
                None => Ok(()),
            };
            side(Paint::Removed, old)?;
            side(Paint::Added, new)
        }
    }
}

/// A value as YAML; a text of several lines and the arguments of a directive as they are.
fn shown(field: &FieldChange, value: &Value) -> String {
    let in_text = matches!(field.path.segments().last(), Some(Segment::Directive(_)));
    match value {
        Value::String(text) if in_text || text.contains('\n') => text.clone(),
        // JSON is YAML too, should the writer ever refuse a value.
        other => yaml::block(other, 0).unwrap_or_else(|_| format!("{other:#}\n")),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::report::tests::comparison;

    use super::*;

    const EXPECTED: &str = "\
--- a/v1/Secret/shop/cache-secret
+++ /dev/null
@@ whole object @@ failover: a pod that restarts cannot start without it
-apiVersion: v1
-kind: Secret
-metadata:
-  namespace: shop
-  name: cache-secret
-stringData:
-  password: \"<secret #1>\"
--- a/v1/ConfigMap/shop/cache-config
+++ b/v1/ConfigMap/shop/cache-config
@@ data[\"start.sh\"] @@ rolling-restart: is read when a pod starts
@@ -2,7 +2,7 @@
 b
 c
 d
-old
+new
 e
 f
 g
--- /dev/null
+++ b/v1/Service/shop/cache|client
@@ whole object @@ none
+apiVersion: v1
+kind: Service
+metadata:
+  namespace: shop
+  name: cache|client
--- a/v1/StatefulSet/shop/cache
+++ b/v1/StatefulSet/shop/cache
@@ spec.replicas @@ none: new replicas copy the data from the master
-3
+5
@@ spec.template.spec.containers[valkey].args[1] @@ rolling-restart: restarts every pod: replicas first, then a handover, the old master last
-two
@@ spec.template.spec.containers[valkey].image @@ rolling-restart: restarts every pod: replicas first, then a handover, the old master last; irreversible: an older major cannot read newer data
-valkey:8.1
+valkey:9.0
@@ spec.template.spec.containers[valkey].resources @@ rolling-restart: restarts every pod: replicas first, then a handover, the old master last
+limits:
+  cpu: 1
Plan: 1 to add, 2 to change, 1 to delete; impact: failover
";

    fn report(comparison: &Comparison, color: bool) -> String {
        let mut out = String::new();
        write(&mut out, comparison, Style { color }).unwrap();
        out
    }

    #[test]
    fn each_value_has_its_place_its_impact_and_its_reason() {
        assert_eq!(report(&comparison(), false), EXPECTED);
    }

    #[test]
    fn colours_add_nothing_but_colours() {
        let coloured = report(&comparison(), true);
        assert!(coloured.contains("\x1b[31m-3\x1b[0m\n\x1b[32m+5\x1b[0m\n"), "{coloured}");
        let codes = ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[36m"];
        assert_eq!(codes.iter().fold(coloured, |text, code| text.replace(code, "")), EXPECTED);
    }

    #[test]
    fn no_difference_is_a_plan_of_nothing() {
        let empty = report(&Comparison::default(), false);
        assert_eq!(empty, "Plan: 0 to add, 0 to change, 0 to delete; impact: none\n");
    }
}
