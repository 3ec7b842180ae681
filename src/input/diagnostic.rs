//! What people read about a fault: where, what, the line itself, and what helps.

use std::cell::OnceCell;
use std::fmt;

use serde_json::Value;
use serde_json::json;

use super::fault::Fault;
use super::fault::Part;
use super::pieces::Piece;
use super::pieces::lines;
use super::place::Place;
use super::secrets;
use super::snippet::Snippet;
use super::snippet::safe;
use super::syntax::Notice;

/// The longest message or hint shown, in characters; the rest is cut.
const MAX_MESSAGE_CHARS: usize = 500;

/// The longest value shown in a message, in characters.
const MAX_FOUND_CHARS: usize = 60;

/// Whether the work goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is rendered from this input.
    Error,
    /// Worth a look; the work goes on.
    Warning,
}

impl Severity {
    /// The word in messages, JSON and annotations.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// How a diagnostic is written for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// With ANSI colours.
    Coloured,
}

/// A fault with its place in a file. All its texts are one line each, safe for a
/// terminal, and without secret values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the work.
    pub severity: Severity,
    /// The file, as it was named when it was read.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// The field's path; empty when the text itself is at fault.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What was expected, or what to do.
    pub hint: Option<String>,
    /// The line and what of it is underlined.
    pub(super) snippet: Option<Snippet>,
}

impl Diagnostic {
    /// An error of a file as a whole, without a line to show: it cannot be read, or
    /// is no text.
    #[must_use]
    pub fn of_file(
        file: impl AsRef<str>,
        place: Place,
        message: impl AsRef<str>,
        hint: impl AsRef<str>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            file: safe(file.as_ref()),
            place,
            path: String::new(),
            message: shortened(message.as_ref(), MAX_MESSAGE_CHARS),
            hint: Some(shortened(hint.as_ref(), MAX_MESSAGE_CHARS)).filter(|hint| !hint.is_empty()),
            snippet: None,
        }
    }

    /// The line at fault as it is shown: shortened, and without secret values.
    #[must_use]
    pub fn line_text(&self) -> Option<&str> {
        self.snippet.as_ref().map(|snippet| snippet.text.as_str())
    }

    /// This diagnostic as text of the given style, over several lines.
    #[must_use]
    pub fn styled(&self, style: Style) -> impl fmt::Display {
        Styled { diagnostic: self, style }
    }

    /// This diagnostic as a JSON object, its keys in a fixed order.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "severity": self.severity.word(),
            "file": self.file,
            "line": self.place.line,
            "column": self.place.column,
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
            "text": self.line_text(),
        })
    }

    /// This diagnostic as a workflow command of GitHub Actions, one line.
    #[must_use]
    pub fn to_github(&self) -> String {
        let property = |text: &str| escape_data(text).replace(':', "%3A").replace(',', "%2C");
        let path = if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) };
        let hint = self.hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
        format!(
            "::{} file={},line={},col={}::{}",
            self.severity.word(),
            property(&self.file),
            self.place.line,
            self.place.column,
            escape_data(&format!("{path}{}{hint}", self.message)),
        )
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Styled { diagnostic: self, style: Style::Plain }.fmt(f)
    }
}

fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn shortened(text: &str, max_chars: usize) -> String {
    let mut short = safe(&text.chars().take(max_chars).collect::<String>());
    if text.chars().nth(max_chars).is_some() {
        short.push('…');
    }
    short
}

struct Styled<'d> {
    diagnostic: &'d Diagnostic,
    style: Style,
}

impl fmt::Display for Styled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { severity, file, place, path, message, hint, snippet } = self.diagnostic;
        let paint = |code| match self.style {
            Style::Plain => ("", ""),
            Style::Coloured => (code, "\x1b[0m"),
        };
        let (loud, end) = paint(match severity {
            Severity::Error => "\x1b[1;31m",
            Severity::Warning => "\x1b[1;33m",
        });
        let (bold, _) = paint("\x1b[1m");
        let (quiet, _) = paint("\x1b[34m");
        let (help, _) = paint("\x1b[36m");
        write!(f, "{loud}{}{end}{bold}: {file}:{place}: ", severity.word())?;
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        write!(f, "{message}{end}")?;
        if let Some(Snippet { text, before, width }) = snippet {
            let number = place.line.to_string();
            let gutter = number.len();
            write!(f, "\n  {quiet}{number} |{end} {text}")?;
            write!(f, "\n  {quiet}{:gutter$} |{end} {:before$}", "", "")?;
            write!(f, "{loud}{}{end}", "^".repeat(*width))?;
        }
        if let Some(hint) = hint {
            write!(f, "\n  {help}help{end}: {hint}")?;
        }
        Ok(())
    }
}

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
        diagnostic.snippet = self.snippet(place, None, false);
        diagnostic
    }

    fn snippet(&self, place: Place, part: Option<Part>, hides: bool) -> Option<Snippet> {
        let all_lines = self.lines.get_or_init(|| lines(self.piece.text).collect());
        let at = usize::try_from(place.line.checked_sub(self.piece.first_line)?).ok()?;
        // The end of the text, where something is missing, may be a line that is not there.
        let line = if at == all_lines.len() { "" } else { all_lines.get(at)? };
        let line = line.trim_end_matches(['\n', '\r']);
        let all = *self
            .all_secret
            .get_or_init(|| self.document.is_none() && secrets::looks_like_secret(self.piece.text));
        let whole = || secrets::continues_secret(all_lines.iter().take(at + 1).copied(), all);
        let hidden = if whole() {
            let indent = line.len() - line.trim_start().len();
            Vec::from([indent..line.len()])
        } else if hides && part == Some(Part::Value) {
            let skip = usize::try_from(place.column).unwrap_or(usize::MAX).saturating_sub(1);
            let from = line.char_indices().nth(skip).map_or(line.len(), |(from, _)| from);
            Vec::from([from..line.len()])
        } else {
            secrets::hidden_ranges(line, all || hides)
        };
        Some(Snippet::of(line, place.column, part, &hidden))
    }
}
