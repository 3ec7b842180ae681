//! Where in a document a field is: `spec.env[2].name`.
//!
//! One spelling for people (messages), for the command line (`--set`) and for
//! looking a value up in parsed YAML. A path is only words: nothing here knows
//! a schema, a file or a line number.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// The longest path text that [`FieldPath::parse`] reads, in bytes (4 KiB).
pub const MAX_PATH_BYTES: usize = 4 << 10;

/// One step down from a mapping or a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The value under this key of a mapping.
    Key(String),
    /// The item at this place of a list, counted from 0.
    Index(usize),
}

/// The way from a document's top to one of its fields.
///
/// Its text form writes plain keys bare and any other key as a JSON string:
/// `spec.config["maxmemory-policy"]`. What [`fmt::Display`] writes,
/// [`FieldPath::parse`] reads back.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// The document itself; its text is empty.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Segment::Key(key.into()));
        self
    }

    /// This path and one list index more, counted from 0.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Segment::Index(index));
        self
    }

    /// This path and all of `below` after it.
    #[must_use]
    pub fn join(mut self, below: &Self) -> Self {
        self.0.extend_from_slice(&below.0);
        self
    }

    /// The path that holds this one; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, above)| Self(above.to_vec()))
    }

    /// The steps from the top down.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether this is the document itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The value at this path of `document`, if there is one.
    #[must_use]
    pub fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(document, |value, segment| match segment {
            Segment::Key(key) => value.get(key),
            Segment::Index(index) => value.get(index),
        })
    }

    /// Reads the text form, as `--set` takes it.
    ///
    /// A bare key may hold anything but `.`, `[`, `]`, `"`, `=` and white space,
    /// so that `spec.config.maxmemory-policy` works as well as the quoted form.
    ///
    /// # Errors
    ///
    /// [`PathError`] names the first character that does not fit.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong { max_bytes: MAX_PATH_BYTES });
        }
        let mut reader = Reader { text, at: 0 };
        let mut path = reader.first()?;
        while let Some(segment) = reader.next()? {
            path.0.push(segment);
        }
        Ok(path)
    }
}

impl From<Vec<Segment>> for FieldPath {
    fn from(segments: Vec<Segment>) -> Self {
        Self(segments)
    }
}

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_plain(key) => {
                    let dot = if depth == 0 { "" } else { "." };
                    write!(f, "{dot}{key}")?;
                }
                Segment::Key(key) => write!(f, "[{}]", Value::from(key.as_str()))?,
            }
        }
        Ok(())
    }
}

/// Whether `key` is written without quotes.
fn is_plain(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Why a text is no field path. Columns count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing, or nothing but blanks, where a path was wanted.
    #[error("the path is empty; write it like `spec.replicas`")]
    Empty,
    /// Longer than any real path.
    #[error("the path is longer than {max_bytes} bytes")]
    TooLong {
        /// The limit, in bytes.
        max_bytes: usize,
    },
    /// Two dots in a row, or a dot at an end.
    #[error("a key is missing at column {column} of the path")]
    MissingKey {
        /// Where the key was wanted.
        column: usize,
    },
    /// A `[…]` that is neither an index nor a quoted key.
    #[error("`[` at column {column} wants a number or a quoted key, like `[0]` or `[\"a-b\"]`")]
    BadBracket {
        /// Where the bracket opens.
        column: usize,
    },
    /// A character that cannot stand there.
    #[error("`{found}` cannot stand at column {column} of the path; quote the key as `[\"…\"]`")]
    Unexpected {
        /// The character, escaped when it is not printable.
        found: String,
        /// Where it stands.
        column: usize,
    },
}

/// A cursor over the text; each call takes one segment.
struct Reader<'t> {
    text: &'t str,
    /// Bytes read so far; always at a character's start.
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn column(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    /// The first segment: a bare key without its dot, or a bracket.
    fn first(&mut self) -> Result<FieldPath, PathError> {
        if self.text.trim().is_empty() {
            return Err(PathError::Empty);
        }
        let first = if self.rest().starts_with('[') { self.bracket()? } else { self.bare_key()? };
        Ok(FieldPath(vec![first]))
    }

    fn next(&mut self) -> Result<Option<Segment>, PathError> {
        match self.rest().chars().next() {
            None => Ok(None),
            Some('.') => {
                self.at += 1;
                self.bare_key().map(Some)
            }
            Some('[') => self.bracket().map(Some),
            Some(other) => Err(self.unexpected(other)),
        }
    }

    fn unexpected(&self, found: char) -> PathError {
        PathError::Unexpected { found: found.escape_debug().to_string(), column: self.column() }
    }

    fn bare_key(&mut self) -> Result<Segment, PathError> {
        let rest = self.rest();
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        if end == 0 {
            return Err(PathError::MissingKey { column: self.column() });
        }
        let key = rest[..end].to_owned();
        let stray = |c: char| matches!(c, ']' | '"' | '=') || c.is_whitespace() || c.is_control();
        if let Some((offset, found)) = key.char_indices().find(|&(_, c)| stray(c)) {
            self.at += offset;
            return Err(self.unexpected(found));
        }
        self.at += end;
        Ok(Segment::Key(key))
    }

    fn bracket(&mut self) -> Result<Segment, PathError> {
        let bad = PathError::BadBracket { column: self.column() };
        let inner = &self.rest()[1..];
        let (segment, length) = if inner.starts_with('"') {
            let end = quoted_end(inner).ok_or_else(|| bad.clone())?;
            let key = serde_json::from_str(&inner[..end]).map_err(|_| bad.clone())?;
            (Segment::Key(key), end)
        } else {
            let end = inner.find(']').ok_or_else(|| bad.clone())?;
            let digits = &inner[..end];
            if !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(bad);
            }
            (Segment::Index(digits.parse().map_err(|_| bad.clone())?), end)
        };
        if !inner[length..].starts_with(']') {
            return Err(bad);
        }
        self.at += length + 2;
        Ok(segment)
    }
}

