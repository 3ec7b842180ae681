//! Holds a document against a schema and names everything that does not fit.

use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

use super::document::Document;
use super::fault::Fault;
use super::limits::MAX_FAULTS;
use super::schema::Bound;
use super::schema::CountRange;
use super::schema::Fields;
use super::schema::Kind;
use super::schema::NumberRange;
use super::schema::Others;
use super::schema::Schema;
use super::suggest;
use super::syntax::kind_of;
use crate::cluster::field_path::FieldPath;
use crate::cluster::field_path::Segment;

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
                // Counting costs a walk over the text; its bytes are never fewer.
                let length = || text.chars().count();
                if *count != CountRange::default() {
                    self.count(*count, length(), "characters");
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
            (kind, value) => return self.wrong_kind(kind, value),
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
        for name in fields.required.iter().filter(|name| !map.contains_key(*name)) {
            self.note(format!("the field `{name}` is missing"), Fault::at_key);
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
        let outside = |bound: &&Bound, wrong: std::cmp::Ordering| {
            let order = compare(found, &bound.value);
            order == wrong || bound.exclusive && order.is_eq()
        };
        let below = range.min.as_ref().filter(|bound| outside(bound, std::cmp::Ordering::Less));
        let above = range.max.as_ref().filter(|bound| outside(bound, std::cmp::Ordering::Greater));
        for (bound, words) in
            [(below, ["at least", "more than"]), (above, ["at most", "less than"])]
        {
            if let Some(Bound { value, exclusive }) = bound {
                let words = words[usize::from(*exclusive)];
                let message = format!("expected {words} {value}, found");
                self.note(message, |fault| fault.found(found.to_string()));
            }
        }
    }

    fn not_allowed(&mut self, allowed: &[Value], value: &Value) {
        let texts: Vec<String> = allowed.iter().map(plain_text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = plain_text(value);
        let hint = suggest::for_value(&found, &texts);
        let message = match suggest::listed("one of", &texts) {
            Some(list) => {
                format!("expected {list}; found", list = list.replacen("one of:", "one of", 1))
            }
            None => "not one of the allowed values:".to_owned(),
        };
        let hint = hint.filter(|hint| hint.starts_with("did"));
        self.note(message, |fault| Fault { hint, ..fault.found(found) });
    }

    fn wrong_kind(&mut self, kind: &Kind, value: &Value) {
        let wanted = wanted(kind);
        let hint = cure(kind, value);
        match value {
            Value::Null => self.note(format!("expected {wanted}, found nothing"), |fault| {
                fault.at_key().hint("give it a value, or remove the key")
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
fn compare(left: &Number, right: &Number) -> std::cmp::Ordering {
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

fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Any => "any value",
        Kind::Boolean => "a boolean (`true` or `false`)",
        Kind::Integer(_) => "an integer",
        Kind::Number(_) => "a number",
        Kind::String(_) => "a string",
        Kind::IntOrString => "an integer or a string",
        Kind::List(..) => "a list",
        Kind::Mapping(_) => "a mapping",
    }
}

/// What helps when `value` stands where a `kind` should.
fn cure(kind: &Kind, value: &Value) -> Option<String> {
    let hint = match (kind, value) {
        (Kind::String(_) | Kind::IntOrString, Value::Bool(_)) => {
            "YAML reads a bare `true`, `yes`, `on`, `y` and their like as booleans; put the value in quotes"
        }
        (Kind::String(_), Value::Number(_)) => "put the value in quotes",
        (Kind::IntOrString, Value::Number(_)) => "put the value in quotes, or write a whole number",
        (Kind::Integer(_), Value::Number(_)) => "write a whole number, without point or exponent",
        (Kind::Integer(_), Value::String(text)) if text.trim().parse::<i64>().is_ok() => {
            "remove the quotes"
        }
        (Kind::Number(_), Value::String(text)) if text.trim().parse::<f64>().is_ok() => {
            "remove the quotes"
        }
        (Kind::Boolean, Value::String(text)) if is_boolean_word(text) => "remove the quotes",
        (Kind::List(..), Value::Object(_)) => "begin each item with `- `",
        (Kind::List(..), Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
            "write the value as a list of one: `[…]`"
        }
        (Kind::Mapping(_), Value::Array(_)) => "remove the `- ` before its keys",
        (Kind::Mapping(_), Value::String(_)) => "write `key: value` lines below it, indented",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn is_boolean_word(text: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word))
}
