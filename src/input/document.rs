//! One document of a stream: its value, and where each of its fields stands.

use serde_json::Value;

use super::diagnostic::Diagnostic;
use super::fault::{Fault, Part};
use super::node::{Located, Node, Spot};
use super::pieces::{Piece, Pieces};
use super::place::Place;
use super::shown::Shown;
use super::source::Source;
use super::{limits, syntax};
use crate::cluster::{FieldPath, Segment};

/// A document that was read without fault; what it means is not looked at yet.
#[derive(Debug, Clone)]
pub struct Document<'s> {
    pub(super) value: Value,
    pub(super) spot: Spot,
    piece: Piece<'s>,
    source: &'s Source,
}

/// Which object a document says it is; each part as far as it is a string.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Identity<'d> {
    /// `apiVersion`.
    pub api_version: Option<&'d str>,
    /// `kind`.
    pub kind: Option<&'d str>,
    /// `metadata.name`.
    pub name: Option<&'d str>,
    /// `metadata.namespace`.
    pub namespace: Option<&'d str>,
}

impl<'d> Identity<'d> {
    /// What `object` says it is.
    #[must_use]
    pub fn of(object: &'d Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        Self {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            name: text("/metadata/name"),
            namespace: text("/metadata/namespace"),
        }
    }
}

impl<'s> Document<'s> {
    /// The document as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Gives the value away; the places are gone with the rest.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.value
    }

    /// The input that holds this document.
    #[must_use]
    pub fn source(&self) -> &'s Source {
        self.source
    }

    /// The document's own lines, its `---` included.
    #[must_use]
    pub fn text(&self) -> &'s str {
        self.piece.text
    }

    /// Which object this is.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        Identity::of(&self.value)
    }

    /// Where the value at `path` stands; the key of its nearest ancestor if it is not there.
    #[must_use]
    pub fn place(&self, path: &FieldPath) -> Place {
        self.place_of(path, Part::Value)
    }

    /// Where the key at `path` stands; for a list's item, the item.
    #[must_use]
    pub fn key_place(&self, path: &FieldPath) -> Place {
        self.place_of(path, Part::Key)
    }

    fn place_of(&self, path: &FieldPath, part: Part) -> Place {
        let (spot, exists) = self.find_spot(path);
        let place = if exists && part == Part::Value { spot.value } else { spot.key };
        place.below(self.piece.first_line)
    }

    /// The spot at `path`, or the deepest on the way; and whether it is the path's own.
    fn find_spot(&self, path: &FieldPath) -> (&Spot, bool) {
        let (mut value, mut spot) = (&self.value, &self.spot);
        for segment in path.segments() {
            let Some((next, at)) = child(value, segment) else { return (spot, false) };
            // A field that was `set` has a value but no place.
            let Some(below) = spot.children.get(at) else { return (spot, false) };
            (value, spot) = (next, below);
        }
        (spot, true)
    }

    /// The faults as people read them, in order of place.
    #[must_use]
    pub fn diagnostics<F: Into<Fault>>(
        &self,
        faults: impl IntoIterator<Item = F>,
    ) -> Vec<Diagnostic> {
        let mut faults: Vec<(Place, Fault)> = faults
            .into_iter()
            .map(Into::into)
            .map(|fault| (self.place_of(&fault.path, fault.part), fault))
            .collect();
        faults.sort_by(|(left, a), (right, b)| left.cmp(right).then_with(|| a.path.cmp(&b.path)));
        let shown = Shown::of(self.source.name(), self.piece, Some(&self.value));
        faults.into_iter().map(|(place, fault)| shown.fault(place, fault)).collect()
    }
}

/// The child of `value` at `segment`, and how many children stand before it.
pub(super) fn child<'v>(value: &'v Value, segment: &Segment) -> Option<(&'v Value, usize)> {
    match (segment, value) {
        (Segment::Key(key), Value::Object(map)) => {
            let next = map.get(key)?;
            Some((next, map.keys().position(|known| known == key)?))
        }
        (Segment::Index(index), Value::Array(items)) => Some((items.get(*index)?, *index)),
        _ => None,
    }
}

/// The documents of a [`Source`], read one at a time.
///
/// Empty documents and those of comments alone are passed over. A document that
/// cannot be read gives its diagnostics; the ones after it are read all the same.
#[derive(Debug, Clone)]
pub struct Documents<'s> {
    source: &'s Source,
    pieces: Pieces<'s>,
}

impl<'s> Documents<'s> {
    pub(super) fn of(source: &'s Source) -> Self {
        Self { source, pieces: Pieces::of(source.text()) }
    }
}

impl<'s> Iterator for Documents<'s> {
    type Item = Result<Document<'s>, Vec<Diagnostic>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pieces.find_map(|piece| read(self.source, piece).transpose())
    }
}

