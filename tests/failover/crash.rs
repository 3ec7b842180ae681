//! Servers that end, with or without being asked.

use std::time::Duration;

use crate::harness::directory::Directory;
use crate::harness::directory::SET_NAME;
use crate::harness::gungnir::Gungnir;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::network::controller_address;
use crate::harness::node::DEADLINE;
use crate::harness::node::Node;
use crate::harness::sentinel_client::Subscriber;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::DOWN_AFTER;
use crate::scenario::finish;
use crate::scenario::on_every_version;
use crate::scenario::scenarios;
use crate::scenario::start;
use crate::scenario::start_usual;

scenarios!(
    a_killed_master_is_replaced_without_replicas_to_wait_for,
    a_second_master_is_replaced_like_the_first,
    a_master_without_replicas_leads_again,
    two_of_five_are_killed_at_once,
    a_master_that_is_asked_to_end_is_replaced,
    a_killed_replica_changes_nothing,
    all_nodes_are_killed_at_once,
    all_nodes_are_asked_to_end_at_once,
    clients_of_sentinels_protocol_move_over,
);

on_every_version!(a_killed_master_is_replaced);

fn a_killed_master_is_replaced(world: &World, series: &str) {
    let setup = SetSetup { series: series.into(), ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| set.node(1).kill());
    let master = trial.wait_until_it_names_another_than(1);
    explains_a_kill(&gungnir, set.node(1), &master);
    set.node(1).start();
    assert_eq!(trial.settle().number, master.number, "nobody moves back");
    let report = finish(world, &format!("kill -9, {series}"), trial, &gungnir);
    // A process that is gone is not waited for.
    assert!(report.promoted.is_some_and(|promoted| promoted < DOWN_AFTER), "{report}");
    // The other replica goes on where it was; the old master lost its memory.
    assert!(report.full_resyncs <= 1, "{report}");
}

/// What people read who come to look, while the old master is away.
fn explains_a_kill(gungnir: &Gungnir, old: &Node, new: &Node) {
    let (old, new) = (old.address(), new.address());
    let expected = [
        "phase Stable".to_owned(),
        "epoch 2, term 1".to_owned(),
        format!("master {new}"),
        format!("clients go to {new}"),
        "next nothing".to_owned(),
        format!("{old} - - - - not seen dead"),
        format!("ago +try-failover {old} epoch 2; candidate {new}"),
        format!("ago +promoted-slave {new} epoch 2"),
        format!("ago +switch-master {old} {new}"),
    ];
    wait_until(&format!("`explain` says each of {expected:#?}"), DEADLINE, || {
        let said = String::from_utf8_lossy(&gungnir.explain().stdout).into_owned();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = said.lines().map(words).collect();
        expected.iter().all(|text| lines.iter().any(|line| line.contains(text)))
    });
}

/// With W = 0 nothing counts as acknowledged, and the master is replaced all the same.
fn a_killed_master_is_replaced_without_replicas_to_wait_for(world: &World) {
    let setup = SetSetup { replicas_to_write: 0, ..SetSetup::default() };
    let options = GungnirSetup { down_after_ms: 1000, ..GungnirSetup::default() };
    let (set, gungnir) = start(world, &setup, &options);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let took = kill_masters(&set, &mut trial, 3);
    finish(world, "kill -9, W 0", trial, &gungnir);
    // It takes tens of milliseconds. One kill may fall on a busy machine, and two do not.
    assert!(took[1] < Duration::from_millis(400), "{took:?}");
    assert!(took[2] < Duration::from_secs(1), "{took:?}");
    let log = gungnir.log();
    assert_eq!(log.matches("min-replicas-to-write is 0").count(), 1, "warned once:\n{log}");
}

fn a_second_master_is_replaced_like_the_first(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let took = kill_masters(&set, &mut trial, 4);
    finish(world, "four masters killed", trial, &gungnir);
    assert!(took[3] < DOWN_AFTER, "{took:?}");
}

/// Kills so many masters, one after the other, and lets each come back. Answers how long each was
/// waited for, the shortest first.
fn kill_masters(set: &Set, trial: &mut Trial<'_>, count: usize) -> Vec<Duration> {
    let mut took = Vec::new();
    let mut master = 1;
    for _ in 0..count {
        trial.fault(|| set.node(master).kill());
        let next = trial.wait_until_it_names_another_than(master).number;
        set.node(master).start();
        assert_eq!(trial.settle().number, next);
        let (promoted, _) = trial.watcher().promotion_after(trial.fault_at()).expect("one");
        took.push(promoted - trial.fault_at());
        master = next;
    }
    took.sort_unstable();
    took
}

