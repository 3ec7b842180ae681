//! A line and a column of a file.

use std::fmt;

use serde_saphyr::Location;

/// Where something stands in a file. Both count from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The character of that line.
    pub column: u32,
}

impl Place {
    /// The first character of a file: what stands for a place that is not known.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The same place in a file that holds this text from `first_line` on.
    pub(super) fn below(self, first_line: u32) -> Self {
        Self { line: self.line.saturating_add(first_line.saturating_sub(1)), ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
        Self { line: count(location.line()), column: count(location.column()) }
    }
}
