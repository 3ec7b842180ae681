//! Holds a document against a schema and names everything that does not fit.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::cure::{cure, wanted};
use super::document::Document;
use super::fault::Fault;
use super::limits::MAX_FAULTS;
use super::schema::{Bound, CountRange, Fields, Kind, NumberRange, Others, Schema};
use super::suggest;
use super::syntax::kind_of;
use crate::cluster::{FieldPath, Segment};

impl Schema {
    /// Everything in `document` that this schema does not allow, as far as
    /// [`MAX_FAULTS`]. [`Document::diagnostics`] puts the faults in order.
    #[must_use]
    pub fn faults(&self, document: &Document<'_>) -> Vec<Fault> {
        self.faults_of(document.value())
    }

    /// The same for a value that came from elsewhere.
    #[must_use]
    pub fn faults_of(&self, value: &Value) -> Vec<Fault> {
        let mut walk = Walk { top: self, way: Vec::new(), faults: Vec::new() };
        walk.value(self, value);
        walk.faults
    }
}

/// A step on the way down; it owns nothing, for most steps meet no fault.
#[derive(Clone, Copy)]
enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

/// A walk down one document.
struct Walk<'v> {
    top: &'v Schema,
    way: Vec<Step<'v>>,
    faults: Vec<Fault>,
}

