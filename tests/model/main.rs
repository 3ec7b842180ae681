//! The model checker over the sentinel's own `step`.
#![allow(clippy::expect_used)] // in the helpers: a test that panics fails

mod ablation;
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

use configuration::{CONFIGURATIONS, Configuration};
use gungnir::sentinel::{Rule, Rules};
use model::World;
use stateright::{Checker, HasDiscoveries, Model};

fn search<const N: usize>(config: Configuration, cap: usize, any: bool) {
    let started = std::time::Instant::now();
    let finish = if any { HasDiscoveries::Any } else { HasDiscoveries::All };
    let checker = World::<N>(config)
        .checker()
        .threads(1)
        .target_state_count(cap)
        .finish_when(finish)
        .spawn_bfs()
        .join();
    let secs = started.elapsed().as_secs_f32();
    println!(
        "{:<18} {:?} {:>9} states, {:>9} generated, depth {}, {secs:.1} s",
        config.name,
        config.rules,
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth()
    );
    let mut all: Vec<_> = checker.discoveries().into_iter().collect();
    all.sort_by_key(|it| it.0);
    for (name, path) in all {
        if std::env::var("TRACE").is_ok_and(|it| it == name || it == "all") {
            for (state, action) in path.clone().into_vec() {
                println!("  {action:?}\n      {:?}", state.record);
                for it in &state.servers {
                    println!("        {it:?}");
                }
                for it in &state.deciders {
                    if it.active {
                        println!(
                            "        D cut {:b} term {} w {:?} {:?} {:?}",
                            it.cut,
                            it.term,
                            it.writes,
                            it.memory,
                            it.seen.map(|s| (
                                s.report.map(|(r, a)| (r.place, a)),
                                s.silent,
                                s.ended,
                                s.sent
                            ))
                        );
                    }
                }
            }
        }
        if std::env::var("EXPLAIN").is_ok_and(|it| it == name) {
            println!("  EXPLAIN {name}");
            closure::verdict(&config, path.last_state());
        }
        let actions = path.into_actions();
        println!(
            "  VIOLATED {name} {}: {}",
            actions.len(),
            if std::env::var("SHORT").is_ok() { String::new() } else { format!("{actions:?}") }
        );
    }
}

fn one(config: Configuration, cap: usize, any: bool) {
    match config.nodes {
        2 => search::<2>(config, cap, any),
        3 => search::<3>(config, cap, any),
        _ => search::<5>(config, cap, any),
    }
}

fn num(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
}

#[test]
fn scan() {
    let only = std::env::var("ONLY").unwrap_or_default();
    for config in CONFIGURATIONS {
        if only.is_empty() || only.split(',').any(|it| it == config.name) {
            one(*config, num("CAP", 3_000_000), std::env::var("ANY").is_ok());
        }
    }
}

fn lone<const N: usize>(config: Configuration, property: property::Property, cap: usize) {
    let started = std::time::Instant::now();
    let finish = HasDiscoveries::AnyOf([property.name()].into());
    let checker = World::<N>(config)
        .checker()
        .threads(1)
        .target_state_count(cap)
        .finish_when(finish)
        .spawn_bfs()
        .join();
    let secs = started.elapsed().as_secs_f32();
    if std::env::var("SHOW").is_ok() {
        for count in 0..=config.story.len() {
            let it = World::<N>(Configuration { story: &config.story[..count], ..config });
            let state = it.init_states().remove(0);
            println!(
                "   {:?}\n     {:?}\n     {:?}",
                config.story[..count].last(),
                state.record,
                state
                    .servers
                    .map(|s| (s.up, s.run, s.place, s.history, s.previous, s.log, s.wire, s.held))
            );
        }
    }
    println!(
        "   {:>9} states depth {}, {secs:.1} s",
        checker.unique_state_count(),
        checker.max_depth()
    );
    for (name, path) in checker.discoveries() {
        let actions = path.into_actions();
        println!(
            "   {}{name} {}: {actions:?}",
            if name == property.name() { "FOUND " } else { "also " },
            actions.len()
        );
    }
}

#[test]
fn ablate() {
    let rule = std::env::var("RULE").unwrap_or_default();
    for it in &ablation::ABLATIONS {
        if !rule.is_empty() && !rule.split(',').any(|name| name == format!("{:?}", it.rule)) {
            continue;
        }
        println!("== without {:?}: {}", it.rule, it.breaks.name());
        let config = Configuration { rules: Rules::without(it.rule), ..it.configuration };
        let cap = num("CAP", 1_000_000);
        match config.nodes {
            2 => lone::<2>(config, it.breaks, cap),
            3 => lone::<3>(config, it.breaks, cap),
            _ => lone::<5>(config, it.breaks, cap),
        }
    }
}