/// One node is no set, and still: nobody but itself takes it through its boot gate.
fn a_master_without_replicas_leads_again(world: &World) {
    let conf = "appendonly yes\nappendfsync always\n";
    let setup = SetSetup { nodes: 1, replicas_to_write: 0, conf, ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    // What is on its disk is all that can be acknowledged.
    let load = Load { waiting: vec![0], ..Load::default() };
    let mut trial = Trial::start(&set, &gungnir, &load);
    trial.fault(|| set.node(1).kill());
    set.node(1).start();
    assert_eq!(trial.settle().number, 1);
    finish(world, "kill -9, one node", trial, &gungnir);
}

/// W = 2: of five, the master and one that may hold what it acknowledged.
fn two_of_five_are_killed_at_once(world: &World) {
    let setup = SetSetup { nodes: 5, replicas_to_write: 2, ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    gungnir.wait_until_writes_count();
    let load = Load { waiting: vec![2, 2], ..Load::default() };
    let mut trial = Trial::start(&set, &gungnir, &load);
    trial.fault(|| {
        set.node(1).kill();
        set.node(2).kill();
    });
    let master = trial.wait_until_it_names_another_than(1);
    trial.wait_until_all_write();
    for number in [1, 2] {
        set.node(number).start();
    }
    assert_eq!(trial.settle().number, master.number);
    let report = finish(world, "kill -9, two of five", trial, &gungnir);
    assert!(report.promoted.is_some_and(|promoted| promoted < DOWN_AFTER), "{report}");
}

fn a_master_that_is_asked_to_end_is_replaced(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| set.node(1).terminate());
    set.node(1).wait_for_its_end();
    trial.wait_until_it_names_another_than(1);
    set.node(1).start();
    trial.settle();
    let gungnir_log = gungnir.log();
    let report = finish(world, "SIGTERM", trial, &gungnir);
    // Before it ends, it waits for its replicas: long enough to hand over to one of them.
    assert_eq!(report.plain_lost, 0, "{report}");
    assert!(!gungnir_log.contains("+try-failover"), "{gungnir_log}");
}

fn a_killed_replica_changes_nothing(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| set.node(2).kill());
    trial.wait_until_all_write();
    set.node(2).start();
    assert_eq!(trial.settle().number, 1);
    let report = finish(world, "a replica killed", trial, &gungnir);
    assert_eq!(report.promoted, None, "{report}");
    assert_eq!(report.plain_lost, 0, "{report}");
}

/// A power cut: whoever leads then has what was on its disk.
fn all_nodes_are_killed_at_once(world: &World) {
    let conf = "appendonly yes\nappendfsync always\n";
    let setup = SetSetup { conf, ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| {
        for node in set.nodes() {
            node.kill();
        }
    });
    for node in set.nodes() {
        node.spawn();
    }
    trial.settle();
    finish(world, "all killed", trial, &gungnir);
}

/// A planned stop of everything: each saves its data, and where it was in its history.
fn all_nodes_are_asked_to_end_at_once(world: &World) {
    let setup = SetSetup { conf: "save 3600 1\n", ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| {
        for node in set.nodes() {
            node.terminate();
        }
    });
    for node in set.nodes() {
        node.wait_for_its_end();
    }
    for node in set.nodes() {
        node.spawn();
    }
    trial.settle();
    finish(world, "all ended", trial, &gungnir);
}

/// Clients that know Valkey Sentinel only: they ask, and they are told.
fn clients_of_sentinels_protocol_move_over(world: &World) {
    let listen = format!("{}:26379", controller_address(1));
    let options = vec!["--listen".to_owned(), listen.clone()];
    let setup = GungnirSetup { options, ..GungnirSetup::default() };
    let (set, gungnir) = start(world, &SetSetup::default(), &setup);
    let listen = listen.parse().expect("an address");
    let directory = Directory::Sentinels(vec![listen]);
    let mut trial = Trial::start_with(&set, &gungnir, Load::default().writers(&directory));
    let mut subscriber = Subscriber::start(listen);
    trial.fault(|| set.node(1).kill());
    let master = trial.wait_until_it_names_another_than(1);
    let replica = |number: u8| {
        let address = |node: &Node| format!("{} {}", node.address().ip(), node.address().port());
        let node = set.node(number);
        let (own, its_master) = (address(node), address(&master));
        format!("slave {} {own} @ {SET_NAME} {its_master}", node.address())
    };
    // Nobody calls it down before it was silent for long enough.
    subscriber.wait_for(&format!("+sdown {}", replica(1)));
    set.node(1).start();
    assert_eq!(trial.settle().number, master.number);
    let other = 5 - master.number;
    let (old, new) = ("10.0.0.1 6379", format!("10.0.0.{} 6379", master.number));
    let heard = subscriber.wait_for(&format!("+slave {}", replica(1)));
    let mut expected = vec![
        "+new-epoch 2".to_owned(),
        format!("+try-failover master {SET_NAME} {old}"),
        format!("+switch-master {SET_NAME} {old} {new}"),
        format!("+failover-end master {SET_NAME} {new}"),
        format!("+slave {}", replica(other)),
        format!("+sdown {}", replica(1)),
        format!("-sdown {}", replica(1)),
        format!("+slave {}", replica(1)),
    ];
    // When the other replica turns out to have more, it is the candidate of an epoch of its own.
    if heard[2] == "+new-epoch 3" {
        expected.insert(2, heard[2].clone());
    }
    assert_eq!(heard, expected);
    finish(world, "kill -9, Sentinel's protocol", trial, &gungnir);
}
