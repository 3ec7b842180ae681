//! One line an object: what happens to it, and how bad that is.

use std::fmt;

use crate::cli::report::Paint;
use crate::cli::report::Plan;
use crate::cli::report::Style;
use crate::cli::report::visible;
use crate::manifest::Action;
use crate::manifest::Comparison;
use crate::manifest::ObjectChange;

pub(super) const COLUMNS: [&str; 5] = ["Kind", "Name", "Action", "Fields", "Impact"];

/// Writes the report.
///
/// # Errors
///
/// Whatever `out` answers.
pub fn write(out: &mut impl fmt::Write, comparison: &Comparison, style: Style) -> fmt::Result {
    let rows: Vec<_> = comparison.objects.iter().map(row).collect();
    if !rows.is_empty() {
        let header = COLUMNS.map(str::to_uppercase);
        let mut widths = header.each_ref().map(|cell| cell.chars().count());
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        style.line(out, Paint::Heading, format_args!("{}", aligned(&header, &widths)))?;
        for (row, object) in rows.iter().zip(&comparison.objects) {
            let paint = match object.action {
                Action::Add => Paint::Added,
                Action::Change => Paint::Plain,
                Action::Delete => Paint::Removed,
            };
            style.line(out, paint, format_args!("{}", aligned(row, &widths)))?;
        }
    }
    style.line(out, Paint::Heading, format_args!("{}", Plan(comparison)))
}

/// The cells of one object.
pub(super) fn row(object: &ObjectChange) -> [String; 5] {
    let key = &object.key;
    let namespace =
        key.namespace.as_ref().map_or(String::new(), |namespace| format!("{namespace}/"));
    [
        visible(&key.kind).into_owned(),
        visible(&format!("{namespace}{}", key.name)).into_owned(),
        object.action.name().to_owned(),
        match object.action {
            Action::Change => object.fields.len().to_string(),
            Action::Add | Action::Delete => "all".to_owned(),
        },
        object.impact().to_string(),
    ]
}

fn aligned(row: &[String; 5], widths: &[usize; 5]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use crate::cli::report::tests::comparison;

    use super::*;

    fn report(comparison: &Comparison) -> String {
        let mut out = String::new();
        write(&mut out, comparison, Style::default()).unwrap();
        out
    }

    #[test]
    fn every_object_is_one_aligned_line() {
        assert_eq!(
            report(&comparison()),
            "\
KIND         NAME               ACTION  FIELDS  IMPACT
Secret       shop/cache-secret  delete  all     failover
ConfigMap    shop/cache-config  change  1       rolling-restart
Service      shop/cache|client  add     all     none
StatefulSet  shop/cache         change  4       rolling-restart
Plan: 1 to add, 2 to change, 1 to delete; impact: failover
"
        );
    }

    #[test]
    fn no_difference_needs_no_table() {
        let empty = report(&Comparison::default());
        assert_eq!(empty, "Plan: 0 to add, 0 to change, 0 to delete; impact: none\n");
    }
}
