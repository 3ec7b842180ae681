//! Networks that lose packets, and firewalls that refuse them.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::harness::controller::Controller as _;
use crate::harness::directory::Directory;
use crate::harness::gungnir::Gungnir;
use crate::harness::network::CLIENTS;
use crate::harness::network::Fault;
use crate::harness::network::client_address;
use crate::harness::network::controller_address;
use crate::harness::set::Set;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::stays;
use crate::harness::world::World;
use crate::harness::writer::Kind;
use crate::harness::writer::WriterSetup;
use crate::scenario::DOWN_AFTER;
use crate::scenario::finish;
use crate::scenario::scenarios;
use crate::scenario::start_usual;

scenarios!(
    a_master_that_is_cut_off_is_replaced,
    a_master_that_is_cut_off_with_clients_stops_taking_their_writes,
    a_master_whose_cable_is_pulled_is_replaced,
    a_firewall_that_refuses_the_controller_fails_nobody_over,
    a_controller_that_does_not_hear_the_master_believes_the_replicas,
    a_controller_that_hears_nobody_blames_itself,
    a_cut_that_grows_is_a_cut_when_the_replicas_notice,
    a_replica_that_is_cut_off_changes_nothing,
);

/// How often a client that is cut off with the master tries to write, a second.
const INSIDE_PER_SECOND: u32 = 200;

/// An address inside the part of the network that is cut off with node 1.
fn inside(number: u8) -> Ipv4Addr {
    client_address(200 + number)
}

/// Every packet between these clients or nodes and those.
fn cut(world: &World, one: &[Ipv4Addr], other: &[Ipv4Addr]) -> Fault {
    let text = |side: &[Ipv4Addr]| side.iter().map(ToString::to_string).collect::<Vec<_>>();
    world.network().cut(&text(one), &text(other))
}

/// Everything that is not node 1 nor with it.
fn outside(set: &Set) -> Vec<Ipv4Addr> {
    let nodes = set.others(1).map(|node| node.place().address);
    // The clients of a load, and who asks for the master's name.
    let clients = (1..=9).chain([250]).map(client_address);
    nodes.chain(clients).chain([controller_address(1)]).collect()
}

/// A client that stays with node 1, whatever is decided.
fn stays_with_node_1(set: &Set, number: u8, kind: Kind) -> WriterSetup {
    WriterSetup {
        from: inside(number),
        directory: Directory::Fixed(set.node(1).address()),
        kind,
        depth: 1,
        per_second: INSIDE_PER_SECOND,
        patience: Load::default().patience,
    }
}

fn names_node_1(set: &Set, gungnir: &Gungnir) -> bool {
    gungnir.named() == Some(set.node(1).address())
}

fn a_master_that_is_cut_off_is_replaced(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let mut fault = None;
    trial.fault(|| fault = Some(cut(world, &[set.node(1).place().address], &outside(&set))));
    trial.wait_until_it_names_another_than(1);
    trial.wait_until_all_write();
    drop(fault);
    trial.settle();
    finish(world, "cut off", trial, &gungnir);
}

/// Its clients go on for as long as it counts its replicas as there; nobody promises them more.
fn a_master_that_is_cut_off_with_clients_stops_taking_their_writes(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut writers = Load::default().writers(&gungnir.directory());
    writers.push(stays_with_node_1(&set, 1, Kind::Plain));
    writers.push(stays_with_node_1(&set, 2, Kind::Waiting(1)));
    let one = [set.node(1).place().address, inside(1), inside(2)];
    let mut trial = Trial::start_with(&set, &gungnir, writers);
    let mut fault = None;
    trial.fault(|| fault = Some(cut(world, &one, &outside(&set))));
    trial.wait_until_it_names_another_than(1);
    trial.wait_until_all_write();
    drop(fault);
    trial.settle();
    let report = finish(world, "cut off with clients", trial, &gungnir);
    let most = usize::try_from(INSIDE_PER_SECOND).expect("a small number") * (1 + 2);
    assert!(report.stray_lost <= most, "more than {most}: {report}");
}

