//! Walks through two values side by side and finds where they differ in meaning.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;

use crate::manifest::path::Path;
use crate::manifest::path::Segment;
use crate::manifest::server_config;
use crate::manifest::shape::Shape;
use crate::manifest::shape::canonical;
use crate::manifest::shape::labels;
use crate::manifest::shape::shape;

/// One difference.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    pub path: Path,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// Where `from` and `to`, two objects of `kind`, differ; sorted by path.
pub(super) fn differences(kind: &str, from: &Value, to: &Value) -> Vec<Difference> {
    let mut walk = Walk { kind, path: Path::root(), found: Vec::new() };
    walk.value(Some(from), Some(to));
    walk.found
}

struct Walk<'a> {
    kind: &'a str,
    path: Path,
    found: Vec<Difference>,
}

/// One element's index on either side; at least one is there.
type Pair = (Option<usize>, Option<usize>);

impl Walk<'_> {
    fn value(&mut self, old: Option<&Value>, new: Option<&Value>) {
        // Most of an object is the same: what is equal needs no schema.
        if old == new {
            return;
        }
        let (old, new) = (old.filter(|old| !old.is_null()), new.filter(|new| !new.is_null()));
        match (shape(self.kind, &self.path), old, new) {
            (_, None, None) => {}
            (_, Some(Value::Object(old)), Some(Value::Object(new))) => self.map(old, new),
            (Shape::Open, Some(Value::Object(old)), None) => self.map(old, &Map::new()),
            (Shape::Open, None, Some(Value::Object(new))) => self.map(&Map::new(), new),
            (shape, Some(Value::Array(old)), Some(Value::Array(new))) => self.list(shape, old, new),
            (Shape::ServerConfig, Some(Value::String(old)), Some(Value::String(new))) => {
                self.server_config(old, new);
            }
            (_, Some(old), Some(new)) if self.canonical(old) == self.canonical(new) => {}
            (_, old, new) => self.found(old.cloned(), new.cloned()),
        }
    }

    fn map(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        // Sorted, so that the order of keys in a file changes nothing.
        for key in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            self.within(Segment::key(key), |walk| walk.value(old.get(key), new.get(key)));
        }
    }

    fn list(&mut self, shape: Shape, old: &[Value], new: &[Value]) {
        if let Shape::Keyed(fields) | Shape::Ordered(fields) = shape
            && let (Some(old_labels), Some(new_labels)) = (labels(old, fields), labels(new, fields))
        {
            self.keyed((old, &old_labels), (new, &new_labels));
            if matches!(shape, Shape::Ordered(_)) {
                self.order(&old_labels, &new_labels);
            }
            return;
        }
        let (old_left, new_left) = self.unmatched(shape, old, new);
        for place in 0..old_left.len().max(new_left.len()) {
            self.item(None, (old_left.get(place).copied(), new_left.get(place).copied()), old, new);
        }
    }

    /// A list that is a map.
    fn keyed(
        &mut self,
        (old, old_labels): (&[Value], &BTreeMap<String, usize>),
        (new, new_labels): (&[Value], &BTreeMap<String, usize>),
    ) {
        for label in old_labels.keys().chain(new_labels.keys()).collect::<BTreeSet<_>>() {
            let pair = (old_labels.get(label).copied(), new_labels.get(label).copied());
            self.item(Some(label), pair, old, new);
        }
    }

    /// Reports elements that are on both sides but stand in another order.
    fn order(&mut self, old: &BTreeMap<String, usize>, new: &BTreeMap<String, usize>) {
        let common = |side: &BTreeMap<String, usize>, other: &BTreeMap<String, usize>| {
            let mut labels: Vec<_> =
                side.iter().filter(|(label, _)| other.contains_key(*label)).collect();
            labels.sort_by_key(|(_, index)| **index);
            labels.into_iter().map(|(label, _)| label.as_str()).collect::<Value>()
        };
        let (old, new) = (common(old, new), common(new, old));
        if old != new {
            self.found(Some(old), Some(new));
        }
    }

    /// The elements of either list that have no equal in the other: of a set, wherever they stand;
    /// of a list, between what both begin and end with.
    fn unmatched(
        &mut self,
        shape: Shape,
        old: &[Value],
        new: &[Value],
    ) -> (Vec<usize>, Vec<usize>) {
        let old = self.canonical_items(old);
        let new = self.canonical_items(new);
        if shape == Shape::Set {
            return (without(&old, &new), without(&new, &old));
        }
        let equal = |(old, new): &(&Item, &Item)| old.text == new.text;
        let head = old.iter().zip(&new).take_while(equal).count();
        let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(equal).count();
        let middle = |items: &[Item]| {
            items[head..items.len() - tail].iter().map(|item| item.index).collect()
        };
        (middle(&old), middle(&new))
    }

    /// The elements that are something, in the one spelling that equal elements share.
    fn canonical_items(&mut self, items: &[Value]) -> Vec<Item> {
        let something = items.iter().enumerate().filter(|(_, item)| !item.is_null());
        let mut canonical = |(index, item)| {
            let at = Some(index);
            let segment = Segment::Item { label: None, from: at, to: at };
            Item { index, text: self.within(segment, |walk| walk.canonical(item).to_string()) }
        };
        something.map(&mut canonical).collect()
    }

    fn item(&mut self, label: Option<&String>, (from, to): Pair, old: &[Value], new: &[Value]) {
        let segment = Segment::Item { label: label.cloned(), from, to };
        let (old, new) = (from.and_then(|at| old.get(at)), to.and_then(|at| new.get(at)));
        self.within(segment, |walk| walk.value(old, new));
    }

    fn server_config(&mut self, old: &str, new: &str) {
        let (old, new) = (server_config::directives(old), server_config::directives(new));
        for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let (old, new) = (old.get(name), new.get(name));
            let words = |lines: &Vec<&str>| -> Vec<_> {
                lines.iter().map(|line| server_config::arguments(line)).collect()
            };
            if old.map(words) != new.map(words) {
                let text = |lines: &Vec<&str>| Value::from(lines.join("\n"));
                self.within(Segment::Directive(name.clone()), |walk| {
                    walk.found(old.map(text), new.map(text));
                });
            }
        }
    }

    fn canonical(&mut self, value: &Value) -> Value {
        canonical(self.kind, &mut self.path, value)
    }

    fn within<T>(&mut self, segment: Segment, visit: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(segment);
        let result = visit(self);
        self.path.pop();
        result
    }

    fn found(&mut self, old: Option<Value>, new: Option<Value>) {
        self.found.push(Difference { path: self.path.clone(), old, new });
    }
}

