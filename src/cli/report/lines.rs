//! The difference of two texts, line by line.

use std::fmt;

use similar::ChangeTag;
use similar::TextDiff;

use crate::cli::report::Paint;
use crate::cli::report::Style;
use crate::cli::report::visible;

/// Lines that do not differ, shown around those that do.
const CONTEXT: usize = 3;

/// Writes the hunks in which `old` and `new` differ. No deadline: the same texts give the same
/// hunks on every machine.
pub(super) fn write(out: &mut impl fmt::Write, style: Style, old: &str, new: &str) -> fmt::Result {
    let diff = TextDiff::from_lines(old, new);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        style.line(out, Paint::Place, format_args!("{}", hunk.header()))?;
        for change in hunk.iter_changes() {
            let paint = match change.tag() {
                ChangeTag::Equal => Paint::Plain,
                ChangeTag::Delete => Paint::Removed,
                ChangeTag::Insert => Paint::Added,
            };
            let line = change.value().trim_end_matches('\n');
            style.line(out, paint, format_args!("{}{}", change.tag(), visible(line)))?;
            if change.missing_newline() {
                writeln!(out, "\\ No newline at end of file")?;
            }
        }
    }
    Ok(())
}

/// Writes every line of `text` as removed or added.
pub(super) fn write_all(
    out: &mut impl fmt::Write,
    style: Style,
    paint: Paint,
    text: &str,
) -> fmt::Result {
    let sign = if matches!(paint, Paint::Removed) { '-' } else { '+' };
    text.lines()
        .try_for_each(|line| style.line(out, paint, format_args!("{sign}{}", visible(line))))
}
