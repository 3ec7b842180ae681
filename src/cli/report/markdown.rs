//! For a comment on a pull request: the table first, each object's diff folded below it.

use std::fmt;
use std::fmt::Write as _;

use crate::cli::report::Plan;
use crate::cli::report::Style;
use crate::cli::report::summary;
use crate::cli::report::unified;
use crate::cli::report::visible;
use crate::manifest::Comparison;
use crate::manifest::Impact;
use crate::manifest::ObjectChange;

/// What a report may hold, in bytes; a comment on GitHub may have 65,536 characters.
const MAX_BYTES: usize = 64_900;
/// Kept free for the last lines.
const CLOSING_BYTES: usize = 400;
/// What the table may take of it, so that some diffs find room.
const MAX_TABLE_BYTES: usize = 24_000;
/// A folded diff that would have less room than this is left out.
const MIN_DIFF_BYTES: usize = 400;

/// Writes the report.
///
/// # Errors
///
/// Whatever `out` answers.
pub fn write(out: &mut impl fmt::Write, comparison: &Comparison) -> fmt::Result {
    let mut report = String::new();
    let rows_left_out = write_table(&mut report, &comparison.objects)?;
    let mut diffs_cut = 0;
    for object in &comparison.objects {
        let room = (MAX_BYTES - CLOSING_BYTES).saturating_sub(report.len());
        let details = details(object, room)?;
        diffs_cut += usize::from(details.is_cut);
        report.push_str(&details.text);
    }
    if rows_left_out + diffs_cut > 0 {
        writeln!(
            report,
            "> **Cut to fit into a comment:** {rows_left_out} rows of the table are left out; \
             {diffs_cut} diffs are left out or not whole. The format `unified` shows everything.\n"
        )?;
    }
    writeln!(report, "{}", Plan(comparison))?;
    out.write_str(&report)
}

/// Writes the table; says how many rows found no room.
fn write_table(out: &mut String, objects: &[ObjectChange]) -> Result<usize, fmt::Error> {
    if objects.is_empty() {
        return Ok(0);
    }
    writeln!(out, "| {} |", summary::COLUMNS.join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(summary::COLUMNS.len()))?;
    let mut left_out = 0;
    for object in objects {
        let [kind, name, action, fields, impact] = summary::row(object);
        let impact =
            if object.impact() > Impact::Reload { format!("**{impact}**") } else { impact };
        let row =
            format!("| {} | {} | {action} | {fields} | {impact} |\n", code(&kind), code(&name));
        if out.len() + row.len() > MAX_TABLE_BYTES {
            left_out += 1;
        } else {
            out.push_str(&row);
        }
    }
    out.push('\n');
    Ok(left_out)
}

struct Details {
    text: String,
    /// Whether the diff is not there as a whole.
    is_cut: bool,
}

