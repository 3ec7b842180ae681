//! How a comparison is shown: one file a format.
//!
//! Every report is text written into a [`std::fmt::Write`]: nothing here opens, prints or asks
//! whether there is a terminal. What goes in is masked already; what comes out cannot move the
//! cursor or reorder a line, whatever a manifest holds.

pub mod json;
mod lines;
pub mod markdown;
pub mod summary;
pub mod text;
pub mod unified;

use std::borrow::Cow;
use std::fmt;

use crate::manifest::Action;
use crate::manifest::Comparison;

/// How a report looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour with ANSI escapes.
    pub color: bool,
}

/// What a piece of a report is, by which it is coloured.
#[derive(Clone, Copy, Debug)]
enum Paint {
    Heading,
    Place,
    Removed,
    Added,
    Plain,
}

impl Style {
    /// Writes `text` as one line.
    fn line(
        self,
        out: &mut impl fmt::Write,
        paint: Paint,
        text: fmt::Arguments<'_>,
    ) -> fmt::Result {
        let code = match paint {
            Paint::Heading => "1",
            Paint::Place => "36",
            Paint::Removed => "31",
            Paint::Added => "32",
            Paint::Plain => "",
        };
        if self.color && !code.is_empty() {
            writeln!(out, "\x1b[{code}m{text}\x1b[0m")
        } else {
            writeln!(out, "{text}")
        }
    }
}

/// The last line of every report that people read.
struct Plan<'a>(&'a Comparison);

impl fmt::Display for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [add, change, delete] =
            [Action::Add, Action::Change, Action::Delete].map(|action| self.0.count(action));
        let impact = self.0.impact();
        write!(f, "Plan: {add} to add, {change} to change, {delete} to delete; impact: {impact}")
    }
}

/// `line` with everything escaped that a terminal would act upon, or that would show the rest of
/// the line in another order.
fn visible(line: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !line.contains(acts) {
        return Cow::Borrowed(line);
    }
    let escape = |c: char| if acts(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(line.chars().map(escape).collect())
}

#[cfg(test)]
mod tests {
    use crate::manifest::Manifest;
    use crate::manifest::ManifestError;
    use crate::manifest::ManifestSet;
    use crate::manifest::TextChange;
    use crate::manifest::compare;
    use crate::manifest::compare_texts;

    use super::*;

    /// Two sets that differ in every way that a report has a form for.
    pub(super) fn sets() -> (ManifestSet, ManifestSet) {
        let head = |kind: &str, name: &str| {
            format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  namespace: shop\n  name: {name}\n")
        };
        let script = |word: &str| {
            format!(
                "data:\n  start.sh: |\n    a\n    b\n    c\n    d\n    {word}\n    e\n    f\n    g\n    h\n"
            )
        };
        let from = [
            head("ConfigMap", "cache-config") + &script("old"),
            head("StatefulSet", "cache")
                + "spec:\n  replicas: 3\n  updateStrategy: {type: OnDelete}\n  template:\n    spec:\n      containers:\n      - name: valkey\n        image: valkey:8.1\n        args: [one, two]\n",
            head("Secret", "cache-secret") + "stringData:\n  password: hunter2\n",
        ];
        let to = [
            head("ConfigMap", "cache-config") + &script("new"),
            head("StatefulSet", "cache")
                + "spec:\n  replicas: 5\n  updateStrategy: {type: OnDelete}\n  template:\n    spec:\n      containers:\n      - name: valkey\n        image: valkey:9.0\n        args: [one]\n        resources: {limits: {cpu: 1}}\n",
            head("Service", "cache|client"),
        ];
        let set = |texts: [String; 3]| {
            let manifests = texts.into_iter().map(|text| Manifest::read(text).unwrap());
            manifests.collect::<Result<ManifestSet, ManifestError>>().unwrap()
        };
        (set(from), set(to))
    }

    pub(super) fn comparison() -> Comparison {
        let (from, to) = sets();
        compare(&from, &to).unwrap()
    }

    pub(super) fn texts() -> Vec<TextChange> {
        let (from, to) = sets();
        compare_texts(&from, &to).unwrap()
    }

    #[test]
    fn the_plan_counts_objects_and_names_the_worst_impact() {
        assert_eq!(
            Plan(&comparison()).to_string(),
            "Plan: 1 to add, 2 to change, 1 to delete; impact: failover"
        );
        assert_eq!(
            Plan(&Comparison::default()).to_string(),
            "Plan: 0 to add, 0 to change, 0 to delete; impact: none"
        );
    }

    #[test]
    fn nothing_that_a_terminal_acts_upon_is_left() {
        for (line, shown) in [
            ("plain\ttext é 日本", "plain\ttext é 日本"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\rb\u{7}\u{9b}", "a\\rb\\u{7}\\u{9b}"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(visible(line), shown);
        }
    }
}
