//! Cuts a YAML stream into the texts of its documents.
//!
//! A line that opens with `---` at its first column starts a document wherever it
//! stands, so the cut needs no parser. It lets one broken document leave the others
//! readable, and bounds what is held at once by one document.

/// The text of one document, its `---` line included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'s> {
    pub(super) text: &'s str,
    /// The file's line, from 1, that the text starts on.
    pub(super) first_line: u32,
    /// Whether it holds nothing but marks, blanks and comments.
    pub(super) is_empty: bool,
}

/// The pieces of a stream, in order, empty ones included.
#[derive(Debug, Clone)]
pub(super) struct Pieces<'s> {
    rest: &'s str,
    line: u32,
}

impl<'s> Pieces<'s> {
    pub(super) fn of(text: &'s str) -> Self {
        Self { rest: text, line: 1 }
    }
}

impl<'s> Iterator for Pieces<'s> {
    type Item = Piece<'s>;

    fn next(&mut self) -> Option<Piece<'s>> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut length, mut count, mut started, mut is_empty) = (0, 0, false, true);
        for line in lines(self.rest) {
            let (starts_document, ends_document) = (is_marker(line, "---"), is_marker(line, "..."));
            if started && starts_document {
                break;
            }
            length += line.len();
            count += 1;
            // Directives (`%YAML 1.2`) and comments belong to the document below them.
            let is_directive = line.starts_with('%');
            started |= starts_document || !(is_directive || is_comment(line));
            let tail = if starts_document || ends_document { &line[3..] } else { line };
            is_empty &= is_comment(tail);
            if ends_document {
                break;
            }
        }
        let (text, rest) = self.rest.split_at(length);
        let piece = Piece { text, first_line: self.line, is_empty };
        self.rest = rest;
        self.line = self.line.saturating_add(count);
        Some(piece)
    }
}

/// The lines of `text`, each with its break. YAML breaks a line at `\n`, `\r\n` or `\r`.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let bytes = rest.as_bytes();
        let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let end = end.map_or(rest.len(), |at| {
            at + if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') { 2 } else { 1 }
        });
        let (line, tail) = rest.split_at(end);
        rest = tail;
        Some(line)
    })
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|tail| {
        tail.bytes().next().is_none_or(|next| matches!(next, b' ' | b'\t' | b'\n' | b'\r'))
    })
}

/// Whether the line is blank or a comment.
fn is_comment(line: &str) -> bool {
    matches!(line.trim_start().bytes().next(), None | Some(b'#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_before_each_document_start() {
        for (text, expected) in [
            ("", &[][..]),
            ("a: 1\n", &[("a: 1\n", 1)]),
            ("a\n---\nb\n", &[("a\n", 1), ("---\nb\n", 2)]),
            ("---\na\n---\nb", &[("---\na\n", 1), ("---\nb", 3)]),
            ("a\r\n--- b\r\n", &[("a\r\n", 1), ("--- b\r\n", 2)]),
            ("a\r---\rb", &[("a\r", 1), ("---\rb", 2)]),
            ("# top\n\n---\na\n", &[("# top\n\n---\na\n", 1)]),
            ("%YAML 1.2\n---\na\n", &[("%YAML 1.2\n---\na\n", 1)]),
            ("a\n...\n%YAML 1.2\n---\nb\n", &[("a\n...\n", 1), ("%YAML 1.2\n---\nb\n", 3)]),
            ("---\n---\n", &[("---\n", 1), ("---\n", 2)]),
            ("a: |\n  ---\n  x\n", &[("a: |\n  ---\n  x\n", 1)]),
            ("---a: 1\n", &[("---a: 1\n", 1)]),
            ("a\n----\n", &[("a\n----\n", 1)]),
        ] {
            let pieces: Vec<_> = Pieces::of(text).map(|p| (p.text, p.first_line)).collect();
            assert_eq!(pieces, expected, "{text:?}");
        }
    }

    #[test]
    fn pieces_without_content_are_known() {
        for (text, expected) in [
            ("---\n", true),
            ("--- # none\n# none\n\n...\n", true),
            ("# none\n", true),
            ("--- x\n", false),
            ("%YAML 1.2\n", false),
            ("---\n  x\n", false),
            ("---#\n", false),
        ] {
            let empty: Vec<_> = Pieces::of(text).map(|piece| piece.is_empty).collect();
            assert_eq!(empty, [expected], "{text:?}");
        }
    }
}
