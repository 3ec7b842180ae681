//! Turns faults into what is shown of them, with the lines of one document at hand.

use std::cell::OnceCell;
use std::iter;

use serde_json::Value;

use super::diagnostic::{Diagnostic, MAX_MESSAGE_CHARS, shortened};
use super::fault::{Fault, Part};
use super::pieces::{Piece, lines};
use super::place::Place;
use super::secrets;
use super::snippet::{Snippet, safe};
use super::syntax::Notice;

/// The longest value shown in a message, in characters.
const MAX_FOUND_CHARS: usize = 60;

/// The longest line that is shown a part of, in bytes. A longer one is no text for
/// people, and looking through it for secrets would cost too much.
const MAX_LINE_BYTES: usize = 64 << 10;

/// A document's text, ready to show lines of.
pub(super) struct Shown<'s> {
    file: &'s str,
    piece: Piece<'s>,
    document: Option<&'s Value>,
    lines: OnceCell<Vec<&'s str>>,
    all_secret: OnceCell<bool>,
}

impl<'s> Shown<'s> {
    pub(super) fn of(file: &'s str, piece: Piece<'s>, document: Option<&'s Value>) -> Self {
        Self { file, piece, document, lines: OnceCell::new(), all_secret: OnceCell::new() }
    }

    /// A fault at its place in the file.
    pub(super) fn fault(&self, place: Place, fault: Fault) -> Diagnostic {
        let hides = secrets::is_secret_path(&fault.path, self.document);
        let mut message = fault.message;
        if let Some(found) = fault.found.filter(|_| !hides) {
            message = format!("{message} `{}`", shortened(&found, MAX_FOUND_CHARS));
        }
        Diagnostic {
            severity: fault.severity,
            file: safe(self.file),
            place,
            path: shortened(&fault.path.to_string(), MAX_MESSAGE_CHARS),
            message: shortened(&message, MAX_MESSAGE_CHARS),
            hint: fault.hint.map(|hint| shortened(&hint, MAX_MESSAGE_CHARS)),
            snippet: self.snippet(place, Some(fault.part), hides),
        }
    }

    /// A fault of the text, placed from the document's first line.
    pub(super) fn notice(&self, notice: Notice) -> Diagnostic {
        let place = notice.place.below(self.piece.first_line);
        let hint = notice.hint.unwrap_or_default();
        let mut diagnostic = Diagnostic::of_file(self.file, place, notice.message, hint);
        diagnostic.snippet = self.snippet(place, notice.part, false);
        diagnostic
    }

    fn snippet(&self, place: Place, part: Option<Part>, hides: bool) -> Option<Snippet> {
        let all_lines = self.lines.get_or_init(|| lines(self.piece.text).collect());
        let at = usize::try_from(place.line.checked_sub(self.piece.first_line)?).ok()?;
        // The end of the text, where something is missing, may be a line that is not there.
        let line = if at == all_lines.len() { "" } else { all_lines.get(at)? };
        let line = line.trim_end_matches(['\n', '\r']);
        if line.len() > MAX_LINE_BYTES {
            return None;
        }
        let all = *self
            .all_secret
            .get_or_init(|| self.document.is_none() && secrets::looks_like_secret(self.piece.text));
        let whole = || secrets::continues_secret(all_lines.iter().take(at + 1).copied(), all);
        let hidden = if whole() {
            let indent = line.len() - line.trim_start().len();
            iter::once(indent..line.len()).collect()
        } else if hides && part == Some(Part::Value) {
            let skip = usize::try_from(place.column).unwrap_or(usize::MAX).saturating_sub(1);
            let from = line.char_indices().nth(skip).map_or(line.len(), |(from, _)| from);
            iter::once(from..line.len()).collect()
        } else {
            secrets::hidden_ranges(line, all || hides)
        };
        Some(Snippet::of(line, place.column, part, &hidden))
    }
}

#[cfg(test)]
mod tests {
    use crate::input::{Fault, Source};

    #[test]
    fn secrets_are_shown_nowhere() {
        for text in [
            "password: hunter2\n",
            "auth: {password: hunter2}\n",
            "password: [hunter2, hunter2]\n",
            "password:\n- hunter2\n",
            "password: |\n  hunter2\n  hunter2\n",
            "password:\n  deep:\n    hunter2: hunter2\n",
            "password: hunter2\npassword: hunter2\n",
            "password: !x hunter2\n",
            "password: \"hunter2\n",
            "password: @hunter2\n",
            "password: |\n  hunter2\n bad\n",
            "requirepass: hunter2: hunter2\n",
            "tls.key: |\n  hunter2\n\thunter2: [\n",
            "kind: Secret\nstringData:\n  a: hunter2\n  a: hunter2\n",
            "kind: Secret\ndata:\n  a: [hunter2\n",
            "kind: Secret\ndata:\n  a: hunter2\n",
            "- name: DB_PASSWORD\n  value: hunter2\n",
        ] {
            let paths = [
                "password",
                "password[0]",
                "auth.password",
                "password.deep",
                "data.a",
                "stringData.a",
                "[0].value",
            ]
            .map(|path| (path, "bad"));
            let source = Source::new("f", text.into()).unwrap();
            let mut seen = 0;
            for document in source.documents() {
                let diagnostics = document.map_or_else(
                    |d| d,
                    |document| {
                        document.diagnostics(
                            paths
                                .iter()
                                .map(|(path, message)| {
                                    Fault::new(path.parse().unwrap(), *message).found("hunter2")
                                })
                                .filter(|fault| fault.path.find(document.value()).is_some()),
                        )
                    },
                );
                for diagnostic in diagnostics {
                    seen += 1;
                    let all =
                        format!("{diagnostic} {} {}", diagnostic.to_json(), diagnostic.to_github());
                    assert!(!all.contains("hunter2"), "{text}{diagnostic}");
                }
            }
            assert!(seen > 0, "{text} has no fault");
        }
    }
}
