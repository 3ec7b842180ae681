//! The text of a `valkey.conf`, read back: which directive has which arguments.
//!
//! Lenient on purpose: it reads what others wrote, so what Valkey would refuse is kept as it is.

use std::collections::BTreeMap;

use crate::cluster::directive;
use crate::cluster::directive::Directive;

/// One line that says something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The directive, as it is spelt.
    pub name: &'a str,
    /// The rest of the line, as it is spelt.
    pub rest: &'a str,
}

/// The line's directive and arguments, or `None` for a comment or an empty line.
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    Some(Line { name, rest: rest.trim_start() })
}

/// What counts of a whole text: each directive by the spelling that all versions take, with the
/// arguments of its last line, or of all its lines where they add up.
pub(super) fn directives(text: &str) -> BTreeMap<String, Vec<&str>> {
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for Line { name, rest } in text.lines().filter_map(line) {
        let known = directive::find(name);
        let name = known.map_or_else(|| name.to_ascii_lowercase(), |known| known.name.to_owned());
        let lines = found.entry(name).or_default();
        if !known.is_some_and(Directive::is_cumulative) {
            lines.clear();
        }
        lines.push(rest);
    }
    found
}

/// Splits arguments as Valkey does: at blanks, but not inside `"…"` (where `\` escapes) or `'…'`.
pub(super) fn arguments(rest: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = rest.trim_start();
    while !rest.is_empty() {
        let (word, len) = first_word(rest);
        words.push(word);
        rest = rest[len..].trim_start();
    }
    words
}

/// The first word of `text`, without its quotes, and how many bytes it takes.
fn first_word(text: &str) -> (String, usize) {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((place, c)) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => return (word, place),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '\\') => match chars.next().map(|(_, escaped)| escaped) {
                Some('n') => word.push('\n'),
                Some('r') => word.push('\r'),
                Some('t') => word.push('\t'),
                Some('x') => word.push_str("\\x"),
                Some(escaped) => word.push(escaped),
                None => word.push('\\'),
            },
            (Some('\''), '\\') if text[place..].starts_with("\\'") => {
                chars.next();
                word.push('\'');
            }
            (_, c) => word.push(c),
        }
    }
    (word, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_split_as_the_server_splits_them() {
        for (rest, words) in [
            ("", vec![]),
            ("yes", vec!["yes"]),
            ("  3600 1\t300 100 ", vec!["3600", "1", "300", "100"]),
            ("\"\"", vec![""]),
            ("''", vec![""]),
            (r#""a b" c"#, vec!["a b", "c"]),
            (r#""a\"b\\\n""#, vec!["a\"b\\\n"]),
            (r"'it\'s'", vec!["it's"]),
            (r#""\x41""#, vec!["\\x41"]),
            ("\"open a", vec!["open a"]),
            ("é 'ü'", vec!["é", "ü"]),
        ] {
            assert_eq!(arguments(rest), words, "{rest}");
        }
    }

    #[test]
    fn the_last_line_counts_unless_lines_add_up() {
        let text = "# comment\n\nmaxmemory 1gb\nMAXMEMORY 2gb\n  slave-read-only yes\nsave 3600 1\n\
                    save 60 10000\nother x\nport\n";
        let expected = [
            ("maxmemory", vec!["2gb"]),
            ("other", vec!["x"]),
            ("port", vec![""]),
            ("replica-read-only", vec!["yes"]),
            ("save", vec!["3600 1", "60 10000"]),
        ]
        .map(|(name, lines)| (name.to_owned(), lines));
        assert_eq!(directives(text), BTreeMap::from(expected));
    }
}
