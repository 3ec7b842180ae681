//! What a schema wants where something else stands, and how to get there.

use serde_json::Value;

use super::schema::{Kind, Schema};
use super::suggest::listed;

/// What `schema` wants, as messages name it.
pub(super) fn wanted(schema: &Schema) -> String {
    let words: Vec<&str> = schema.one_of.iter().filter_map(Value::as_str).collect();
    if let Some(list) = listed(&words) {
        return format!("one of {list}");
    }
    let kind = match schema.kind {
        Kind::Any => "any value",
        Kind::Boolean => "a boolean (`true` or `false`)",
        Kind::Integer(_) => "an integer",
        Kind::Number(_) => "a number",
        Kind::String(_) => "a string",
        Kind::IntOrString => "an integer or a string",
        Kind::List(..) => "a list",
        Kind::Mapping(_) => "a mapping",
    };
    kind.to_owned()
}

/// What helps when `value` stands where a `kind` should.
pub(super) fn cure(kind: &Kind, value: &Value) -> Option<String> {
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
        (Kind::Mapping(fields), Value::String(_)) => {
            let known: Vec<&str> = fields.named.keys().map(String::as_str).collect();
            let names = listed(&known).map(|names| format!("it has the fields {names}"));
            return names.or_else(|| Some("write lines of `key: value` below it".to_owned()));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn is_boolean_word(text: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word))
}