/// The folded diff of one object, cut at a line so that it takes at most `room` bytes.
fn details(object: &ObjectChange, room: usize) -> Result<Details, fmt::Error> {
    let mut diff = String::new();
    unified::write_object(&mut diff, object, Style::default())?;
    let fence = "`".repeat(longest_run_of_backticks(&diff).max(2) + 1);
    let summary = format!("{}: {}", code(&object.key.to_string()), object.impact());
    let opening = format!("<details><summary>{summary}</summary>\n\n{fence}diff\n");
    let closing = format!("{fence}\n</details>\n\n");
    let room = room.saturating_sub(opening.len() + closing.len());
    if diff.len() <= room {
        return Ok(Details { text: opening + &diff + &closing, is_cut: false });
    }
    if room < MIN_DIFF_BYTES {
        return Ok(Details { text: String::new(), is_cut: true });
    }
    let lines = diff.lines().count();
    let mut kept = String::new();
    let mut lines_kept = 0;
    // 40 bytes hold the line that says how much is missing.
    for line in diff.split_inclusive('\n') {
        if kept.len() + line.len() > room - 40 {
            break;
        }
        kept.push_str(line);
        lines_kept += 1;
    }
    writeln!(kept, "… {} more lines", lines - lines_kept)?;
    Ok(Details { text: opening + &kept + &closing, is_cut: true })
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// `text` as code that neither Markdown, a table nor HTML takes for anything else.
fn code(text: &str) -> String {
    let mut out = "<code>".to_owned();
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Inside <code>, Markdown still reads its own signs.
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' | '@' | '#' | '!' | ':' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "</code>"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cli::report::tests::comparison;
    use crate::manifest::Action;
    use crate::manifest::FieldChange;
    use crate::manifest::ObjectKey;
    use crate::manifest::Path;

    use super::*;

    fn report(comparison: &Comparison) -> String {
        let mut out = String::new();
        write(&mut out, comparison).unwrap();
        out
    }

    fn added(count: usize, text: &str) -> Comparison {
        let object = |number: usize| ObjectChange {
            key: ObjectKey::new("v1", "ConfigMap", Some("shop"), &format!("cache-{number:04}")),
            action: Action::Add,
            fields: vec![FieldChange {
                path: Path::root(),
                old: None,
                new: Some(json!({ "data": { "text": text } })),
                impact: Impact::None,
                note: String::new(),
            }],
        };
        Comparison { objects: (0..count).map(object).collect() }
    }

    #[test]
    fn the_table_comes_first_and_each_diff_is_folded() {
        let report = report(&comparison());
        let expected = "\
| Kind | Name | Action | Fields | Impact |
| --- | --- | --- | --- | --- |
| <code>Secret</code> | <code>shop/cache-secret</code> | delete | all | **failover** |
| <code>ConfigMap</code> | <code>shop/cache-config</code> | change | 1 | **rolling-restart** |
| <code>Service</code> | <code>shop/cache&#124;client</code> | add | all | none |
| <code>StatefulSet</code> | <code>shop/cache</code> | change | 4 | **rolling-restart** |

<details><summary><code>v1/Secret/shop/cache-secret</code>: failover</summary>

```diff
--- a/v1/Secret/shop/cache-secret
+++ /dev/null
";
        assert!(report.starts_with(expected), "{report}");
        assert_eq!(report.matches("</details>").count(), 4);
        let end =
            "\n```\n</details>\n\nPlan: 1 to add, 2 to change, 1 to delete; impact: failover\n";
        assert!(report.ends_with(end), "{report}");
    }

    #[test]
    fn no_difference_is_the_plan_alone() {
        let empty = report(&Comparison::default());
        assert_eq!(empty, "Plan: 0 to add, 0 to change, 0 to delete; impact: none\n");
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        let report = report(&added(1, "a\n`````\nb"));
        assert!(
            report.contains("\n``````diff\n") && report.contains("\n``````\n</details>"),
            "{report}"
        );
    }

    #[test]
    fn a_report_fits_into_a_comment_and_says_what_it_leaves_out() {
        let long = "a line of text that is longer than most\n".repeat(4000);
        for (objects, text, note) in [
            (3, "short", None),
            (1, long.as_str(), Some("0 rows of the table are left out; 1 diffs")),
            (3, long.as_str(), Some("0 rows of the table are left out; 3 diffs")),
            (1200, "short", Some("rows of the table are left out;")),
            (1, &"x".repeat(200_000), Some("0 rows of the table are left out; 1 diffs")),
            (1, &"`".repeat(200_000), Some("0 rows of the table are left out; 1 diffs")),
        ] {
            let report = report(&added(objects, text));
            assert!(report.chars().count() < 65_000, "{objects}: {}", report.len());
            assert!(report.ends_with(&format!(
                "Plan: {objects} to add, 0 to change, 0 to delete; impact: none\n"
            )));
            assert_eq!(report.matches("<details>").count(), report.matches("</details>").count());
            match note {
                Some(note) => {
                    assert!(report.contains(note), "{note}: {}", &report[report.len() - 300..]);
                }
                None => assert!(!report.contains("Cut to fit")),
            }
        }
    }
}
