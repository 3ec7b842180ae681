//! The model checker over the sentinel's own `step`: every order in which a set, its network and
//! those who decide about it can go on, under a budget of faults.
//!
//! `tests/run model` searches what a few minutes hold; `tests/run model-deep` as far as memory goes.
#![allow(clippy::expect_used)] // in the helpers: a test that panics fails
#![allow(clippy::print_stdout)] // what was searched, for who runs it

mod ablation;
mod closure;
mod configuration;
mod decider;
mod decision;
mod environment;
mod event;
mod facts;
mod model;
mod packed;
mod property;
mod report;
mod search;
mod server;
#[path = "../support/update.rs"]
mod update;

use ablation::{ABLATIONS, ASSUMPTIONS};
use configuration::{CONFIGURATIONS, Configuration, DEEP, LONG, WALK_STEPS, WALKS};
use gungnir::sentinel::{Rule, Rules};
use search::{Found, explore, side_by_side, wander};

/// So many states have to be different, or the searches have become smaller than they claim.
const AT_LEAST: usize = 2_000_000;

fn told(found: &Found) {
    let Found { name, states, depth, seconds, .. } = found;
    println!("{name:<64} {states:>9} states, depth {depth:>2}, {seconds:>5.1} s");
}

fn assert_nothing_is_violated(found: &[Found]) {
    for Found { name, violations, .. } in found {
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}

#[test]
fn every_property_holds_whatever_happens() {
    let found = side_by_side(CONFIGURATIONS, |config| {
        let found = explore(config, None, None);
        told(&found);
        found
    });
    assert_nothing_is_violated(&found);
    let states: usize = found.iter().map(|it| it.states).sum();
    assert!(states >= AT_LEAST, "{states} states");
    report::is_in_readme("model: searches", &report::of_searches(CONFIGURATIONS, &found));
}

#[test]
fn every_rule_is_missed_by_a_property() {
    let rules: Vec<Rule> = ABLATIONS.iter().map(|it| it.rule).collect();
    assert_eq!(rules, Rule::ALL, "a row a rule");
    let found = side_by_side(&ABLATIONS, |it| {
        let config = Configuration { rules: Rules::without(it.rule), ..it.configuration };
        explore(&config, Some(it.breaks), Some(3_000_000))
    });
    for (it, found) in ABLATIONS.iter().zip(&found) {
        let violated = found.violations.iter().find(|(name, _)| *name == it.breaks.name());
        let Some((name, way)) = violated else {
            panic!("nothing misses {:?} in {} states", it.rule, found.states)
        };
        println!("without {:?}, {name} fails after {:?} {way:?}", it.rule, it.configuration.story);
    }
    report::is_in_readme("model: properties", &report::of_properties());
    report::is_in_readme("model: rules", &report::of_rules(&found));
}

#[test]
fn with_its_rule_each_of_these_worlds_is_safe() {
    let found = side_by_side(&ABLATIONS, |it| explore(&it.configuration, None, Some(150_000)));
    assert_nothing_is_violated(&found);
}

#[test]
fn what_is_assumed_is_needed() {
    for it in &ASSUMPTIONS {
        let found = explore(&it.configuration, Some(it.breaks), Some(1_000_000));
        let violated = found.violations.iter().any(|(name, _)| *name == it.breaks.name());
        assert!(violated, "nothing misses {}: {} states", it.configuration.name, found.states);
    }
}

/// By hand: `tests/run model-deep`. Two searches at once need up to 6 GiB; `GUNGNIR_MODEL_AT_MOST`
/// ends each after fewer generated states, `GUNGNIR_MODEL_ROW` takes those with that in their name.
#[test]
#[ignore = "takes most of an hour"]
fn deep() {
    let chosen = std::env::var("GUNGNIR_MODEL_AT_MOST").ok();
    let at_most = chosen.as_ref().map_or(configuration::DEEP_AT_MOST, |it| {
        it.parse().expect("GUNGNIR_MODEL_AT_MOST is a number of states")
    });
    let only = std::env::var("GUNGNIR_MODEL_ROW").unwrap_or_default();
    let rows: Vec<Configuration> =
        DEEP.iter().filter(|config| config.name.contains(&only)).copied().collect();
    let found = side_by_side(&rows, |config| told_with_ways(explore(config, None, Some(at_most))));
    let states: usize = found.iter().map(|it| it.states).sum();
    println!("{states} states in all");
    assert_nothing_is_violated(&found);
    if chosen.is_none() && only.is_empty() {
        assert!(states >= 100_000_000, "{states} states");
        report::is_in_readme("model: deep", &report::of_searches(DEEP, &found));
    }
}

/// By hand: `tests/run model-deep`.
#[test]
#[ignore = "takes some minutes"]
fn deep_walks() {
    let found = side_by_side(LONG, |config| told_with_ways(wander(config, WALKS, WALK_STEPS)));
    assert_nothing_is_violated(&found);
    report::is_in_readme("model: walks", &report::of_walks(LONG, &found, WALKS));
}

fn told_with_ways(found: Found) -> Found {
    told(&found);
    for (name, way) in &found.violations {
        println!("    {name} fails after {} steps: {way:?}", way.len());
    }
    found
}
