//! `gungnir sentinel` beside three valkey-sentinels: same servers, same faults, same clients, one
//! after the other.
//!
//! `cargo bench --bench sentinel -- --runs 20 --results FILE` goes on where FILE ends. stdout gets
//! tables in Markdown; stderr a line a run. `GUNGNIR` names another program than the one built.
//!
//! What never happens here: a fault for one controller that the other is spared.
#![allow(missing_docs, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/failover/harness/mod.rs"]
mod harness;
#[path = "sentinel/result.rs"]
mod result;
#[path = "sentinel/row.rs"]
mod row;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "sentinel/table.rs"]
mod table;
#[allow(unused_imports, unused_macros)]
#[path = "../tests/valkey_server/version.rs"]
mod version;

use std::panic;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::harness::world;
use crate::harness::world::World;
use crate::result::Results;
use crate::row::Who;
use crate::row::rows;
use crate::table::print_tables;

/// What it is asked for.
#[derive(Debug, Parser)]
struct Options {
    /// How many runs of each row and controller.
    #[arg(long, default_value_t = 10)]
    runs: usize,
    /// Where results are kept, a line each; runs that are there already are not run again.
    #[arg(long)]
    results: Option<PathBuf>,
    /// The servers' series.
    #[arg(long, default_value = "9")]
    series: String,
    /// Only rows with this in their name.
    #[arg(long, default_value = "")]
    row: String,
    /// Only this controller.
    #[arg(long, value_enum)]
    only: Option<Who>,
    /// Cargo says it to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    world::in_one_world(&arguments, |world| run(world, &options))
}

fn run(world: &World, options: &Options) {
    let mut results = Results::open(options.results.as_deref());
    let rows: Vec<_> =
        rows(&options.series).into_iter().filter(|row| row.name.contains(&options.row)).collect();
    let controllers: Vec<Who> =
        Who::ALL.into_iter().filter(|who| options.only.is_none_or(|only| only == *who)).collect();
    for number in 1..=options.runs {
        // In turn, so that what else the machine does meets both.
        for row in &rows {
            for who in &controllers {
                if results.of(row.name, *who).count() >= number {
                    continue;
                }
                let part =
                    world.part(&format!("{}-{number}-{}", row.name.replace(' ', "-"), who.name()));
                // A controller that never makes the set whole again has failed this run only.
                let ended = panic::catch_unwind(AssertUnwindSafe(|| row.run(&part, *who)));
                if let Ok(report) = &ended {
                    eprintln!("{} {number}: {report}", row.name);
                }
                results.add(row.name, *who, ended.ok().as_ref());
                part.discard();
            }
        }
    }
    print_tables(&rows, &results);
}
