//! What was measured, for people: a line as soon as it is known, and in the end the tables, in
//! Markdown.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use std::fmt::Write as _;

use crate::controller::Kind;
use crate::measured::Fault;
use crate::measured::Seen;
use crate::measured::Unsettled;
use crate::readme::update_figures;

/// Says what each client saw.
pub fn report(kind: Kind, fault: Fault, seen: &[Seen]) {
    // Not behind the name of a test.
    eprintln!();
    for client in seen {
        let Seen { name, version, gap_us, acknowledged, lost, errors, stuck } = client;
        eprintln!(
            "{kind:?}, {fault:?}: {name} {version}: gap {} ms, {lost} of {acknowledged} writes lost, \
             {errors} errors{}",
            gap_us / 1000,
            if stuck.is_some() { ", has not moved" } else { "" }
        );
    }
}

/// Says that a run is worth nothing, and why.
pub fn report_unsettled(kind: Kind, fault: Fault, why: &Unsettled) {
    let Unsettled { roles, log } = why;
    eprintln!(
        "\n{kind:?}, {fault:?}: the new master does not stay the only one, {}:\n{log}",
        roles.join(", ")
    );
}

/// Prints a row a client: what it saw of a fault with each controller; into the README where figures
/// are updated.
///
/// # Panics
/// When the clients of both are not the same.
pub fn print(fault: Fault, sentinel: &[Seen], gungnir: &[Seen]) {
    let (what, mark) = match fault {
        Fault::Killed => ("The master is killed (SIGKILL)", "clients"),
        Fault::HandedOver => ("The master is handed over (SENTINEL FAILOVER)", "clients-handover"),
    };
    let mut table =
        "| client | version | gap with Sentinel | lost with Sentinel | gap with Gungnir \
                     | lost with Gungnir |\n| --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    assert_eq!(sentinel.len(), gungnir.len());
    for (with_sentinel, with_gungnir) in sentinel.iter().zip(gungnir) {
        let Seen { name, version, .. } = with_sentinel;
        assert_eq!((name, version), (&with_gungnir.name, &with_gungnir.version));
        let (with_sentinel, with_gungnir) = (cells(with_sentinel), cells(with_gungnir));
        let row = writeln!(table, "| {name} | {version} | {with_sentinel} | {with_gungnir} |");
        row.expect("a String takes everything");
    }
    println!("\n{what}:\n\n{table}");
    update_figures(mark, |_| table);
}

fn cells(seen: &Seen) -> String {
    let gap =
        if seen.stuck.is_some() { "for ever".into() } else { format!("{} ms", seen.gap_us / 1000) };
    format!("{gap} | {} of {}", seen.lost, seen.acknowledged)
}
