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
mod audit;
mod change;
mod client;
mod cluster;
mod crash;
mod create_and_scale;
mod cut;
mod delay;
mod disk;
mod dockerfile;
mod evidence;
mod figures;
mod gaps;
mod gitops;
mod install;
mod leaders;
mod libraries;
mod node_down;
mod nodes;
mod operator;
mod prober;
mod set;
mod soak;
mod tls;
mod trial;
mod wait;
mod writer;

#[allow(dead_code, unused_imports, reason = "made for another test, too")]
#[path = "../failover/harness/resp.rs"]
mod resp;

use std::env;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use Story::{Measured, Told};
use When::{All, Named, Usual};
use Where::{Anywhere, InNodes};
use cluster::Cluster;
use figures::{Figures, Row};
use nodes::Nodes;
use set::World;

/// When a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Always.
    Usual,
    /// With `all`, or by its name.
    All,
    /// By its name alone: it takes as long as is asked.
    Named,
}

/// Where a scenario can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// On any cluster.
    Anywhere,
    /// Where nodes can be reached into.
    InNodes,
}

/// What happens in a scenario.
#[derive(Debug, Clone, Copy)]
enum Story {
    /// Nobody writes meanwhile.
    Told(fn(&World)),
    /// Clients write, and there are figures of it.
    Measured(fn(&World) -> Figures),
}

/// A scenario: what happens in it, and what has to come of it.
struct Scenario {
    name: &'static str,
    title: &'static str,
    when: When,
    place: Where,
    story: Story,
}

const fn scenario(
    name: &'static str,
    title: &'static str,
    when: When,
    place: Where,
    story: Story,
) -> Scenario {
    Scenario { name, title, when, place, story }
}

/// All of them, in the order in which they run.
const SCENARIOS: &[Scenario] = &[
    scenario("E1", "create", Usual, Anywhere, Told(create_and_scale::create)),
    scenario("rest", "a minute at rest", Usual, InNodes, Told(operator::rest)),
    scenario(
        "E4",
        "master pod deleted by force, twice",
        Usual,
        InNodes,
        Measured(crash::deleted_twice),
    ),
    scenario("C1", "master process killed", Usual, InNodes, Measured(crash::killed)),
    scenario("C11", "master restarts with an empty disk", Usual, InNodes, Measured(crash::emptied)),
    scenario("C3", "master's node cut off for 60 s", Usual, InNodes, Measured(cut::node)),
    scenario(
        "C3-leader",
        "as C3, the leading operator with it",
        All,
        InNodes,
        Measured(cut::node_with_leader),
    ),
    scenario("C14", "manual switchover", Usual, InNodes, Measured(change::switchover)),
    scenario("E6", "delete", All, Anywhere, Told(create_and_scale::delete)),
    scenario("E2", "scale 3 to 5", All, InNodes, Measured(create_and_scale::grow)),
    scenario(
        "E3",
        "scale 5 to 3, master on ordinal 4",
        All,
        InNodes,
        Measured(create_and_scale::shrink),
    ),
    scenario(
        "E7",
        "deleted, volumes kept, made again",
        All,
        InNodes,
        Told(create_and_scale::again),
    ),
    scenario("C2", "replica pod deleted by force", All, InNodes, Measured(crash::replica_deleted)),
    scenario(
        "C8",
        "scaled in the middle of a failover",
        All,
        InNodes,
        Measured(change::in_a_failover),
    ),
    scenario("C9", "master stands still for 40 s", All, InNodes, Measured(cut::stopped)),
    scenario("C15", "a hand edit of every kind of child", All, Anywhere, Told(change::hand_edits)),
    scenario(
        "C16",
        "forced re-apply every second in a failover",
        All,
        InNodes,
        Measured(gitops::reapplied),
    ),
    scenario(
        "C20",
        "master's node cut off, pod deleted by force",
        All,
        InNodes,
        Measured(cut::deleted),
    ),
    scenario("C10", "all killed at once", All, InNodes, Measured(crash::all_killed)),
    scenario("C13", "rolling change", Usual, InNodes, Measured(change::rolled)),
    scenario(
        "C13-reload",
        "change that running servers take over",
        All,
        InNodes,
        Measured(change::reloaded),
    ),
    scenario(
        "C19",
        "a replica gone for long, then the master killed",
        All,
        InNodes,
        Measured(crash::after_a_long_absence),
    ),
    scenario(
        "C21",
        "record wiped, then restored from before",
        All,
        InNodes,
        Measured(change::record_restored),
    ),
    scenario("C22", "Secret deleted", All, InNodes, Measured(change::secret_deleted)),
    scenario(
        "C4",
        "leading operator cut off from the API server for 30 s, master killed",
        All,
        InNodes,
        Measured(leaders::cut_off),
    ),
    scenario("C5", "API server slow for 120 s", All, InNodes, Measured(leaders::slow)),
    scenario("C6", "master's node drained", Usual, InNodes, Measured(node_down::drained)),
    scenario("C7", "master's folder read-only", All, InNodes, Measured(disk::read_only)),
    scenario(
        "C17",
        "leading operator stopped, master killed, operator goes on",
        All,
        InNodes,
        Measured(leaders::stopped),
    ),
    scenario(
        "C18",
        "master's node without power for 30 s",
        All,
        InNodes,
        Measured(node_down::without_power),
    ),
    scenario("tls", "TLS alone, the master killed", All, InNodes, Told(tls::failover)),
    scenario(
        "libraries",
        "client libraries behind the Service",
        All,
        InNodes,
        Told(libraries::measure),
    ),
    scenario("gaps", "every fault, many times", Named, InNodes, Told(gaps::measure)),
    scenario("soak", "a random fault every 20 s", Named, InNodes, Measured(soak::soak)),
    scenario(
        "helm",
        "helm upgrade to other pod templates, then uninstall",
        All,
        InNodes,
        Measured(operator::upgrade),
    ),
];

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

fn run(names: &[&str]) -> ExitCode {
    let known = |name: &&str| *name == "all" || SCENARIOS.iter().any(|known| known.name == *name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        println!("there is no scenario {name}; --list names them");
        return ExitCode::from(2);
    }
    prober::check_the_count();
    let world = World { cluster: Cluster::connect(), nodes: Nodes::find() };
    let began = Instant::now();
    install::install();
    println!("the operator is installed after {:.0} s", began.elapsed().as_secs_f64());

    let (mut rows, mut failed, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for Scenario { name, title, when, place, story } in SCENARIOS {
        let by_name = names.contains(name);
        let chosen = match when {
            Usual => names.is_empty() || names.contains(&"all"),
            All => names.contains(&"all"),
            Named => false,
        };
        if !by_name && !chosen {
            continue;
        }
        if *place == InNodes && world.nodes.is_none() {
            left_out.push(*name);
            failed.extend(by_name.then_some(*name));
            continue;
        }
        print!("{name}: {title} ... ");
        let _ = io::stdout().flush();
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| match story {
            Told(story) => {
                story(&world);
                None
            }
            Measured(story) => Some(story(&world)),
        }));
        let took = began.elapsed().as_secs_f64();
        match outcome {
            Ok(Some(figures)) => {
                println!("ok, {took:.0} s: {figures}");
                rows.push(Row { scenario: (name, title), figures });
            }
            Ok(None) => println!("ok, {took:.0} s"),
            Err(_) => {
                println!("{name} FAILED after {took:.0} s");
                failed.push(name);
            }
        }
    }
    figures::update(&rows);
    if !left_out.is_empty() {
        println!("left out, since they reach into nodes: {}", left_out.join(" "));
    }
    println!("scenarios that failed: {}", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
