//! What is wrong with a cluster, and what would be right.

use super::field_path::FieldPath;

/// One thing that is wrong, at one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field.
    pub path: FieldPath,
    /// What is wrong with it, and what was expected: one sentence without a full stop.
    pub message: String,
    /// What to do about it, if that is not plain.
    pub help: Option<String>,
    /// Whether the field's name is at fault, not its value.
    pub of_key: bool,
}

/// The most faults that are noted of one cluster: nobody reads more, and each takes far more
/// memory than the text that brings it about.
const MAX_FAULTS: usize = 200;

/// What is wrong with a cluster, in the order it was found: all of it, or the first 200 faults.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a fault.
    pub fn add(&mut self, path: FieldPath, message: impl Into<String>) {
        self.note(Fault { path, message: message.into(), help: None, of_key: false });
    }

    /// Notes a fault and its cure.
    pub fn add_with_help(
        &mut self,
        path: FieldPath,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let help = Some(help.into());
        self.note(Fault { path, message: message.into(), help, of_key: false });
    }

    /// Notes that the name of a field is at fault, and the cure if there is one.
    pub fn add_key(&mut self, path: FieldPath, message: impl Into<String>, help: Option<String>) {
        self.note(Fault { path, message: message.into(), help, of_key: true });
    }

    fn note(&mut self, fault: Fault) {
        if self.0.len() < MAX_FAULTS {
            self.0.push(fault);
        }
    }

    /// The faults, if there are any.
    ///
    /// # Errors
    ///
    /// All that were noted, when there is at least one.
    pub fn into_result(self) -> Result<(), Vec<Fault>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

/// The path of a field of the spec.
pub(super) fn spec(field: &str) -> FieldPath {
    FieldPath::root().key("spec").key(field)
}

/// A whole number of the spec within its range, or `default` when it is absent or out of range.
pub(super) fn number(
    value: Option<impl Into<i64>>,
    range: std::ops::RangeInclusive<u32>,
    default: u32,
    path: &FieldPath,
    faults: &mut Faults,
) -> u32 {
    let Some(value) = value.map(Into::into) else { return default };
    let Some(value) = u32::try_from(value).ok().filter(|value| range.contains(value)) else {
        let (least, most) = (range.start(), range.end());
        faults.add(path.clone(), format!("{value} is not within {least} to {most}"));
        return default;
    };
    value
}
