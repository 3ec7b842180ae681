//! All diagnostics of a run, with a bound on how many are shown.

use std::fmt;

use serde_json::Value;

use super::diagnostic::{Diagnostic, Severity, Style};

/// The most diagnostics that are kept of one file; more are only counted.
pub const MAX_SHOWN_PER_FILE: usize = 100;

/// Diagnostics in the order they came, file by file.
#[derive(Debug, Clone, Default)]
pub struct Report {
    files: Vec<FileReport>,
}

#[derive(Debug, Clone)]
struct FileReport {
    file: String,
    shown: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl FileReport {
    fn hidden(&self) -> usize {
        self.errors + self.warnings - self.shown.len()
    }
}

impl Report {
    /// A report without diagnostics.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `diagnostics`, keeping the first [`MAX_SHOWN_PER_FILE`] of each file.
    pub fn add(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in diagnostics {
            let report = self.of_file(&diagnostic.file);
            match diagnostic.severity {
                Severity::Error => report.errors += 1,
                Severity::Warning => report.warnings += 1,
            }
            if report.shown.len() < MAX_SHOWN_PER_FILE {
                report.shown.push(diagnostic);
            }
        }
    }

    /// The report of `file`, which is nearly always the last one added to.
    fn of_file(&mut self, file: &str) -> &mut FileReport {
        let at = self.files.iter().rposition(|report| report.file == file).unwrap_or_else(|| {
            let file = file.to_owned();
            self.files.push(FileReport { file, shown: Vec::new(), errors: 0, warnings: 0 });
            self.files.len() - 1
        });
        &mut self.files[at]
    }

    /// How many errors there are, shown or not.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.files.iter().map(|report| report.errors).sum()
    }

    /// How many warnings there are, shown or not.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.files.iter().map(|report| report.warnings).sum()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The diagnostics that are shown.
    pub fn shown(&self) -> impl Iterator<Item = &Diagnostic> {
        self.files.iter().flat_map(|report| &report.shown)
    }

    /// All that is shown as text, each diagnostic followed by a line break.
    #[must_use]
    pub fn styled(&self, style: Style) -> impl fmt::Display {
        StyledReport { report: self, style }
    }

    /// All that is shown as a JSON array.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.shown().map(Diagnostic::to_json).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        StyledReport { report: self, style: Style::Plain }.fmt(f)
    }
}

struct StyledReport<'r> {
    report: &'r Report,
    style: Style,
}

impl fmt::Display for StyledReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.report.files {
            for diagnostic in &file.shown {
                writeln!(f, "{}", diagnostic.styled(self.style))?;
            }
            if file.hidden() > 0 {
                writeln!(f, "… and {} more in {}", file.hidden(), file.file)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Place;

    #[test]
    fn a_file_with_many_faults_shows_some_and_counts_all() {
        let of = |file: &str| Diagnostic::of_file(file, Place::START, "bad", "");
        let mut report = Report::new();
        report.add((0..MAX_SHOWN_PER_FILE + 7).map(|_| of("a")));
        report.add([of("b"), Diagnostic { severity: Severity::Warning, ..of("b") }, of("a")]);
        assert_eq!((report.errors(), report.warnings()), (MAX_SHOWN_PER_FILE + 9, 1));
        assert_eq!(report.shown().count(), MAX_SHOWN_PER_FILE + 2);
        let text = report.to_string();
        let end = "error: a:1:1: bad\n… and 8 more in a\nerror: b:1:1: bad\nwarning: b:1:1: bad\n";
        assert!(text.ends_with(end), "{text}");
        assert_eq!(report.to_json().as_array().map(Vec::len), Some(MAX_SHOWN_PER_FILE + 2));
        assert!(Report::new().is_empty());
        assert_eq!(Report::new().to_string(), "");
    }
}
