//! Which objects are meant: by labels, by fields.

use serde_json::Value;

/// A selector: every requirement has to hold.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone)]
struct Requirement {
    key: String,
    /// `None`: it is enough that there is the key.
    values: Option<Vec<String>>,
    wanted: bool,
    of_fields: bool,
}

impl Selector {
    /// Adds a label selector as queries have it.
    pub fn labels(mut self, text: &str) -> Self {
        for part in parts(text) {
            let part = part.trim();
            let words = [(" notin ", false), (" in ", true)];
            let listed = words.iter().find_map(|(word, wanted)| {
                let (key, list) = part.split_once(word)?;
                let list = list.trim().trim_start_matches('(').trim_end_matches(')');
                let values = list.split(',').map(|value| value.trim().to_owned()).collect();
                Some((key, values, *wanted))
            });
            self.requirements.push(match listed {
                Some((key, values, wanted)) => Requirement::new(key, Some(values), wanted, false),
                None => Requirement::read(part, false),
            });
        }
        self
    }

    /// Adds a field selector as queries have it.
    pub fn fields(mut self, text: &str) -> Self {
        let parts = text.split(',').filter(|part| !part.is_empty());
        self.requirements.extend(parts.map(|part| Requirement::read(part, true)));
        self
    }

    /// A `LabelSelector`, or the plain map of a Service. Without anything in it nothing is meant.
    pub fn of_object(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        let is_whole =
            selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
        let labels = if is_whole { &selector["matchLabels"] } else { selector };
        for (key, value) in labels.as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            requirements.push(Requirement::new(key, Some(vec![value]), true, false));
        }
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let values = expression["values"]
                .as_array()
                .map(|values| values.iter().filter_map(Value::as_str).map(str::to_owned).collect());
            let operator = expression["operator"].as_str().unwrap_or_default();
            let wanted = !matches!(operator, "NotIn" | "DoesNotExist");
            let key = expression["key"].as_str().unwrap_or_default();
            requirements.push(Requirement::new(key, values, wanted, false));
        }
        if requirements.is_empty() {
            requirements.push(Requirement::new("", Some(Vec::new()), true, false));
        }
        Self { requirements }
    }

    /// Whether an object is meant.
    pub fn matches(&self, object: &Value) -> bool {
        self.requirements.iter().all(|requirement| requirement.holds(object))
    }
}

/// Parts between commas that stand in no parentheses.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts.retain(|part| !part.is_empty());
    parts
}

impl Requirement {
    fn new(key: &str, values: Option<Vec<String>>, wanted: bool, of_fields: bool) -> Self {
        Self { key: key.trim().to_owned(), values, wanted, of_fields }
    }

    fn read(part: &str, of_fields: bool) -> Self {
        for (sign, wanted) in [("!=", false), ("==", true), ("=", true)] {
            if let Some((key, value)) = part.split_once(sign) {
                return Self::new(key, Some(vec![value.trim().to_owned()]), wanted, of_fields);
            }
        }
        match part.strip_prefix('!') {
            Some(key) => Self::new(key, None, false, of_fields),
            None => Self::new(part, None, true, of_fields),
        }
    }

    fn holds(&self, object: &Value) -> bool {
        let value = if self.of_fields {
            self.key.split('.').fold(object, |value, field| &value[field])
        } else {
            &object["metadata"]["labels"][&self.key]
        };
        let is_so = match &self.values {
            None => !value.is_null(),
            Some(values) => {
                let text = value.as_str().unwrap_or_default();
                let said = self.of_fields || !value.is_null();
                said && values.iter().any(|own| own == text)
            }
        };
        is_so == self.wanted
    }
}
