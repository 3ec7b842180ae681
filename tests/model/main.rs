//! The model checker over the sentinel's own `step`: every order in which a set, its network and
//! those who decide about it can go on, under a budget of faults.
//!
//! `tests/run model` searches what a few minutes hold; `tests/run model-deep` as far as memory goes.
#![allow(clippy::expect_used)] // in the helpers: a test that panics fails
#![allow(clippy::print_stdout)] // what was searched, for who runs it

mod ablation;
mod assumption;
mod closure;
mod configuration;
mod decider;
mod decision;
mod elsewhere;
mod environment;
mod event;
mod facts;
mod judgement;
mod model;
mod packed;
mod property;
#[path = "../support/readme.rs"]
mod readme;
mod report;
mod search;
mod searches;
mod server;
#[path = "../support/update.rs"]
mod update;

use ablation::ABLATIONS;
use assumption::{ASSUMPTIONS, Assumption, OUT_OF_BUDGET};
use configuration::Configuration;
use gungnir::sentinel::{Rule, Rules};
use property::{PROPERTIES, Property};
use search::{Found, explore, side_by_side, wander};
use searches::{CONFIGURATIONS, DEEP, LONG, WALK_STEPS, WALKS};

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
    let missed = ABLATIONS.iter().flat_map(|it| it.breaks.iter().map(move |breaks| (it, *breaks)));
    let found = side_by_side(&missed.collect::<Vec<_>>(), |(it, breaks)| {
        let config = Configuration { rules: Rules::without(it.rule), ..it.configuration };
        (*it, *breaks, explore(&config, Some(*breaks), Some(3_000_000)))
    });
    for (it, breaks, found) in &found {
        let (rule, name, story) = (it.rule, breaks.name(), it.configuration.story);
        let Some(way) = found.way_to(*breaks) else {
            panic!("{name} does not miss {rule:?} in {} states", found.states)
        };
        println!("without {rule:?}, {name} fails after {story:?} {way:?}");
    }
    report::is_in_readme("model: properties", &report::of_properties());
    report::is_in_readme("model: rules", &report::of_rules(&found));
    report::is_in_readme("model: elsewhere", &report::of_elsewhere());
}

#[test]
fn every_property_can_fail() {
    let rules = ABLATIONS.iter().map(|it| it.breaks);
    let seen: Vec<Property> =
        rules.chain(ASSUMPTIONS.iter().map(|it| it.breaks)).flatten().copied().collect();
    for (property, name, _) in PROPERTIES {
        assert!(seen.contains(&property), "nothing shows that {name} can fail");
    }
}

#[test]
fn with_its_rule_each_of_these_worlds_is_safe() {
    let found = side_by_side(&ABLATIONS, |it| explore(&it.configuration, None, Some(150_000)));
    assert_nothing_is_violated(&found);
}

fn assert_breaks(it: &Assumption) {
    for property in it.breaks {
        let found = explore(&it.configuration, Some(*property), Some(1_000_000));
        let (name, story, property) = (found.name, it.configuration.story, property.name());
        let Some((_, way)) = found.violations.iter().find(|(it, _)| *it == property) else {
            panic!("{property} does not miss \"{name}\" in {} states", found.states)
        };
        println!("without \"{name}\", {property} fails after {story:?} {way:?}");
    }
}

#[test]
fn what_is_assumed_is_needed() {
    side_by_side(&ASSUMPTIONS, assert_breaks);
}

#[test]
fn where_it_is_as_assumed_each_of_these_worlds_is_safe() {
    let found = side_by_side(&ASSUMPTIONS, |it| {
        explore(&it.configuration.as_assumed(), None, Some(50_000))
    });
    assert_nothing_is_violated(&found);
}

#[test]
fn what_is_out_of_the_budget_happens() {
    assert_breaks(&OUT_OF_BUDGET);
}

/// By hand: `tests/run model-deep`. Two searches at once need up to 6 GiB; `GUNGNIR_MODEL_AT_MOST`
/// ends each after fewer generated states, `GUNGNIR_MODEL_ROW` takes those with that in their name.
#[test]
#[ignore = "takes most of an hour"]
fn deep() {
    let chosen = std::env::var("GUNGNIR_MODEL_AT_MOST").ok();
    let at_most = chosen.as_ref().map_or(searches::DEEP_AT_MOST, |it| {
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
