//! Replicas that must not win, however much they are preferred.

use std::fs;
use std::time::Duration;

use crate::harness::controller::Controller as _;
use crate::harness::gungnir::Gungnir;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::node::Node;
use crate::harness::node::Role;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::stays;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::DOWN_AFTER;
use crate::scenario::finish;
use crate::scenario::scenarios;
use crate::scenario::start;

scenarios!(
    a_replica_that_never_synced_is_never_promoted,
    a_replica_that_is_being_sent_all_data_does_not_win,
    a_replica_that_is_behind_does_not_win,
    a_replica_of_priority_0_is_never_promoted,
    the_preferred_replica_wins_among_equals,
);

/// Each key that node 2 or 3 loads takes it this long, so that it loads for many seconds; it answers
/// meanwhile.
const SLOW: &str = "key-load-delay 1000\nloading-process-events-interval-bytes 1024\n";
/// How many keys there are then.
const KEYS: &str = "15000";

/// Fills a master with keys; its replicas have them too.
fn fill(master: &Node) {
    let script = "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'key:' .. i, i) end";
    master.tell(&["EVAL", script, "0", KEYS]);
}

/// Restarts a replica empty and waits until it is in the middle of loading what its master sends.
fn restart_into_loading(node: &Node) {
    node.kill();
    node.erase();
    node.start();
    wait_until(&format!("node {} loads", node.number), DOWN_AFTER * 5, || {
        node.info("persistence").get("loading").is_some_and(|loading| loading == "1")
    });
}

/// Waits until the record has a node's new run: what its old one held is held by others.
fn wait_until_it_is_a_member_again(gungnir: &Gungnir, node: &Node) {
    wait_until(&format!("node {} is a member again", node.number), DOWN_AFTER * 5, || {
        let server = node.info("server");
        let record = fs::read_to_string(gungnir.state_file()).unwrap_or_default();
        server.get("run_id").is_some_and(|run_id| record.contains(run_id))
    });
}

/// What is left to load is loaded at once: how long that takes is not what matters any more.
fn goes_on_at_full_speed(node: &Node) {
    node.tell(&["CONFIG", "SET", "key-load-delay", "0"]);
}

/// Prefers whom priority prefers.
fn priority_first() -> GungnirSetup {
    let options = vec!["--replica-order".to_owned(), "priority-first".to_owned()];
    GungnirSetup { options, ..GungnirSetup::default() }
}

fn is_master(set: &Set, number: u8) -> bool {
    set.node(number).role() == Role::Master
}

/// It is all that is left, and has nothing: better nobody than a master without data.
fn a_replica_that_never_synced_is_never_promoted(world: &World) {
    let conf = "appendonly yes\nappendfsync always\n";
    let setup = SetSetup { nodes: 2, conf, conf_of: vec![(2, SLOW)], ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    fill(set.node(1));
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    restart_into_loading(set.node(2));
    trial.fault(|| set.node(1).kill());
    stays("node 2 is no master", DOWN_AFTER * 2, || !is_master(&set, 2));
    goes_on_at_full_speed(set.node(2));
    set.node(1).start();
    assert_eq!(trial.settle().number, 1);
    finish(world, "a replica that never synced", trial, &gungnir);
}

fn a_replica_that_is_being_sent_all_data_does_not_win(world: &World) {
    let conf_of = vec![(3, SLOW), (3, "replica-priority 1\n")];
    let setup = SetSetup { conf_of, ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &priority_first());
    fill(set.node(1));
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    restart_into_loading(set.node(3));
    wait_until_it_is_a_member_again(&gungnir, set.node(3));
    trial.fault(|| set.node(1).kill());
    stays("node 3 is no master", DOWN_AFTER, || !is_master(&set, 3));
    goes_on_at_full_speed(set.node(3));
    assert_eq!(trial.wait_until_it_names_another_than(1).number, 2);
    set.node(1).start();
    trial.settle();
    finish(world, "full resync under way", trial, &gungnir);
}

/// It is preferred, and lacks what another replica has acknowledged.
fn a_replica_that_is_behind_does_not_win(world: &World) {
    let conf_of = vec![(3, "replica-priority 1\n")];
    let setup = SetSetup { conf_of, ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &priority_first());
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let [one, other] = [1, 3].map(|number| set.node(number).place().address.to_string());
    let cut = world.network().cut(&[one], &[other]);
    trial.wait_until_all_write();
    let offset = |number: u8| set.node(number).info_number("replication", "slave_repl_offset");
    assert!(offset(3) < offset(2), "node 3 is behind");
    trial.fault(|| set.node(1).kill());
    assert_eq!(trial.wait_until_it_names_another_than(1).number, 2);
    drop(cut);
    set.node(1).start();
    trial.settle();
    finish(world, "a slow replica", trial, &gungnir);
}

/// It holds all that was acknowledged, and the master comes back with a history that cannot be
/// compared: to take that one could lose writes, to take this one is forbidden. People decide.
fn a_replica_of_priority_0_is_never_promoted(world: &World) {
    let setup = SetSetup {
        nodes: 2,
        conf: "appendonly yes\nappendfsync always\n",
        conf_of: vec![(2, "replica-priority 0\n")],
        ..SetSetup::default()
    };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| set.node(1).kill());
    stays("node 2 is no master", DOWN_AFTER * 2, || !is_master(&set, 2));
    set.node(1).start();
    set.node(1).wait_until_it_has_loaded();
    stays("nobody is master", DOWN_AFTER * 2, || !is_master(&set, 1) && !is_master(&set, 2));
    let told = String::from_utf8(gungnir.explain().stdout).expect("text");
    assert!(told.contains("nobody who is seen may become master"), "{told}");
    set.node(2).tell(&["CONFIG", "SET", "replica-priority", "100"]);
    assert_eq!(trial.settle().number, 2);
    finish(world, "priority 0", trial, &gungnir);
}

fn the_preferred_replica_wins_among_equals(world: &World) {
    let conf_of = vec![(3, "replica-priority 1\n")];
    let setup = SetSetup { conf_of, ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &priority_first());
    // Nobody writes when it happens, so both have all.
    let load = Load { waiting: vec![1], plain: 0, per_second: 2, ..Load::default() };
    let mut trial = Trial::start(&set, &gungnir, &load);
    for number in [2, 3] {
        set.node(number).wait_until_it_has_all_of(set.node(1));
    }
    trial.fault(|| set.node(1).kill());
    let named = trial.wait_until_it_names_another_than(1);
    assert_eq!(gungnir.named(), Some(named.address()));
    set.node(1).start();
    trial.settle();
    let report = finish(world, "priority first", trial, &gungnir);
    assert!(report.promoted.is_some_and(|time| time < Duration::from_secs(3)), "{report}");
}
