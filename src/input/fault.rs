//! One thing wrong with a document, named by its path.

use super::diagnostic::Severity;
use crate::cluster;
use crate::cluster::FieldPath;

/// Which part of a field a fault points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The field's name: it is unknown, misplaced, or the whole field is at fault.
    Key,
    /// What the field is set to.
    Value,
}

/// What is wrong, where, and what helps.
///
/// It becomes a [`Diagnostic`](super::Diagnostic) once it is held against its
/// document by [`Document::diagnostics`](super::Document::diagnostics).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field. Where it does not exist, its nearest ancestor is pointed at.
    pub path: FieldPath,
    /// Which part of the field is pointed at.
    pub part: Part,
    /// What is wrong: lower case, no full stop, values in backticks.
    pub message: String,
    /// The value found, as people wrote it; ends the message unless the field is secret.
    pub found: Option<String>,
    /// What was expected, or what to do, where the message does not say it all.
    pub hint: Option<String>,
    /// Whether it stops the work.
    pub severity: Severity,
}

impl Fault {
    /// An error of the value at `path`.
    #[must_use]
    pub fn new(path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            path,
            part: Part::Value,
            message: message.into(),
            found: None,
            hint: None,
            severity: Severity::Error,
        }
    }

    /// Points at the field's name instead of its value.
    #[must_use]
    pub fn at_key(mut self) -> Self {
        self.part = Part::Key;
        self
    }

    /// Ends the message with the value found.
    #[must_use]
    pub fn found(mut self, value: impl Into<String>) -> Self {
        self.found = Some(value.into());
        self
    }

    /// Adds what helps.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Moves it below `prefix`: it was found in a part of the document, such as an item
    /// of a list of objects.
    #[must_use]
    pub fn under(self, prefix: &FieldPath) -> Self {
        Self { path: prefix.clone().join(&self.path), ..self }
    }

    /// Makes it a warning: shown, but nothing stops.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

impl From<(FieldPath, String, Option<String>)> for Fault {
    fn from((path, message, hint): (FieldPath, String, Option<String>)) -> Self {
        Self { hint, ..Self::new(path, message) }
    }
}

impl From<cluster::Fault> for Fault {
    fn from(fault: cluster::Fault) -> Self {
        let cluster::Fault { path, message, help, of_key } = fault;
        let part = if of_key { Part::Key } else { Part::Value };
        Self { part, ..Self::from((path, message, help)) }
    }
}
