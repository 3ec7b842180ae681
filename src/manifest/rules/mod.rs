//! What a change does to a running cluster: the rules, and how they are asked.
//!
//! ```text
//! change + both objects = Case ─▶ first row of `RULES` that holds ─▶ impact and reason
//!                              └▶ every row of `REMARKS` that holds ─▶ added to the reason
//! ```

mod condition;
mod table;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::manifest::impact::Impact;
use crate::manifest::path::Path;

use self::table::REMARKS;
use self::table::RULES;

/// One change, with everything that may decide about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub kind: &'a str,
    pub path: &'a Path,
    pub old: Option<&'a Value>,
    pub new: Option<&'a Value>,
    /// The whole older object.
    pub from: Option<&'a Value>,
    /// The whole newer object.
    pub to: Option<&'a Value>,
}

/// The rules for one place.
struct Place {
    /// No kind: every kind.
    kinds: &'static [&'static str],
    /// A pattern of [`Path::matches`].
    pattern: &'static str,
    rows: &'static [Row],
}

/// When it holds, what it does, and why, for people.
type Row = (fn(&Case<'_>) -> bool, Impact, &'static str);

impl Place {
    fn rows_for(&self, case: &Case<'_>) -> &'static [Row] {
        let is_kind = self.kinds.is_empty() || self.kinds.contains(&case.kind);
        if is_kind && case.path.matches(self.pattern) { self.rows } else { &[] }
    }
}

/// The rows of `places` that hold for `case`, in the order of the table.
fn holding<'a>(
    places: &'static [Place],
    case: &'a Case<'_>,
) -> impl Iterator<Item = &'static Row> + 'a {
    let rows = places.iter().flat_map(|place| place.rows_for(case));
    rows.filter(|(holds, _, _)| holds(case))
}

/// What a change does, and why.
pub(super) fn judge(case: &Case<'_>) -> (Impact, String) {
    let (_, impact, reason) = holding(RULES, case).next().unwrap_or(&table::HARMLESS);
    let remarks = holding(REMARKS, case).map(|(_, _, remark)| *remark);
    let note: Vec<_> =
        std::iter::once(*reason).chain(remarks).filter(|text| !text.is_empty()).collect();
    (*impact, note.join("; "))
}
