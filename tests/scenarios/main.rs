//! The operator on a real three-node cluster under real faults.
//!
//! `tests/run scenarios` makes the cluster and runs the scenarios of the usual set, `tests/run all`
//! every one; words choose by name: `tests/cluster/with --nodes 3 cargo test --test scenarios -- E4`. One
//! after the other they get a namespace each, with clients that write through `N-client` from
//! another node and with every server probed from its own; each prints its [`figures`].
//!
//! This is its own harness: it starts itself again inside nodes, and installs once what all need.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod agent;
mod ask;
mod audit;
mod base64;
mod catalog;
mod change;
mod client;
mod cluster;
mod command_line;
mod crash;
mod create_and_scale;
mod cut;
mod delay;
mod discovery;
mod disk;
mod dockerfile;
mod evidence;
mod figures;
mod first_steps;
mod gaps;
mod gitops;
mod install;
mod leaders;
mod leak;
mod libraries;
mod node_down;
mod nodes;
mod operator;
mod outcome;
mod prober;
mod set;
mod soak;
mod stages;
mod tls;
mod took;
mod trial;
mod wait;
mod writer;

#[path = "../support/readme.rs"]
mod readme;
#[allow(dead_code, unused_imports, reason = "made for another test, too")]
#[path = "../failover/harness/resp.rs"]
mod resp;
#[allow(dead_code, reason = "what holds each word of a program is for other tests")]
#[path = "../support/run.rs"]
mod run;

use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

use audit::Audit;
use catalog::{SCENARIOS, Scenario, When, Where};
use cluster::Cluster;
use nodes::Nodes;
use outcome::Outcome;
use set::World;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [writer::WORD, address, kind] => writer::serve(address, kind),
        [prober::WORD] => prober::serve(),
        [delay::WORD, target] => delay::serve(target),
        ["--list"] => {
            for Scenario { name, title, when, .. } in SCENARIOS {
                println!("{name:5} {title} ({when:?})");
            }
        }
        names => return run(names),
    }
    ExitCode::SUCCESS
}

/// How often each scenario runs, if it is not once.
const RUNS: &str = "GUNGNIR_SCENARIO_RUNS";
/// A file that gets a line for each right that the operator has used.
const RIGHTS_USED: &str = "GUNGNIR_RIGHTS_USED";

/// Goes through a scenario so many times; what came of all, or nothing where one did not hold.
fn several(scenario: &Scenario, world: &World, times: usize) -> Option<Outcome> {
    let Scenario { name, title, .. } = scenario;
    let mut all = Outcome::Held;
    for _ in 0..times {
        print!("{name}: {title} ... ");
        let _ = io::stdout().flush();
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| Outcome::of(scenario, world)));
        let took = began.elapsed().as_secs_f64();
        let Ok(outcome) = outcome else {
            println!("{name} FAILED after {took:.0} s");
            return None;
        };
        println!("ok, {took:.0} s{}", outcome.said());
        all = all.and(outcome);
    }
    Some(all)
}

fn run(names: &[&str]) -> ExitCode {
    let known = |name: &&str| *name == "all" || SCENARIOS.iter().any(|known| known.name == *name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        println!("there is no scenario {name}; --list names them");
        return ExitCode::from(2);
    }
    prober::check_the_count();
    let all = names.contains(&"all");
    let world = World { cluster: Cluster::connect(), nodes: Nodes::find(), takes_its_time: all };
    let (began, audit) = (Instant::now(), Audit::start());
    install::install();
    println!("the operator is installed after {:.0} s", began.elapsed().as_secs_f64());

    let runs = env::var(RUNS).ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (mut rows, mut failed, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for scenario in SCENARIOS {
        let Scenario { name, when, place, .. } = scenario;
        let by_name = names.contains(name);
        let chosen = match when {
            When::Usual => names.is_empty() || all,
            When::All => all,
            When::Named => false,
        };
        if !by_name && !chosen {
            continue;
        }
        if *place == Where::InNodes && world.nodes.is_none() {
            left_out.push(*name);
            failed.extend(by_name.then_some(*name));
            continue;
        }
        // Those that are asked for by their name alone say themselves how often.
        let times = if *when == When::Named { 1 } else { runs };
        match several(scenario, &world, times) {
            Some(outcome) => rows.extend(outcome.row(scenario)),
            None => failed.push(*name),
        }
    }
    figures::update(&rows);
    if let Some((file, audit)) = env::var_os(RIGHTS_USED).zip(audit) {
        let rights: Vec<String> = audit.rights().into_iter().collect();
        fs::write(file, rights.join("\n")).expect("the rights that were used are written");
    }
    if !left_out.is_empty() {
        println!("left out, since they reach into nodes: {}", left_out.join(" "));
    }
    println!("scenarios that failed: {}", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
