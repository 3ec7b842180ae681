//! The tables, in Markdown.

use crate::result::Measured;
use crate::result::Results;
use crate::row::Row;
use crate::row::Who;

/// Prints what was measured, and how the two compare.
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
    println!("\nGungnir's p50 by Sentinel's:\n");
    println!("| fault | another is master | clients can know | gap |");
    println!("| --- | --- | --- | --- |");
    for row in rows {
        let ratio = |value: fn(&Measured) -> Option<f64>| {
            let of = |who| median(whole(results, row, who).into_iter().filter_map(value));
            match (of(Who::Gungnir), of(Who::Sentinel)) {
                (Some(one), Some(other)) => format!("{:.2}", one / other),
                _ => "–".to_owned(),
            }
        };
        println!(
            "| {} | {} | {} | {} |",
            row.name,
            ratio(|run| run.promoted_ms),
            ratio(|run| run.named_ms),
            ratio(|run| Some(run.gap_ms)),
        );
    }
    println!(
        "\nLost writes of all runs: confirmed by `WAIT`, by the master, and by the master to \
              a client that was cut off with it.\n"
    );
    println!(
        "| fault | controller | `WAIT` | plain | plain, p50 / max a run | cut off | writers at once \
         | full resyncs, max |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for row in rows {
        for who in Who::ALL {
            let runs = whole(results, row, who);
            if runs.is_empty() {
                continue;
            }
            println!(
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                row.name,
                who.name(),
                sum(runs.iter().map(|run| run.acknowledged)),
                sum(runs.iter().map(|run| run.plain)),
                lost(&runs),
                sum(runs.iter().map(|run| run.stray)),
                runs.iter().map(|run| run.writers_at_once).max().unwrap_or(0),
                runs.iter().map(|run| run.full_resyncs).max().unwrap_or(0),
            );
        }
    }
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
