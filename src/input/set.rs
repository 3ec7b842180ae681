//! Puts a value into a document, as `--set` asks, and keeps all other places right.

use serde_json::{Map, Value};

use super::document::{Document, child};
use super::syntax::kind_of;
use crate::cluster::{FieldPath, Segment};

/// Why a value cannot be put at a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// The path names the document itself.
    #[error("the path names no field")]
    Root,
    /// The path goes on below something that has no such parts.
    #[error("`{path}` is {found}, not {wanted}")]
    WrongKind {
        /// The part of the path that exists.
        path: FieldPath,
        /// What is there.
        found: &'static str,
        /// What would have to be there.
        wanted: &'static str,
    },
    /// An index beyond the next free one.
    #[error("the list `{path}` has {length} items: the next index is {length}")]
    BeyondEnd {
        /// The list.
        path: FieldPath,
        /// How many items it has.
        length: usize,
    },
}

impl Document<'_> {
    /// Puts `new` at `path`, making the mappings on the way; an index may name an item
    /// of a list or the next free one. Places of all other fields stay right.
    ///
    /// # Errors
    ///
    /// [`SetError`], and the document is as it was, when the path leads through
    /// something that has no fields or items.
    pub fn set(&mut self, path: &FieldPath, new: Value) -> Result<(), SetError> {
        if path.is_root() {
            return Err(SetError::Root);
        }
        self.check_way(path)?;
        let (mut value, mut spot) = (&mut self.value, Some(&mut self.spot));
        for segment in path.segments() {
            let at;
            (value, at) = match segment {
                Segment::Key(key) => {
                    if !value.is_object() {
                        *value = Value::Object(Map::new());
                    }
                    let Value::Object(map) = value else { return Ok(()) };
                    let at = map.keys().position(|known| known == key).unwrap_or(map.len());
                    (map.entry(key.clone()).or_insert(Value::Null), at)
                }
                Segment::Index(index) => {
                    if !value.is_array() {
                        *value = Value::Array(Vec::new());
                    }
                    let Value::Array(items) = value else { return Ok(()) };
                    if *index == items.len() {
                        items.push(Value::Null);
                    }
                    (&mut items[*index], *index)
                }
            };
            spot = spot.and_then(|spot| spot.children.get_mut(at));
        }
        *value = new;
        if let Some(spot) = spot {
            spot.children.clear();
        }
        Ok(())
    }

    /// Whether every step of `path` fits what is there already.
    fn check_way(&self, path: &FieldPath) -> Result<(), SetError> {
        let mut value = &self.value;
        for (depth, segment) in path.segments().iter().enumerate() {
            let here = || FieldPath::from(path.segments()[..depth].to_vec());
            let wanted = match (segment, value) {
                (Segment::Key(_), Value::Object(_) | Value::Null)
                | (Segment::Index(0), Value::Null) => None,
                (Segment::Index(index), Value::Array(items)) if *index > items.len() => {
                    return Err(SetError::BeyondEnd { path: here(), length: items.len() });
                }
                (Segment::Index(index), Value::Null) if *index > 0 => {
                    return Err(SetError::BeyondEnd { path: here(), length: 0 });
                }
                (Segment::Index(_), Value::Array(_)) => None,
                (Segment::Key(_), _) => Some("a mapping"),
                (Segment::Index(_), _) => Some("a list"),
            };
            if let Some(wanted) = wanted {
                let found = kind_of(value);
                return Err(SetError::WrongKind { path: here(), found, wanted });
            }
            value = child(value, segment).map_or(&Value::Null, |(next, _)| next);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::input::Source;

    fn source(text: &str) -> Source {
        Source::new("f.yaml", text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_value_can_be_set_and_the_other_places_stay() {
        let source = source("spec:\n  a: {x: 1}\n  list: [1]\n  b: 2\n");
        let mut document = source.documents().next().unwrap().unwrap();
        for (path, value) in [
            ("spec.a", json!("new")),
            ("spec.new.deep[0].x", json!(1)),
            ("spec.list[1]", json!(2)),
            ("spec.list[0]", json!(0)),
        ] {
            document.set(&path.parse().unwrap(), value).unwrap();
        }
        let expected =
            json!({"spec": {"a": "new", "list": [0, 2], "b": 2, "new": {"deep": [{"x": 1}]}}});
        assert_eq!(document.value(), &expected);
        for (path, key, value) in [
            ("spec.a", "2:3", "2:6"),
            ("spec.b", "4:3", "4:6"),
            ("spec.new.deep", "1:1", "1:1"),
            ("spec.list[1]", "3:3", "3:3"),
        ] {
            let path = path.parse().unwrap();
            assert_eq!(document.key_place(&path).to_string(), key, "{path}");
            assert_eq!(document.place(&path).to_string(), value, "{path}");
        }
    }

    #[test]
    fn a_value_that_fits_nowhere_changes_nothing() {
        let source = source("a: [1]\nb: text\n");
        let mut document = source.documents().next().unwrap().unwrap();
        let before = document.value().clone();
        for (path, message) in [
            ("a[2]", "the list `a` has 1 items: the next index is 1"),
            ("b.c", "`b` is a string, not a mapping"),
            ("a.c", "`a` is a list, not a mapping"),
            ("b[0]", "`b` is a string, not a list"),
            ("new.list[1]", "the list `new.list` has 0 items: the next index is 0"),
        ] {
            let error = document.set(&path.parse().unwrap(), json!(0)).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        assert_eq!(document.set(&FieldPath::root(), json!(0)), Err(SetError::Root));
        assert_eq!(document.value(), &before);
    }
}