impl<'v> Walk<'v> {
    fn path(&self) -> FieldPath {
        let segment = |step: &Step<'_>| match *step {
            Step::Key(key) => Segment::Key(key.to_owned()),
            Step::Index(index) => Segment::Index(index),
        };
        self.way.iter().map(segment).collect::<Vec<_>>().into()
    }

    fn is_full(&self) -> bool {
        self.faults.len() >= MAX_FAULTS
    }

    /// Notes a fault of the value that the walk stands on.
    fn note(&mut self, message: impl Into<String>, finish: impl FnOnce(Fault) -> Fault) {
        if !self.is_full() {
            self.faults.push(finish(Fault::new(self.path(), message)));
        }
    }

    fn below(&mut self, step: Step<'v>, schema: &Schema, value: &'v Value) {
        self.way.push(step);
        self.value(schema, value);
        self.way.pop();
    }

    fn value(&mut self, schema: &Schema, value: &'v Value) {
        if self.is_full() || value.is_null() && (schema.nullable || schema.kind == Kind::Any) {
            return;
        }
        match (&schema.kind, value) {
            (Kind::Any, _)
            | (Kind::Boolean, Value::Bool(_))
            | (Kind::IntOrString, Value::String(_)) => {}
            (Kind::Integer(range), Value::Number(number)) if !number.is_f64() => {
                self.range(range, number);
            }
            (Kind::Number(range), Value::Number(number)) => self.range(range, number),
            (Kind::String(count), Value::String(text)) => {
                if *count != CountRange::default() {
                    self.count(*count, text.chars().count(), "characters");
                }
            }
            (Kind::IntOrString, Value::Number(number)) if !number.is_f64() => {}
            (Kind::List(item, count), Value::Array(items)) => {
                self.count(*count, items.len(), "items");
                for (index, value) in items.iter().enumerate() {
                    self.below(Step::Index(index), item, value);
                }
            }
            (Kind::Mapping(fields), Value::Object(map)) => self.mapping(fields, map),
            (_, value) => return self.wrong_kind(schema, value),
        }
        if !schema.one_of.is_empty() && !schema.one_of.contains(value) {
            self.not_allowed(&schema.one_of, value);
        }
    }

    fn mapping(&mut self, fields: &Fields, map: &'v Map<String, Value>) {
        self.count(fields.count, map.len(), "entries");
        for (key, value) in map {
            if self.is_full() {
                return;
            }
            match (fields.named.get(key), &fields.others) {
                // The API server takes a field that is set to nothing for one that is not set.
                (Some(schema), _) if value.is_null() && !schema.nullable => {}
                (Some(schema), _) | (None, Others::Like(schema)) => {
                    self.below(Step::Key(key), schema, value);
                }
                (None, Others::Unknown) => {
                    let hint = suggest::for_field(key, fields, self.top);
                    self.way.push(Step::Key(key));
                    self.note("unknown field", |fault| Fault { hint, ..fault.at_key() });
                    self.way.pop();
                }
            }
        }
        let is_set = |name: &String| {
            let nullable = || fields.named.get(name).is_some_and(|schema| schema.nullable);
            map.get(name).is_some_and(|value| !value.is_null() || nullable())
        };
        for name in fields.required.iter().filter(|name| !is_set(name)) {
            if let Some((key, _)) = map.get_key_value(name) {
                self.way.push(Step::Key(key));
                self.note("the field is needed, but set to nothing", Fault::at_key);
                self.way.pop();
            } else {
                self.note(format!("the field `{name}` is missing"), Fault::at_key);
            }
        }
    }

    fn count(&mut self, range: CountRange, found: usize, what: &str) {
        let found = u64::try_from(found).unwrap_or(u64::MAX);
        let one = |limit: u64| if limit == 1 { singular(what) } else { what };
        if let Some(min) = range.min.filter(|min| found < *min) {
            self.note(format!("expected at least {min} {}, found {found}", one(min)), |f| f);
        }
        if let Some(max) = range.max.filter(|max| found > *max) {
            self.note(format!("expected at most {max} {}, found {found}", one(max)), |f| f);
        }
    }

    fn range(&mut self, range: &NumberRange, found: &Number) {
        let outside = |bound: &&Bound, wrong: Ordering| {
            let order = compare(found, &bound.value);
            order == wrong || bound.exclusive && order.is_eq()
        };
        let below = range.min.as_ref().filter(|bound| outside(bound, Ordering::Less));
        let above = range.max.as_ref().filter(|bound| outside(bound, Ordering::Greater));
        for (bound, words) in
            [(below, ["at least", "more than"]), (above, ["at most", "less than"])]
        {
            if let Some(Bound { value, exclusive }) = bound {
                let words = words[usize::from(*exclusive)];
                // Schemas write whole bounds as `1.0` too.
                let bound = value.to_string();
                let bound = bound.strip_suffix(".0").unwrap_or(&bound);
                let message = format!("expected {words} {bound}, found");
                self.note(message, |fault| fault.found(found.to_string()));
            }
        }
    }

    fn not_allowed(&mut self, allowed: &[Value], value: &Value) {
        let texts: Vec<String> = allowed.iter().map(plain_text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = plain_text(value);
        let hint = suggest::closest(&found, &texts).map(|meant| format!("did you mean `{meant}`?"));
        let list = suggest::listed(&texts).map(|names| format!("one of {names}"));
        let list = list.unwrap_or_else(|| "one of the allowed values".to_owned());
        self.note(format!("expected {list}, found"), |fault| Fault { hint, ..fault.found(found) });
    }

    fn wrong_kind(&mut self, schema: &Schema, value: &Value) {
        let wanted = wanted(schema);
        let hint = cure(&schema.kind, value);
        match value {
            Value::Null => self.note(format!("expected {wanted}, found nothing"), |fault| {
                fault.at_key().hint("give it a value (`\"\"` for an empty text), or remove it")
            }),
            Value::Array(_) | Value::Object(_) => {
                self.note(format!("expected {wanted}, found {}", kind_of(value)), |fault| Fault {
                    hint,
                    ..fault.at_key()
                });
            }
            scalar => {
                let what = kind_of(scalar).replacen("a ", "the ", 1).replacen("an ", "the ", 1);
                let found = scalar.to_string();
                self.note(format!("expected {wanted}, found {what}"), |fault| Fault {
                    hint,
                    ..fault.found(found)
                });
            }
        }
    }
}

fn singular(what: &str) -> &str {
    match what {
        "characters" => "character",
        "items" => "item",
        "entries" => "entry",
        other => other,
    }
}

/// Compares exactly where both are integers, else as floats.
fn compare(left: &Number, right: &Number) -> Ordering {
    let whole = |number: &Number| number.as_i128();
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.as_f64().unwrap_or_default().total_cmp(&right.as_f64().unwrap_or_default()),
    }
}

