//! The tables, in Markdown; two of them are the README's.

use std::fmt::Write as _;

use crate::result::Measured;
use crate::result::Results;
use crate::row::Row;
use crate::row::Who;
use crate::support::readme::update_figures;

/// Prints what was measured and how the two compare, and writes that into the README if
/// `UPDATE_FIGURES` is set.
pub fn print_tables(rows: &[Row], results: &Results) {
    println!(
        "Milliseconds from the fault, min / p50 / max. *Gap*: the longest time that any client had \
         no write confirmed. *Failed*: not whole again in time. *Writes/s*: what all clients \
         together got confirmed before the fault, p50.\n"
    );
    println!(
        "| fault | controller | runs | failed | writes/s | another is master | clients can know \
         | gap |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for row in rows {
        for who in Who::ALL {
            let failed = results.of(row.name, who).filter(|run| !run.is_whole).count();
            let runs = whole(results, row, who);
            if runs.is_empty() && failed == 0 {
                continue;
            }
            println!(
                "| {} | {} | {} | {failed} | {:.0} | {} | {} | {} |",
                row.name,
                who.name(),
                runs.len(),
                median(runs.iter().map(|run| run.writes_per_second)).unwrap_or(0.0),
                spread(runs.iter().filter_map(|run| run.promoted_ms)),
                spread(runs.iter().filter_map(|run| run.named_ms)),
                spread(runs.iter().map(|run| run.gap_ms)),
            );
        }
    }
    let (gaps, losses) = (gaps(rows, results), losses(rows, results));
    println!("\nMedians, in milliseconds:\n\n{gaps}");
    println!(
        "Lost writes of all runs: confirmed by `WAIT`, by the master, and by the master to a client \
         that was cut off with it.\n\n{losses}"
    );
    update_figures("sentinels", |_| gaps);
    update_figures("losses", |_| losses);
}

/// The medians of both, side by side.
fn gaps(rows: &[Row], results: &Results) -> String {
    let mut table = String::from(
        "| the master is | downAfter, W | writes/s: Gungnir, Sentinel | another is master | ratio \
         | gap | ratio | goal |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let both = |value: fn(&Measured) -> Option<f64>| {
            Who::ALL.map(|who| median(whole(results, row, who).into_iter().filter_map(value)))
        };
        let shown = |values: [Option<f64>; 2]| {
            values.map(|value| value.map_or_else(|| "–".to_owned(), short)).join(", ")
        };
        let ratio = |values: [Option<f64>; 2]| match values {
            [Some(one), Some(other)] => format!("{:.2}", one / other),
            _ => "–".to_owned(),
        };
        let rate = both(|run| Some(run.writes_per_second));
        let (promoted, gap) = (both(|run| run.promoted_ms), both(|run| Some(run.gap_ms)));
        let (down_after_ms, w) = row.settings();
        let _ = writeln!(
            table,
            "| {} | {down_after_ms}, {w} | {} | {} | {} | {} | {} | {} |",
            row.title,
            shown(rate),
            shown(promoted),
            ratio(promoted),
            shown(gap),
            ratio(gap),
            row.goal
        );
    }
    table
}

/// What each lost.
fn losses(rows: &[Row], results: &Results) -> String {
    let mut table = String::from(
        "| the master is | downAfter, W | controller | runs | `WAIT` | plain | plain, p50 / max a run \
         | cut off | writers at once | full resyncs, max |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let (down_after_ms, w) = row.settings();
        for who in Who::ALL {
            let runs = whole(results, row, who);
            if runs.is_empty() {
                continue;
            }
            let _ = writeln!(
                table,
                "| {} | {down_after_ms}, {w} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.title,
                who.name(),
                runs.len(),
                sum(runs.iter().map(|run| run.acknowledged)),
                sum(runs.iter().map(|run| run.plain)),
                lost(&runs),
                sum(runs.iter().map(|run| run.stray)),
                runs.iter().map(|run| run.writers_at_once).max().unwrap_or(0),
                runs.iter().map(|run| run.full_resyncs).max().unwrap_or(0),
            );
        }
    }
    table
}

/// The runs that ended well; of the others nothing is known but that.
fn whole<'a>(results: &'a Results, row: &'a Row, who: Who) -> Vec<&'a Measured> {
    results.of(row.name, who).filter(|run| run.is_whole).collect()
}

/// `LOST of ALL`; nothing, where nobody wrote so.
fn sum(counts: impl Iterator<Item = (usize, usize)>) -> String {
    match counts.fold((0, 0), |sum, (all, lost)| (sum.0 + all, sum.1 + lost)) {
        (0, _) => "–".to_owned(),
        (all, lost) => format!("{lost} of {all}"),
    }
}

fn lost(runs: &[&Measured]) -> String {
    let mut lost: Vec<usize> = runs.iter().map(|run| run.plain.1).collect();
    lost.sort_unstable();
    match lost.last() {
        Some(most) => format!("{} / {most}", lost[(lost.len() - 1) / 2]),
        None => "–".to_owned(),
    }
}

fn spread(values: impl Iterator<Item = f64>) -> String {
    let sorted = sorted(values);
    match (sorted.first(), sorted.last()) {
        (Some(least), Some(most)) => {
            format!("{} / {} / {}", short(*least), short(middle(&sorted)), short(*most))
        }
        _ => "never".to_owned(),
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let sorted = sorted(values);
    (!sorted.is_empty()).then(|| middle(&sorted))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn middle(sorted: &[f64]) -> f64 {
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
}

/// Tenths of a millisecond matter below a hundred.
fn short(ms: f64) -> String {
    if ms < 100.0 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}