/// An element of a list.
struct Item {
    index: usize,
    text: String,
}

/// The indices of what `items` has more often than `others`.
fn without(items: &[Item], others: &[Item]) -> Vec<usize> {
    let mut spare: BTreeMap<&str, usize> = BTreeMap::new();
    for other in others {
        *spare.entry(&other.text).or_default() += 1;
    }
    let is_left = |item: &&Item| match spare.get_mut(item.text.as_str()) {
        Some(count @ 1..) => {
            *count -= 1;
            false
        }
        _ => true,
    };
    items.iter().filter(is_left).map(|item| item.index).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use crate::manifest::path::Side;

    use super::*;

    const KINDS: &[&str] = &["StatefulSet", "ConfigMap", "Service", "NetworkPolicy", "Widget"];

    /// Names that mean something to some schema, and one that never does.
    const KEYS: &[&str] = &[
        "spec",
        "template",
        "containers",
        "env",
        "ports",
        "containerPort",
        "port",
        "protocol",
        "name",
        "volumes",
        "resources",
        "limits",
        "cpu",
        "tolerations",
        "ingress",
        "from",
        "data",
        "valkey.conf",
        "stringData",
        "maxUnavailable",
        "targetPort",
        "value",
        "other",
    ];

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0_u8..3).prop_map(Value::from),
            prop_oneof![Just(1.0), Just(0.5)].prop_map(Value::from),
            proptest::sample::select(
                &[
                    "a",
                    "b",
                    "1",
                    "1000m",
                    "0.5",
                    "500m",
                    "TCP",
                    "port 1\nsave 1 1",
                    "PORT  \"1\"\nsave 1 1"
                ][..]
            )
            .prop_map(Value::from),
        ];
        let key = || proptest::sample::select(KEYS).prop_map(str::to_owned);
        leaf.prop_recursive(6, 48, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((key(), inner), 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    /// Puts keys, and the elements of lists whose order means nothing, in another order.
    fn shuffled(kind: &str, path: &mut Path, value: &Value, turn: usize) -> Value {
        match value {
            Value::Object(fields) => {
                let mut entries: Vec<_> = fields.iter().collect();
                entries.reverse();
                let entries = entries.into_iter().map(|(key, value)| {
                    path.push(Segment::key(key));
                    let value = shuffled(kind, path, value, turn);
                    path.pop();
                    (key.clone(), value)
                });
                Value::Object(entries.collect())
            }
            Value::Array(items) => {
                let movable = match shape(kind, path) {
                    Shape::Set => true,
                    Shape::Keyed(fields) => labels(items, fields).is_some(),
                    _ => false,
                };
                let mut items: Vec<_> = items
                    .iter()
                    .map(|item| {
                        path.push(Segment::Item { label: None, from: None, to: None });
                        let item = shuffled(kind, path, item, turn);
                        path.pop();
                        item
                    })
                    .collect();
                if movable && !items.is_empty() {
                    let places = items.len();
                    items.rotate_left(turn % places);
                }
                Value::Array(items)
            }
            other => other.clone(),
        }
    }

    /// Objects are never nothing.
    fn object(value: &Value) -> Value {
        json!({ "spec": value, "data": value })
    }

    proptest! {
        #[test]
        fn a_value_does_not_differ_from_itself_in_another_order(
            kind in proptest::sample::select(KINDS),
            value in any_value(),
            turn in 0_usize..4,
        ) {
            let value = object(&value);
            let other = shuffled(kind, &mut Path::root(), &value, turn);
            prop_assert_eq!(differences(kind, &value, &other), vec![], "{} {}", value, other);
        }

        #[test]
        fn differing_is_symmetric_and_agrees_with_the_canonical_spelling(
            kind in proptest::sample::select(KINDS),
            a in any_value(),
            b in any_value(),
        ) {
            let (a, b) = (object(&a), object(&b));
            let equal = canonical(kind, &mut Path::root(), &a) == canonical(kind, &mut Path::root(), &b);
            prop_assert_eq!(differences(kind, &a, &b).is_empty(), equal, "{} {}", a, b);
            prop_assert_eq!(differences(kind, &b, &a).is_empty(), equal, "{} {}", b, a);
        }

        #[test]
        fn every_difference_says_two_things_and_points_at_them(
            kind in proptest::sample::select(KINDS),
            a in any_value(),
            b in any_value(),
        ) {
            let (a, b) = (object(&a), object(&b));
            for Difference { path, old, new } in differences(kind, &a, &b) {
                prop_assert_ne!(&old, &new);
                let in_text = matches!(path.segments().last(), Some(Segment::Directive(_)));
                for (side, object, value) in [(Side::From, &a, &old), (Side::To, &b, &new)] {
                    let pointed = object.pointer(&path.pointer(side));
                    let Some(value) = value else { continue };
                    let names_only = value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
                    prop_assert!(in_text || names_only || pointed == Some(value), "{}", path);
                }
            }
        }
    }
}
