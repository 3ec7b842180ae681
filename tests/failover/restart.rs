//! Servers that come back as something else than what went.

use std::fs;
use std::time::Duration;

use crate::harness::controller::Controller as _;
use crate::harness::gungnir::Gungnir;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::node::DEADLINE;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::stays;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::count;
use crate::scenario::finish;
use crate::scenario::scenarios;
use crate::scenario::start;
use crate::scenario::start_usual;

scenarios!(
    a_master_that_restarts_empty_is_replaced,
    a_master_that_restarts_empty_before_anybody_looks_wipes_nobody,
    without_the_boot_gate_an_empty_master_wipes_its_replicas,
    a_master_that_restarts_with_older_data_is_replaced,
    a_master_that_restarts_with_all_its_data_loses_nothing,
    a_controller_that_was_away_finds_what_happened,
    a_gate_that_was_seen_is_remembered,
);

/// How long a controller looks away: longer than replicas need to attach again.
const AWAY: Duration = Duration::from_secs(3);

fn a_master_that_restarts_empty_is_replaced(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| restart_empty(&set));
    trial.wait_until_it_names_another_than(1);
    trial.settle();
    finish(world, "restarted empty", trial, &gungnir);
}

fn a_master_that_restarts_empty_before_anybody_looks_wipes_nobody(world: &World) {
    let (set, gungnir) = start_usual(world);
    let trial = restarts_empty_unseen(&set, &gungnir);
    finish(world, "restarted empty unseen", trial, &gungnir);
}

/// What the warning at the start is about: this set has no gate, and the data is lost.
fn without_the_boot_gate_an_empty_master_wipes_its_replicas(world: &World) {
    let setup = SetSetup { gate: false, ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    for node in set.nodes() {
        let address = node.address().to_string();
        let named = |line: &str| line.contains(&address) && line.contains("replicaof 127.0.0.1 1");
        let log = gungnir.log();
        assert!(log.lines().any(named), "{address} is not warned about:\n{log}");
    }
    let trial = restarts_empty_unseen(&set, &gungnir);
    // What was seen of node 1 is more than what was not seen of the others.
    for (number, gate) in [(1, "not gated"), (2, "not seen"), (3, "not seen")] {
        assert_eq!(gungnir.gate_of(set.node(number).address()), gate, "node {number}");
    }
    let report = count(world, "restarted empty, no gate", trial, &gungnir);
    assert!(report.acknowledged_lost > 0, "{report}");
}

/// The master comes back empty while the controller looks away, then it looks again.
fn restarts_empty_unseen<'a>(set: &'a Set, gungnir: &'a Gungnir) -> Trial<'a> {
    let mut trial = Trial::start(set, gungnir, &Load::default());
    trial.fault(|| {
        gungnir.suspend();
        restart_empty(set);
    });
    stays("it looks away", AWAY, || gungnir.runs());
    gungnir.resume();
    trial.settle();
    trial
}

fn restart_empty(set: &Set) {
    set.node(1).kill();
    set.node(1).erase();
    set.node(1).start();
}

/// Its data is from before: it has the true history, and not all of it.
fn a_master_that_restarts_with_older_data_is_replaced(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    set.node(1).tell(&["SAVE"]);
    let older = set.node(1).copy_data();
    trial.wait_until_all_write();
    trial.fault(|| {
        set.node(1).kill();
        set.node(1).put_back(&older);
        set.node(1).start();
    });
    assert_ne!(trial.settle().number, 1);
    finish(world, "restarted with older data", trial, &gungnir);
}

/// A supervisor that is faster than anybody: nothing is gone, whoever leads.
fn a_master_that_restarts_with_all_its_data_loses_nothing(world: &World) {
    let conf = "appendonly yes\nappendfsync always\n";
    let setup = SetSetup { conf, ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| {
        set.node(1).kill();
        set.node(1).start();
    });
    trial.settle();
    finish(world, "restarted with its data", trial, &gungnir);
}

/// The master dies while no controller runs; the next one goes on from the record.
fn a_controller_that_was_away_finds_what_happened(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    gungnir.kill();
    trial.fault(|| set.node(1).kill());
    stays("nobody decides", AWAY, || gungnir.named() == Some(set.node(1).address()));
    gungnir.spawn();
    trial.wait_until_it_names_another_than(1);
    set.node(1).start();
    trial.settle();
    finish(world, "kill -9 while no controller ran", trial, &gungnir);
}

/// At the first start nobody knows how a server starts; at the next one only those are warned about
/// whose start was not seen.
fn a_gate_that_was_seen_is_remembered(world: &World) {
    let (set, gungnir) = start_usual(world);
    let warned = |log: &str, number: u8| {
        let text = format!("`{}` was not seen to start as a replica", set.node(number).address());
        log.contains(&text)
    };
    let log = gungnir.log();
    assert!((1..=3).all(|number| warned(&log, number)), "{log}");
    let gates = |expected: [&str; 3]| {
        (1..)
            .zip(expected)
            .all(|(number, gate)| gungnir.gate_of(set.node(number).address()) == gate)
    };
    assert!(gates(["not seen"; 3]), "{}", gungnir.explained());
    set.node(2).kill();
    set.node(2).start();
    let seen = ["not seen", "seen", "not seen"];
    wait_until("the start of node 2 is seen", DEADLINE, || gates(seen));
    let second = set.node(2).address().to_string();
    wait_until("it is written down", DEADLINE, || {
        let state = fs::read_to_string(gungnir.state_file()).unwrap_or_default();
        let state: serde_json::Value = serde_json::from_str(&state).unwrap_or_default();
        state["gated"] == serde_json::json!([second])
    });
    assert_eq!(gungnir.terminate().code(), Some(0), "{}", gungnir.log());
    let before = gungnir.log().len();
    gungnir.spawn();
    wait_until("it is remembered", DEADLINE, || gates(seen));
    let log = gungnir.log().split_off(before);
    assert_eq!([1, 2, 3].map(|number| warned(&log, number)), [true, false, true], "{log}");
    assert_eq!(gungnir.terminate().code(), Some(0), "{}", gungnir.log());
}