/// Bytes up to and with the closing quote of the JSON string that `text` opens with.
fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (offset, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_written_as_people_write_them() {
        let root = FieldPath::root();
        for (path, text) in [
            (root.clone(), ""),
            (root.clone().key("spec"), "spec"),
            (root.clone().key("spec").key("env").index(2).key("name"), "spec.env[2].name"),
            (
                root.clone().key("spec").key("config").key("maxmemory-policy"),
                r#"spec.config["maxmemory-policy"]"#,
            ),
            (root.clone().key("").key("a.b").key("say \"hi\"\n"), r#"[""]["a.b"]["say \"hi\"\n"]"#),
            (root.clone().index(0).index(1), "[0][1]"),
            (root.key("_x").key("1x"), r#"_x["1x"]"#),
        ] {
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn bare_keys_may_hold_dashes_and_slashes() {
        let path = FieldPath::parse("spec.config.maxmemory-policy").unwrap();
        assert_eq!(path, FieldPath::root().key("spec").key("config").key("maxmemory-policy"));
        let path = FieldPath::parse("a/b.ключ[0]").unwrap();
        assert_eq!(path, FieldPath::root().key("a/b").key("ключ").index(0));
    }

    #[test]
    fn a_bad_path_says_where() {
        for (text, error) in [
            ("", PathError::Empty),
            ("  ", PathError::Empty),
            (".a", PathError::MissingKey { column: 1 }),
            ("a..b", PathError::MissingKey { column: 3 }),
            ("a.", PathError::MissingKey { column: 3 }),
            ("ä[x]", PathError::BadBracket { column: 2 }),
            ("a[", PathError::BadBracket { column: 2 }),
            ("a[]", PathError::BadBracket { column: 2 }),
            ("a[-1]", PathError::BadBracket { column: 2 }),
            ("a[+1]", PathError::BadBracket { column: 2 }),
            ("a[99999999999999999999999]", PathError::BadBracket { column: 2 }),
            (r#"a["x"#, PathError::BadBracket { column: 2 }),
            (r#"a["x\"]"#, PathError::BadBracket { column: 2 }),
            ("a[0]b", PathError::Unexpected { found: "b".into(), column: 5 }),
            ("a b", PathError::Unexpected { found: " ".into(), column: 2 }),
            ("a=b", PathError::Unexpected { found: "=".into(), column: 2 }),
            ("a\u{7}", PathError::Unexpected { found: "\\u{7}".into(), column: 2 }),
            (&"a".repeat(MAX_PATH_BYTES + 1), PathError::TooLong { max_bytes: MAX_PATH_BYTES }),
        ] {
            assert_eq!(FieldPath::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn find_follows_keys_and_indices() {
        let value = json!({"a": [{"b-c": 7}]});
        let find = |text| FieldPath::parse(text).unwrap().find(&value).cloned();
        assert_eq!(find(r#"a[0]["b-c"]"#), Some(json!(7)));
        assert_eq!(find("a[1]"), None);
        assert_eq!(find("a.b"), None);
        assert_eq!(FieldPath::root().find(&value), Some(&value));
    }

    fn segment() -> impl Strategy<Value = Segment> {
        prop_oneof![
            any::<String>().prop_map(Segment::Key),
            "[a-z_][a-zA-Z0-9_]{0,8}".prop_map(Segment::Key),
            any::<usize>().prop_map(Segment::Index),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(segments in prop::collection::vec(segment(), 1..6)) {
            let path = FieldPath::from(segments);
            prop_assert_eq!(FieldPath::parse(&path.to_string()), Ok(path));
        }

        #[test]
        fn any_text_is_a_path_or_an_error(text in any::<String>()) {
            let _ = FieldPath::parse(&text);
        }
    }
}
