//! What people read about a fault: where, what, the line itself, and what helps.

use std::fmt;

use serde_json::{Value, json};

use super::place::Place;
use super::snippet::{Snippet, safe};

/// The longest message or hint shown, in characters; the rest is cut.
pub(super) const MAX_MESSAGE_CHARS: usize = 500;

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

/// The first `max_chars` of `text`, safe for a terminal.
pub(super) fn shortened(text: &str, max_chars: usize) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::FieldPath;
    use crate::input::{Fault, Schema, Source};

    /// All diagnostics of `text` as they are shown, with `faults` of the first document.
    fn show(text: &str, faults: &[(&str, &str)]) -> String {
        let source = Source::new("dir/f.yaml", text.as_bytes().to_vec()).unwrap();
        let mut shown = Vec::new();
        for document in source.documents() {
            let diagnostics = document.map_or_else(
                |diagnostics| diagnostics,
                |document| {
                    let path = |path: &str| FieldPath::parse(path).unwrap();
                    let found = faults.iter().map(|(at, text)| Fault::new(path(at), *text));
                    document.diagnostics(found)
                },
            );
            shown.extend(diagnostics.iter().map(ToString::to_string));
        }
        shown.join("\n")
    }

    #[test]
    fn a_fault_is_shown_with_its_line_and_its_cure() {
        let schema = Schema::compile_part(&json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {"replicas": {"type": "integer"}}}}}));
        let source = Source::new("examples/bad.yaml", "\nspec:\n  replica: 3\n".into()).unwrap();
        let document = source.documents().next().unwrap().unwrap();
        let diagnostics = document.diagnostics(schema.unwrap().faults(&document));
        assert_eq!(
            diagnostics[0].to_string(),
            "error: examples/bad.yaml:3:3: spec.replica: unknown field\n  \
               3 |   replica: 3\n    |   ^^^^^^^\n  help: did you mean `replicas`?"
        );
        assert_eq!(
            diagnostics[0].styled(Style::Coloured).to_string(),
            "\x1b[1;31merror\x1b[0m\x1b[1m: examples/bad.yaml:3:3: spec.replica: unknown field\
             \x1b[0m\n  \x1b[34m3 |\x1b[0m   replica: 3\n  \x1b[34m  |\x1b[0m   \
             \x1b[1;31m^^^^^^^\x1b[0m\n  \x1b[36mhelp\x1b[0m: did you mean `replicas`?"
        );
        assert_eq!(
            diagnostics[0].to_json().to_string(),
            r#"{"severity":"error","file":"examples/bad.yaml","line":3,"column":3,"path":"spec.replica","message":"unknown field","hint":"did you mean `replicas`?","text":"  replica: 3"}"#
        );
        assert_eq!(
            diagnostics[0].to_github(),
            "::error file=examples/bad.yaml,line=3,col=3::spec.replica: unknown field%0Adid you \
             mean `replicas`?"
        );
    }

    #[test]
    fn annotations_escape_what_would_end_them() {
        let hint = "50%, done\n::error::x";
        let diagnostic = Diagnostic::of_file("a,b:c%.yaml", Place::START, "m\r\nn", hint);
        assert_eq!(
            diagnostic.to_github(),
            "::error file=a%2Cb%3Ac%25.yaml,line=1,col=1::m␍␊n%0A50%25, done␊::error::x"
        );
    }

    #[test]
    fn faults_come_in_order_of_place() {
        let faults = [("b", "second"), ("a.y", "missing"), ("c", "third"), ("a", "first")];
        let shown = show("a: {x: 1}\nb: 2\nc: 3\n", &faults);
        let order: Vec<_> = shown.lines().filter(|line| line.starts_with("error")).collect();
        assert_eq!(
            order,
            [
                "error: dir/f.yaml:1:1: a.y: missing",
                "error: dir/f.yaml:1:4: a: first",
                "error: dir/f.yaml:2:4: b: second",
                "error: dir/f.yaml:3:4: c: third",
            ]
        );
    }

    #[test]
    fn what_the_parser_refuses_is_shown_alike() {
        for (text, expected) in [
            (
                "a: 1\nb:\n  a: 1\n  a: 2\n",
                "error: dir/f.yaml:4:3: the key `a` is set twice; first at 3:3\n  \
                   4 |   a: 2\n    |   ^\n  help: remove one of the two",
            ),
            (
                "---\na: 1\n---\n# x\nyes: 1\n",
                "error: dir/f.yaml:5:1: a key must be a string, found the boolean `true`\n  \
                   5 | yes: 1\n    | ^^^\n  help: put the key in quotes",
            ),
            (
                "a: {{ .Values.name }}\n",
                "error: dir/f.yaml:1:5: a key must be a string, found a mapping\n  \
                   1 | a: {{ .Values.name }}\n    |     ^^^^^^^^^^^^^^\n  \
                 help: if this is a template (`{{ … }}`), render it first; else put the value in quotes",
            ),
            (
                "a:\n\tb: 1\n",
                "error: dir/f.yaml:2:2: tabs disallowed within this context (block indentation)\n  \
                   2 | →b: 1\n    |  ^\n  help: indent with spaces",
            ),
            (
                "a: b\nc: *d\n",
                "error: dir/f.yaml:2:4: an alias (`*name`) names no anchor (`&name`) above it in \
                 this document\n  2 | c: *d\n    |    ^\n  \
                 help: put a string that starts with `*` in quotes",
            ),
            (
                "a: .inf\n",
                "error: dir/f.yaml:1:4: infinity and not-a-number are no values in Kubernetes\n  \
                   1 | a: .inf\n    |    ^",
            ),
            (
                "a: !x b\n",
                "error: dir/f.yaml:1:7: unsupported tag `!x`\n  1 | a: !x b\n    |       ^\n  \
                 help: remove the tag; quotes make a value a string",
            ),
            (
                "a: \"b\nc: d",
                "error: dir/f.yaml:1:4: unclosed quote\n  1 | a: \"b\n    |    ^\n  \
                 help: close the quote",
            ),
        ] {
            assert_eq!(show(text, &[]), expected, "{text}");
        }
    }
}
