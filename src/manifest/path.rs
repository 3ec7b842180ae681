//! Where in an object a value is: shown to people, written as a JSON Pointer, held against patterns.

use std::fmt;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A key of a map.
    Key(String),
    /// An element of a list, at its place in the older and in the newer object.
    Item {
        /// What tells it from the others (`valkey`, `6379/TCP`), where the list has such a thing.
        label: Option<String>,
        /// Its index in the older object.
        from: Option<usize>,
        /// Its index in the newer object.
        to: Option<usize>,
    },
    /// A directive inside the text of a `valkey.conf`; a pointer ends before it.
    Directive(String),
}

/// The way from the root of an object to a value. Empty: the whole object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Segment>);

/// Which of two objects a pointer points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The older object.
    From,
    /// The newer object.
    To,
}

impl Path {
    /// The whole object.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the whole object.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The steps, from the root on.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The name of the last step.
    pub(super) fn last_name(&self) -> Option<&str> {
        self.0.last()?.name()
    }

    pub(super) fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// This path as a JSON Pointer (RFC 6901) into one of the two objects.
    #[must_use]
    pub fn pointer(&self, side: Side) -> String {
        let mut pointer = String::new();
        for segment in &self.0 {
            let token = match (segment, side) {
                (Segment::Key(key), _) => key.replace('~', "~0").replace('/', "~1"),
                (Segment::Item { from: Some(index), .. }, Side::From)
                | (Segment::Item { to: Some(index), .. }, Side::To) => index.to_string(),
                // Not on that side, or inside a text: the pointer can go no further.
                _ => break,
            };
            pointer.push('/');
            pointer.push_str(&token);
        }
        pointer
    }

    /// Whether `pattern` says this path: steps between `/`, where `*` is any one step and `**` any
    /// number of them. An element of a list is named by its label.
    pub(super) fn matches(&self, pattern: &str) -> bool {
        matches(&self.0, pattern)
    }
}

fn matches(segments: &[Segment], pattern: &str) -> bool {
    let (step, steps) = pattern.split_once('/').unwrap_or((pattern, ""));
    match (step, segments) {
        ("", _) => segments.is_empty(),
        ("**", []) => matches(segments, steps),
        ("**", [_, rest @ ..]) => {
            steps.is_empty() || matches(segments, steps) || matches(rest, pattern)
        }
        (_, []) => false,
        (_, [first, rest @ ..]) => {
            (step == "*" || first.name() == Some(step)) && matches(rest, steps)
        }
    }
}

impl Segment {
    pub(super) fn key(name: &str) -> Self {
        Self::Key(name.to_owned())
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Key(name) | Self::Directive(name) => Some(name),
            Self::Item { label, .. } => label.as_deref(),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(name) | Segment::Directive(name) if is_plain(name) => {
                    write!(f, "{}{name}", if place == 0 { "" } else { "." })?;
                }
                Segment::Key(name) | Segment::Directive(name) => write!(f, "[{name:?}]")?,
                Segment::Item { label: Some(label), .. } => write!(f, "[{}]", Escaped(label))?,
                Segment::Item { from, to, .. } => {
                    write!(f, "[{}]", to.or(*from).unwrap_or_default())?;
                }
            }
        }
        Ok(())
    }
}

/// A label as it is, but for what could leave its line.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.chars().any(char::is_control) {
            write!(f, "{:?}", self.0)
        } else {
            f.write_str(self.0)
        }
    }
}

/// Whether a key needs no quotes in a path.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(label: Option<&str>, from: Option<usize>, to: Option<usize>) -> Segment {
        Segment::Item { label: label.map(str::to_owned), from, to }
    }

    fn path(segments: &[Segment]) -> Path {
        Path(segments.to_vec())
    }

    #[test]
    fn a_path_reads_like_a_path_and_points_into_either_object() {
        for (segments, shown, from, to) in [
            (vec![], "", "", ""),
            (
                vec![
                    Segment::key("spec"),
                    Segment::key("containers"),
                    item(Some("valkey"), Some(1), Some(0)),
                    Segment::key("image"),
                ],
                "spec.containers[valkey].image",
                "/spec/containers/1/image",
                "/spec/containers/0/image",
            ),
            (
                vec![Segment::key("ports"), item(Some("6379/TCP"), None, Some(2))],
                "ports[6379/TCP]",
                "/ports",
                "/ports/2",
            ),
            (vec![Segment::key("args"), item(None, Some(3), None)], "args[3]", "/args/3", "/args"),
            (
                vec![
                    Segment::key("data"),
                    Segment::key("valkey.conf"),
                    Segment::Directive("maxmemory".to_owned()),
                ],
                "data[\"valkey.conf\"].maxmemory",
                "/data/valkey.conf",
                "/data/valkey.conf",
            ),
            (
                vec![Segment::key("metadata"), Segment::key("a/b~c"), Segment::key("")],
                "metadata[\"a/b~c\"][\"\"]",
                "/metadata/a~1b~0c/",
                "/metadata/a~1b~0c/",
            ),
            (
                vec![Segment::key("a\nb"), item(Some("c\nd"), Some(0), Some(0))],
                "[\"a\\nb\"][\"c\\nd\"]",
                "/a\nb/0",
                "/a\nb/0",
            ),
        ] {
            let path = path(&segments);
            assert_eq!(path.to_string(), shown);
            assert_eq!(
                (path.pointer(Side::From).as_str(), path.pointer(Side::To).as_str()),
                (from, to)
            );
        }
    }

    #[test]
    fn a_pattern_matches_steps_labels_and_any_depth() {
        let image = path(&[
            Segment::key("spec"),
            Segment::key("containers"),
            item(Some("valkey"), Some(0), Some(0)),
            Segment::key("image"),
        ]);
        for (pattern, expected) in [
            ("spec/containers/valkey/image", true),
            ("spec/containers/*/image", true),
            ("spec/**", true),
            ("**", true),
            ("**/image", true),
            ("**/containers/*/image", true),
            ("spec/**/image", true),
            ("spec/containers/exporter/image", false),
            ("spec/containers/*", false),
            ("spec/*/image", false),
            ("spec", false),
            ("", false),
        ] {
            assert_eq!(image.matches(pattern), expected, "{pattern}");
        }
        assert!(Path::root().matches(""));
        assert!(path(&[Segment::key("spec")]).matches("spec/**"));
        assert!(!path(&[Segment::key("specs")]).matches("spec/**"));
    }
}
