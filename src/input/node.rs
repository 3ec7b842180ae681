//! One YAML document as a JSON value beside the places of its parts.
//!
//! The value and its [`Spot`]s are built in one pass and have one shape: the n-th
//! child of a spot belongs to the n-th entry of the mapping or list. What YAML
//! allows but Kubernetes cannot mean (a repeated key, a key that is no string)
//! is collected, so that all of it is reported at once.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use super::limits::MAX_FAULTS;
use super::place::Place;

/// Where one value and its key stand, and those of all its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// Of the key; of the value itself for the top and for list items.
    pub(super) key: Place,
    pub(super) value: Place,
    pub(super) children: Vec<Spot>,
}

/// A key that cannot stand where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyFault {
    Repeated { key: String, first: Place, again: Place },
    NotAString { found: &'static str, at: Place },
}

/// A value, its children's places, and the bad keys anywhere below it.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) children: Vec<Spot>,
    pub(super) faults: Vec<KeyFault>,
}

/// A deserialized `T` and where it is used in the text.
///
/// Slimmer than [`Spanned`], which carries two full locations a value.
#[derive(Debug)]
pub(super) struct Located<T> {
    pub(super) inner: T,
    pub(super) place: Place,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { inner: spanned.value, place: Place::from(spanned.referenced) })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

impl Node {
    fn leaf(value: Value) -> Self {
        Self { value, children: Vec::new(), faults: Vec::new() }
    }
}

/// Keeps the first [`MAX_FAULTS`]; the rest would cost memory and help nobody.
fn keep(faults: &mut Vec<KeyFault>, more: impl IntoIterator<Item = KeyFault>) {
    let room = MAX_FAULTS.saturating_sub(faults.len());
    faults.extend(more.into_iter().take(room));
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::leaf(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::leaf(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::leaf(Value::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::leaf(Value::from(value)))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number is not finite"))?;
        Ok(Node::leaf(Value::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::leaf(Value::from(value)))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::leaf(Value::String(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let (mut values, mut children, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(Located { inner, place }) = items.next_element::<Located<Node>>()? {
            values.push(inner.value);
            children.push(Spot { key: place, value: place, children: inner.children });
            keep(&mut faults, inner.faults);
        }
        Ok(Node { value: Value::Array(values), children, faults })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let (mut map, mut children, mut faults) = (Map::new(), Vec::<Spot>::new(), Vec::new());
        while let Some(key) = entries.next_key::<Located<Key>>()? {
            let Located { inner: node, place } = entries.next_value::<Located<Node>>()?;
            keep(&mut faults, node.faults);
            let text = match key.inner {
                Key::Text(text) => text,
                Key::Other(found) => {
                    keep(&mut faults, [KeyFault::NotAString { found, at: key.place }]);
                    continue;
                }
            };
            match map.entry(text) {
                Entry::Vacant(vacant) => {
                    vacant.insert(node.value);
                    children.push(Spot { key: key.place, value: place, children: node.children });
                }
                // Looking for the first one costs a walk over the keys: only for those kept.
                Entry::Occupied(same) if faults.len() < MAX_FAULTS => {
                    let (text, again) = (same.key().clone(), key.place);
                    let first = map.keys().position(|known| *known == text);
                    let first = first.and_then(|at| children.get(at)).map_or(again, |s| s.key);
                    faults.push(KeyFault::Repeated { key: text, first, again });
                }
                Entry::Occupied(_) => {}
            }
        }
        Ok(Node { value: Value::Object(map), children, faults })
    }
}

/// A mapping's key: its text, or what it is instead of a string.
enum Key {
    Text(String),
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Key, E> {
        Ok(Key::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Key, E> {
        Ok(Key::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Key, E> {
        Ok(Key::Other("nothing (null)"))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Key, E> {
        Ok(Key::Other(if value { "the boolean `true`" } else { "the boolean `false`" }))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Key, E> {
        Ok(Key::Other("an integer"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Key, E> {
        Ok(Key::Other("an integer"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Key, E> {
        Ok(Key::Other("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Key, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Key::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Key, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Key::Other("a mapping"))
    }
}