/// A value as people would write it in a list of words.
fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        let openapi = json!({"type": "object", "required": ["spec"], "properties": {
            "spec": {"type": "object", "required": ["replicas"], "properties": {
                "replicas": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 9},
                "ratio": {"type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 1},
                "image": {"type": "string", "minLength": 1, "maxLength": 5},
                "tls": {"type": "boolean"},
                "policy": {"type": "string", "enum": ["Consistency", "Availability"]},
                "port": {"x-kubernetes-int-or-string": true},
                "names": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
                "config": {"type": "object", "maxProperties": 2,
                    "additionalProperties": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
                "persistence": {"type": "object", "properties": {"storageSize": {"type": "string"}}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": {"known": {"type": "integer"}}},
                "anything": {"x-kubernetes-preserve-unknown-fields": true},
                "maybe": {"type": "string", "nullable": true},
                "big": {"type": "integer"},
            }},
            "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
        }});
        Schema::compile(&openapi).unwrap()
    }

    /// The faults of a resource with this `spec`, each as `path: message [hint]`.
    fn found(spec: &Value) -> Vec<String> {
        let value =
            json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": "a"}, "spec": spec});
        lines(&schema().faults_of(&value))
    }

    fn lines(faults: &[Fault]) -> Vec<String> {
        let value = |f: &Fault| f.found.as_ref().map(|v| format!(" `{v}`")).unwrap_or_default();
        let hint = |f: &Fault| f.hint.as_ref().map(|h| format!(" [{h}]")).unwrap_or_default();
        let line = |f: &Fault| format!("{}: {}{}{}", f.path, f.message, value(f), hint(f));
        faults.iter().map(line).collect()
    }

    #[test]
    fn what_the_schema_allows_passes() {
        for spec in [
            json!({"replicas": 3}),
            json!({"replicas": 9, "ratio": 1, "image": "äöüäö", "tls": false, "policy": "Consistency"}),
            json!({"replicas": 1, "port": 80, "names": ["a", "b"], "config": {"a": 1, "b": "c"}}),
            json!({"replicas": 1, "port": "http", "free": {"known": 1, "more": [{}]}}),
            json!({"replicas": 1, "anything": {"at": ["all", null]}, "maybe": null}),
            json!({"replicas": 1, "big": i64::MIN}),
            // Set to nothing is not set.
            json!({"replicas": 1, "image": null, "tls": null}),
        ] {
            assert_eq!(found(&spec), Vec::<String>::new(), "{spec}");
        }
    }

    #[test]
    #[allow(clippy::too_many_lines)] // A table.
    fn what_it_does_not_allow_is_named_with_its_cure() {
        const BARE_WORD: &str = "[YAML reads a bare `true`, `yes`, `on`, `y` and their like as \
                                 booleans; put the value in quotes]";
        for (field, value, expected) in [
            ("replica", json!(3), "spec.replica: unknown field [did you mean `replicas`?]".into()),
            ("Image", json!("a"), "spec.Image: unknown field [did you mean `image`?]".into()),
            (
                "storageSize",
                json!("1Gi"),
                "spec.storageSize: unknown field [a field of that name is \
                 `spec.persistence.storageSize`]"
                    .into(),
            ),
            (
                "persistence",
                json!({"xxx": 1}),
                "spec.persistence.xxx: unknown field [known fields: `storageSize`]".into(),
            ),
            (
                "replicas",
                json!("3"),
                r#"spec.replicas: expected an integer, found the string `"3"` [remove the quotes]"#
                    .to_owned(),
            ),
            (
                "replicas",
                json!("three"),
                r#"spec.replicas: expected an integer, found the string `"three"`"#.into(),
            ),
            (
                "replicas",
                json!(3.0),
                "spec.replicas: expected an integer, found the number `3.0` [write a whole \
                 number, without point or exponent]"
                    .into(),
            ),
            ("replicas", json!(0), "spec.replicas: expected at least 1, found `0`".into()),
            ("replicas", json!(u64::MAX), format!("spec.replicas: expected at most 9, found `{}`", u64::MAX)),
            ("ratio", json!(0.0), "spec.ratio: expected more than 0, found `0.0`".into()),
            ("ratio", json!(1.5), "spec.ratio: expected at most 1, found `1.5`".into()),
            (
                "big",
                json!(u64::MAX),
                format!("spec.big: expected at most {}, found `{}`", i64::MAX, u64::MAX),
            ),
            ("image", json!(""), "spec.image: expected at least 1 character, found 0".into()),
            ("image", json!("äöüäöü"), "spec.image: expected at most 5 characters, found 6".into()),
            ("image", json!(true), format!("spec.image: expected a string, found the boolean `true` {BARE_WORD}")),
            (
                "image",
                json!(8.1),
                "spec.image: expected a string, found the number `8.1` [put the value in quotes]".into(),
            ),
            (
                "image",
                json!({"tag": "x"}),
                "spec.image: expected a string, found a mapping".into(),
            ),
            (
                "tls",
                json!("yes"),
                "spec.tls: expected a boolean (`true` or `false`), found the string `\"yes\"` \
                 [remove the quotes]"
                    .into(),
            ),
            (
                "policy",
                json!("availability"),
                "spec.policy: expected one of `Consistency`, `Availability`, found `availability` \
                 [did you mean `Availability`?]"
                    .into(),
            ),
            ("port", json!(false), format!("spec.port: expected an integer or a string, found the boolean `false` {BARE_WORD}")),
            ("names", json!([]), "spec.names: expected at least 1 item, found 0".into()),
            ("names", json!(["a", "b", "c"]), "spec.names: expected at most 2 items, found 3".into()),
            (
                "names",
                json!("a"),
                "spec.names: expected a list, found the string `\"a\"` [write the value as a list \
                 of one: `[…]`]"
                    .into(),
            ),
            (
                "names",
                json!({"a": 1}),
                "spec.names: expected a list, found a mapping [begin each item with `- `]".into(),
            ),
            (
                "names",
                json!([null]),
                "spec.names[0]: expected a string, found nothing [give it a value (`\"\"` for an \
                 empty text), or remove it]"
                    .into(),
            ),
            ("config", json!({"a": 1, "b": 2, "c": 3}), "spec.config: expected at most 2 entries, found 3".into()),
            (
                "config",
                json!({"save-x": 1.5}),
                r#"spec.config["save-x"]: expected an integer or a string, found the number `1.5` [put the value in quotes, or write a whole number]"#.into(),
            ),
            (
                "policy",
                json!(false),
                format!("spec.policy: expected one of `Consistency`, `Availability`, found the boolean `false` {BARE_WORD}"),
            ),
            (
                "persistence",
                json!("10Gi"),
                "spec.persistence: expected a mapping, found the string `\"10Gi\"` [it has the fields `storageSize`]".into(),
            ),
            (
                "persistence",
                json!([]),
                "spec.persistence: expected a mapping, found a list [remove the `- ` before its keys]".into(),
            ),
            ("free", json!({"known": "x"}), "spec.free.known: expected an integer, found the string `\"x\"`".into()),
        ] {
            let mut spec = json!({"replicas": 3});
            spec[field] = value;
            assert_eq!(found(&spec), [expected]);
        }
    }

    #[test]
    fn all_faults_come_at_once() {
        let value = json!({"apiVersion": 1, "metadata": {"nam": "a", "labels": {"a": true}},
            "spec": {"replicas": null, "x": 1}, "sepc": {}});
        let messages: Vec<_> = schema().faults_of(&value).into_iter().map(|f| f.message).collect();
        assert_eq!(
            messages,
            [
                "expected a string, found the integer",
                "unknown field",
                "expected a string, found the boolean",
                "unknown field",
                "the field is needed, but set to nothing",
                "unknown field",
                "the field `kind` is missing",
            ]
        );
        for value in [json!([]), json!("text"), json!(3), json!(null)] {
            assert_eq!(schema().faults_of(&value).len(), 1, "{value}");
        }
    }

    #[test]
    fn faults_are_bounded() {
        let many: Map<String, Value> =
            (0..MAX_FAULTS + 10).map(|n| (format!("k{n}"), json!(1))).collect();
        assert_eq!(found(&Value::Object(many)).len(), MAX_FAULTS);
    }
}
