//! One document of a stream: its value, and where each of its fields stands.

use serde_json::Value;

use super::diagnostic::Diagnostic;
use super::diagnostic::Shown;
use super::fault::Fault;
use super::fault::Part;
use super::limits;
use super::node::Located;
use super::node::Node;
use super::node::Spot;
use super::pieces::Piece;
use super::pieces::Pieces;
use super::place::Place;
use super::source::Source;
use super::syntax;
use crate::cluster::field_path::FieldPath;
use crate::cluster::field_path::Segment;

/// A document that was read without fault; what it means is not looked at yet.
#[derive(Debug, Clone)]
pub struct Document<'s> {
    value: Value,
    spot: Spot,
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
        let text = |pointer: &str| self.value.pointer(pointer).and_then(Value::as_str);
        Identity {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            name: text("/metadata/name"),
            namespace: text("/metadata/namespace"),
        }
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
                        *value = Value::Object(serde_json::Map::new());
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
                let found = syntax::kind_of(value);
                return Err(SetError::WrongKind { path: here(), found, wanted });
            }
            value = child(value, segment).map_or(&Value::Null, |(next, _)| next);
        }
        Ok(())
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
fn child<'v>(value: &'v Value, segment: &Segment) -> Option<(&'v Value, usize)> {
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
    let shown = || Shown::of(source.name(), piece, None);
    if piece.text.len() > limits::MAX_DOCUMENT_BYTES {
        return Err(vec![shown().notice(syntax::too_long())]);
    }
    let Located { inner: node, place } =
        serde_saphyr::from_str_with_options::<Located<Node>>(piece.text, limits::options())
            .map_err(|error| vec![shown().notice(syntax::explain(&error))])?;
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