/// Reads one document; `None` if there is nothing in it.
fn read<'s>(source: &'s Source, piece: Piece<'s>) -> Result<Option<Document<'s>>, Vec<Diagnostic>> {
    if piece.is_empty {
        return Ok(None);
    }
    let shown = || Shown::of(source.name(), piece, None);
    let limits = source.limits();
    if piece.text.len() > limits.bytes {
        return Err(vec![shown().notice(syntax::too_long(limits))]);
    }
    let Located { inner: node, place } =
        serde_saphyr::from_str_with_options::<Located<Node>>(piece.text, limits::options(limits))
            .map_err(|error| vec![shown().notice(syntax::explain(&error, limits))])?;
    if !node.faults.is_empty() {
        let shown = shown();
        let notices = node.faults.iter().map(|fault| syntax::explain_key(fault, piece.first_line));
        return Err(notices.map(|notice| shown.notice(notice)).collect());
    }
    if node.value.is_null() {
        return Ok(None);
    }
    let spot = Spot { key: place, value: place, children: node.children };
    Ok(Some(Document { value: node.value, spot, piece, source }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn source(text: &str) -> Source {
        Source::new("f.yaml", text.as_bytes().to_vec()).unwrap()
    }

    /// `line:column` of the key and of the value at `path`.
    fn places(document: &Document<'_>, path: &str) -> (String, String) {
        let path = if path.is_empty() { FieldPath::root() } else { path.parse().unwrap() };
        (document.key_place(&path).to_string(), document.place(&path).to_string())
    }

    #[test]
    fn every_field_knows_its_key_and_its_value() {
        let text = "# head\n---\nspec:\n  replicas: 3\n  env:\n  - name: é\n    \"value\":  'x'\n  \
                    - {name: b, list: [1, [2]]}\n  empty:\n  text: |\n    long\n";
        let source = source(text);
        let document = source.documents().next().unwrap().unwrap();
        for (path, key, value) in [
            ("", "3:1", "3:1"),
            ("spec", "3:1", "4:3"),
            ("spec.replicas", "4:3", "4:13"),
            ("spec.env", "5:3", "6:5"),
            ("spec.env[0]", "6:5", "6:5"),
            ("spec.env[0].value", "7:5", "7:15"),
            ("spec.env[1]", "8:5", "8:5"),
            ("spec.env[1].list[1][0]", "8:26", "8:26"),
            ("spec.text", "10:3", "11:5"),
            // What is not there is shown by what holds it.
            ("spec.none.at.all", "3:1", "3:1"),
            ("spec.env[9].name", "5:3", "5:3"),
            ("spec.replicas.deeper", "4:3", "4:3"),
        ] {
            assert_eq!(places(&document, path), (key.into(), value.into()), "{path}");
        }
        assert_eq!(document.key_place(&"spec.empty".parse().unwrap()).to_string(), "9:3");
    }

    #[test]
    fn aliases_and_merges_are_shown_where_they_are_used() {
        let source = source("a: &x\n  k: 1\nb: *x\nc:\n  <<: *x\n  l: 2\n");
        let document = source.documents().next().unwrap().unwrap();
        assert_eq!(document.value(), &json!({"a": {"k": 1}, "b": {"k": 1}, "c": {"l": 2, "k": 1}}));
        assert_eq!(places(&document, "b"), ("3:1".into(), "3:4".into()));
        assert_eq!(places(&document, "c.l").0, "6:3");
        assert_eq!(document.place(&"c.k".parse().unwrap()).line, 5);
    }

    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        for (text, value) in [
            ("0644", json!(420)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("1_000", json!(1000)),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!(true)),
            ("\"yes\"", json!("yes")),
            ("~", json!(null)),
            ("", json!(null)),
            ("18446744073709551615", json!(u64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("0.1", json!(0.1)),
            ("1e3", json!(1000.0)),
            ("12:30", json!("12:30")),
            ("2026-01-31", json!("2026-01-31")),
            ("2026-01-31T10:00:00Z", json!("2026-01-31T10:00:00Z")),
            ("1.2.3", json!("1.2.3")),
            ("10Gi", json!("10Gi")),
            ("!!str 3", json!("3")),
            ("1000m", json!("1000m")),
        ] {
            let source = source(&format!("a: {text}\n"));
            let document = source.documents().next().unwrap().unwrap();
            assert_eq!(document.value(), &json!({"a": value}), "{text}");
        }
    }

    #[test]
    fn json_is_read_too() {
        let source = source("{\n\t\"a\": [1, 2.5, \"\\ud83d\\ude00\\/\"],\n\t\"b\": null\n}\n");
        let document = source.documents().next().unwrap().unwrap();
        assert_eq!(document.value(), &json!({"a": [1, 2.5, "😀/"], "b": null}));
        assert_eq!(places(&document, "a[1]").1, "2:11");
    }

    #[test]
    fn one_broken_document_leaves_the_others() {
        let source = source("a: 1\n---\n---\n# none\n---\nb: [\n---\nc: 1\nc: 2\n---\nd: 1\n");
        let read: Vec<_> = source.documents().collect();
        assert_eq!(read.len(), 4);
        assert_eq!(read[0].as_ref().unwrap().value(), &json!({"a": 1}));
        assert!(read[1].is_err());
        assert_eq!(read[2].as_ref().unwrap_err()[0].place, Place { line: 9, column: 1 });
        assert_eq!(places(read[3].as_ref().unwrap(), "d"), ("11:1".into(), "11:4".into()));
    }

    #[test]
    fn the_identity_is_what_the_document_says_as_far_as_it_is_text() {
        let source = source("apiVersion: v1\nkind: [x]\nmetadata: {name: a, namespace: 3}\n");
        let document = source.documents().next().unwrap().unwrap();
        let expected = Identity { api_version: Some("v1"), name: Some("a"), ..Identity::default() };
        assert_eq!(document.identity(), expected);
    }
}
