//! The model checker over the sentinel's own `step`.
#![allow(clippy::expect_used)] // in the helpers: a test that panics fails

mod closure;
mod configuration;
mod decider;
mod decision;
mod environment;
mod facts;
mod model;
mod packed;
mod property;
mod server;

use configuration::{BASE, Configuration, Faults};
use model::World;
use stateright::{Checker, Model};

#[test]
fn narrow() {
    let config =
        Configuration { name: "narrow", faults: Faults { kills: 1, ..Faults::NONE }, ..BASE };
    let started = std::time::Instant::now();
    let checker = World::<3>(config).checker().threads(2).spawn_bfs().join();
    println!(
        "{} states, depth {}, {:?}",
        checker.unique_state_count(),
        checker.max_depth(),
        started.elapsed()
    );
    for (name, path) in checker.discoveries() {
        println!("VIOLATED {name}: {:?}", path.clone().into_actions());
    }
}
