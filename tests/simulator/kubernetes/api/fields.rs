//! A set of fields as a tree, and `fieldsV1`, which is how it is written.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A set of fields. A step is written as in `fieldsV1`: `f:name`, `k:{"key":…}`, `v:value`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// Whether the place itself is of the set.
    pub member: bool,
    /// What is below it.
    pub below: BTreeMap<String, Fields>,
}

impl Fields {
    /// A place and nothing below it.
    pub fn leaf() -> Self {
        Self { member: true, below: BTreeMap::new() }
    }

    /// Reads `fieldsV1`.
    pub fn read(tree: &Value) -> Self {
        let mut fields = Self::default();
        for (step, below) in tree.as_object().into_iter().flatten() {
            if step == "." {
                fields.member = true;
            } else if below.as_object().is_none_or(Map::is_empty) {
                fields.below.insert(step.clone(), Self::leaf());
            } else {
                fields.below.insert(step.clone(), Self::read(below));
            }
        }
        fields
    }

    /// Writes `fieldsV1`.
    pub fn write(&self) -> Value {
        let mut tree = Map::new();
        if self.member && !self.below.is_empty() {
            tree.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (step, below) in &self.below {
            tree.insert(step.clone(), below.write());
        }
        Value::Object(tree)
    }

    pub fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }

    /// Puts fields below a step, if there are any.
    pub fn put(&mut self, step: String, below: Self) {
        if !below.is_empty() {
            self.below.insert(step, below);
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.member |= other.member;
        for (step, below) in &other.below {
            self.below.entry(step.clone()).or_default().add(below);
        }
    }

    /// Without the places of another set; what is below those stays.
    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Self { member: self.member && !other.member, below: BTreeMap::new() };
        for (step, below) in &self.below {
            let below = match other.below.get(step) {
                Some(other) => below.minus(other),
                None => below.clone(),
            };
            left.put(step.clone(), below);
        }
        left
    }

    /// The places of both.
    pub fn and(&self, other: &Self) -> Self {
        let mut both = Self { member: self.member && other.member, below: BTreeMap::new() };
        for (step, below) in &self.below {
            if let Some(other) = other.below.get(step) {
                both.put(step.clone(), below.and(other));
            }
        }
        both
    }

    /// Without a place and all that is below it.
    pub fn cut(&mut self, path: &[&str]) {
        let [step, rest @ ..] = path else { return };
        if rest.is_empty() {
            self.below.remove(*step);
        } else if let Some(below) = self.below.get_mut(*step) {
            below.cut(rest);
            if below.is_empty() {
                self.below.remove(*step);
            }
        }
    }

    /// Only a place and what is below it.
    pub fn keep(&mut self, step: &str) {
        self.below.retain(|own, _| own == step);
        self.member = false;
    }

    /// Every place, as messages name it: `.spec.ports[port=6379,protocol="TCP"].name`.
    pub fn paths(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect("", &mut found);
        found
    }

    fn collect(&self, path: &str, found: &mut Vec<String>) {
        if self.member {
            found.push(path.to_owned());
        }
        for (step, below) in &self.below {
            below.collect(&format!("{path}{}", shown(step)), found);
        }
    }
}

fn shown(step: &str) -> String {
    match step.split_once(':') {
        Some(("k", keys)) => {
            let keys: Value = serde_json::from_str(keys).unwrap_or_default();
            let keys = keys.as_object().into_iter().flatten();
            let keys: Vec<String> = keys.map(|(name, value)| format!("{name}={value}")).collect();
            format!("[{}]", keys.join(","))
        }
        Some(("v", value)) => format!("[={value}]"),
        Some((_, name)) => format!(".{name}"),
        None => step.to_owned(),
    }
}