fn a_master_whose_cable_is_pulled_is_replaced(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| set.node(1).place().unplug());
    trial.wait_until_it_names_another_than(1);
    trial.wait_until_all_write();
    set.node(1).place().plug();
    trial.settle();
    finish(world, "cable pulled", trial, &gungnir);
}

/// A refusal says that somebody is there; and the replicas hear the master.
fn a_firewall_that_refuses_the_controller_fails_nobody_over(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let mut fault = None;
    trial.fault(|| {
        let (from, to) = (controller_address(1), set.node(1).place().address);
        fault = Some(world.network().refuse(from, to));
    });
    stays("node 1 is named", DOWN_AFTER * 3, || names_node_1(&set, &gungnir));
    drop(fault);
    assert_eq!(trial.settle().number, 1);
    let report = finish(world, "refused by a firewall", trial, &gungnir);
    assert_eq!(report.promoted, None, "{report}");
    assert!(report.write_gap < Duration::from_secs(1), "{report}");
}

fn a_controller_that_does_not_hear_the_master_believes_the_replicas(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let mut fault = None;
    trial.fault(|| {
        fault = Some(cut(world, &[set.node(1).place().address], &[controller_address(1)]));
    });
    stays("node 1 is named", DOWN_AFTER * 3, || names_node_1(&set, &gungnir));
    drop(fault);
    assert_eq!(trial.settle().number, 1);
    let report = finish(world, "cut between controller and master", trial, &gungnir);
    assert_eq!(report.promoted, None, "{report}");
    assert!(report.write_gap < Duration::from_secs(1), "{report}");
}

fn a_controller_that_hears_nobody_blames_itself(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let nodes: Vec<Ipv4Addr> = set.nodes().map(|node| node.place().address).collect();
    let mut fault = None;
    trial.fault(|| fault = Some(cut(world, &[controller_address(1)], &nodes)));
    stays("node 1 is named", DOWN_AFTER * 3, || names_node_1(&set, &gungnir));
    drop(fault);
    assert_eq!(trial.settle().number, 1);
    let report = finish(world, "the controller cut off", trial, &gungnir);
    assert_eq!(report.promoted, None, "{report}");
}

/// The controller was cut off long before: the time that counts is the replicas'.
fn a_cut_that_grows_is_a_cut_when_the_replicas_notice(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut writers = Load::default().writers(&gungnir.directory());
    writers.push(stays_with_node_1(&set, 1, Kind::Plain));
    writers.push(stays_with_node_1(&set, 2, Kind::Waiting(1)));
    let master = set.node(1).place().address;
    let mut trial = Trial::start_with(&set, &gungnir, writers);
    let first = cut(world, &[master], &[controller_address(1)]);
    stays("node 1 is named", DOWN_AFTER * 2, || names_node_1(&set, &gungnir));
    let mut second = None;
    let one = [master, inside(1), inside(2)];
    trial.fault(|| second = Some(cut(world, &one, &outside(&set))));
    trial.wait_until_it_names_another_than(1);
    trial.wait_until_all_write();
    drop((first, second));
    trial.settle();
    finish(world, "a cut that grows", trial, &gungnir);
}

fn a_replica_that_is_cut_off_changes_nothing(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let mut fault = None;
    trial.fault(|| {
        let replica = set.node(2).place().address.to_string();
        let (one, other) = (["10.0.0.0/24".to_owned(), CLIENTS.to_owned()], [replica]);
        fault = Some(world.network().cut(&one, &other));
    });
    stays("node 1 is named", DOWN_AFTER * 2, || names_node_1(&set, &gungnir));
    drop(fault);
    assert_eq!(trial.settle().number, 1);
    let report = finish(world, "a replica cut off", trial, &gungnir);
    assert_eq!(report.promoted, None, "{report}");
    assert_eq!(report.plain_lost, 0, "{report}");
}
