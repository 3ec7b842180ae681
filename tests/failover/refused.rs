//! What `gungnir sentinel` is started with and refuses: each with its reason and an exit code, and
//! nothing is changed on any server.

use std::collections::BTreeMap;
use std::fs;

use crate::harness::controller::Controller as _;
use crate::harness::gungnir::Gungnir;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::node::DEADLINE;
use crate::harness::node::Node;
use crate::harness::node::Role;
use crate::harness::sentinels::Sentinels;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::scenarios;
use crate::scenario::start_usual;

scenarios!(
    nodes_that_are_not_there_or_not_well_written,
    servers_that_are_named_twice,
    settings_that_cannot_be_held,
    sets_that_do_not_belong_together,
    sets_without_a_master,
    servers_that_have_other_masters,
    state_files_that_are_not_this_sets,
    a_control_socket_that_is_something_else,
);

/// All that can be changed on a server: role, history, users, configuration, data.
fn all_of(node: &Node) -> (Role, Option<String>, Vec<String>, BTreeMap<String, String>, u64) {
    let history = node.info("replication").remove("master_replid");
    (
        node.role(),
        history,
        node.ask(&["ACL", "LIST"]).expect("its users"),
        node.ask(&["CONFIG", "GET", "*"]).expect("its configuration"),
        node.ask(&["DBSIZE"]).expect("a count"),
    )
}

/// Starts it over these nodes; it ends with this code and says all of this.
fn refuses(world: &World, set: &Set, setup: &GungnirSetup, code: i32, says: &[&str]) {
    let before: Vec<_> = set.nodes().map(|node| all_of(node)).collect();
    let gungnir = Gungnir::new(world, set, setup);
    let log_before = gungnir.log().len();
    gungnir.spawn();
    let status = gungnir.wait();
    let log = gungnir.log().split_off(log_before);
    let nodes = setup.nodes.as_deref().unwrap_or("all");
    assert_eq!(status.code(), Some(code), "{nodes}: {status}\n{log}");
    for text in says {
        assert!(log.contains(text), "{nodes}: `{text}` is not said:\n{log}");
    }
    for (node, before) in set.nodes().zip(before) {
        assert_eq!(all_of(node), before, "{nodes}: node {}", node.number);
    }
    world.report(&format!("{nodes}: {}", log.lines().last().unwrap_or_default()));
}

/// [`refuses`], at the first start: nothing is written down either.
fn refuses_nodes(world: &World, set: &Set, nodes: &str, code: i32, says: &[&str]) {
    let setup = GungnirSetup { nodes: Some(nodes.to_owned()), ..GungnirSetup::default() };
    refuses(world, set, &setup, code, says);
    let gungnir = Gungnir::new(world, set, &setup);
    assert_eq!(gungnir.named(), None);
    assert!(!gungnir.state_file().exists(), "{nodes}");
}

/// Some nodes of a set, as `--nodes` wants them.
fn some(set: &Set, numbers: &[u8]) -> String {
    let addresses = numbers.iter().map(|number| set.node(*number).address().to_string());
    addresses.collect::<Vec<_>>().join(",")
}

/// Waits until the replicas of node 1 have all that it has, so that nothing changes by itself.
fn wait_until_level(set: &Set) {
    for node in set.others(1) {
        node.wait_until_it_has_all_of(set.node(1));
    }
}

fn nodes_that_are_not_there_or_not_well_written(world: &World) {
    let set = Set::start(world, &SetSetup::default());
    wait_until_level(&set);
    let all = set.addresses();
    let two = some(&set, &[1, 2]);
    let third = set.node(3).address();
    let (host, port) = (third.ip(), third.port());
    let ten = (1..=10).map(|number| format!("10.0.0.{number}:{port}"));
    let ten = ten.collect::<Vec<_>>().join(",");
    for (nodes, code, says) in [
        // Nobody has this address, and nobody listens at that port.
        (format!("{two},10.0.0.99:6379"), 3, vec!["10.0.0.99:6379"]),
        (format!("{two},{host}:6380"), 3, vec!["6380", "every node has to be there"]),
        (format!("{all},{third}"), 2, vec!["--nodes names `10.0.0.", "` twice"]),
        (ten, 2, vec!["--nodes names 10 servers; a set has 9 at most"]),
        (format!("{two},{host}"), 2, vec!["has no port; write `host:port`"]),
        (format!("{two},{host}:"), 2, vec!["has no port; write `host:port`"]),
        (format!("{two},:{port}"), 2, vec!["has no host; write `host:port`"]),
        (format!("{two},{host}:{port}{port}"), 2, vec!["is not a number from 1 to 65535"]),
        (format!("{two},"), 2, vec!["the address is empty; write `host:port`"]),
        (format!("{two},no such host:1"), 2, vec!["holds a space"]),
        (format!("{two},no-such-host.invalid:6379"), 3, vec!["no-such-host.invalid:6379"]),
    ] {
        refuses_nodes(world, &set, &nodes, code, &says);
    }
    // A server that is there, and silent.
    set.node(3).suspend();
    let nodes = Some(all);
    let setup = GungnirSetup { nodes, down_after_ms: 3000, ..GungnirSetup::default() };
    let gungnir = Gungnir::new(world, &set, &setup);
    gungnir.spawn();
    assert_eq!(gungnir.wait().code(), Some(3), "{}", gungnir.log());
    assert!(gungnir.log().contains("every node has to be there"), "{}", gungnir.log());
    set.node(3).resume();
}

/// By two names: one disk would count for two replicas that hold a write.
fn servers_that_are_named_twice(world: &World) {
    const NAME: &str = "valkey.test";
    let set = Set::start(world, &SetSetup::default());
    wait_until_level(&set);
    let named = format!("{},{NAME}:6379", set.addresses());
    for number in [1, 3] {
        let node = set.node(number);
        world.network().give_name(NAME, node.place().address);
        let says = format!("`{}` and `{NAME}:6379` are one server", node.address());
        refuses_nodes(world, &set, &named, 2, &[&says, "name each server once"]);
    }
    // The name becomes another's while nobody looks: what is recorded does not help.
    let nodes = format!("{},{NAME}:6379", some(&set, &[1, 2]));
    let setup = GungnirSetup { nodes: Some(nodes), ..GungnirSetup::default() };
    let gungnir = Gungnir::start(world, &set, &setup);
    gungnir.wait_until_writes_count();
    assert_eq!(gungnir.terminate().code(), Some(0), "{}", gungnir.log());
    let state = fs::read_to_string(gungnir.state_file()).expect("a state file");
    wait_until_level(&set);
    let second = set.node(2);
    world.network().give_name(NAME, second.place().address);
    let says = format!("`{}` and `{NAME}:6379` are one server", second.address());
    refuses(world, &set, &setup, 2, &[&says]);
    assert_eq!(fs::read_to_string(gungnir.state_file()).expect("a state file"), state);
}

/// Settings that promise what they cannot hold, and those that people may insist on.
fn settings_that_cannot_be_held(world: &World) {
    let set = Set::start(world, &SetSetup::default());
    wait_until_level(&set);
    let with = |down_after_ms, options: &[&str]| {
        let options = options.iter().map(|word| (*word).to_owned()).collect();
        GungnirSetup { down_after_ms, options, ..GungnirSetup::default() }
    };
    for (setup, says) in [
        (
            with(2999, &[]),
            "--down-after 2999 is too short for min-replicas-max-lag 1: a master that is cut off \
             takes writes for up to 3000 ms, so there could be two writers; raise --down-after, \
             lower min-replicas-max-lag, or accept it with --allow-two-writers",
        ),
        (with(3000, &["--min-replicas-max-lag", "2"]), "takes writes for up to 4000 ms"),
        (
            with(3000, &["--min-replicas-to-write", "3"]),
            "3 replicas must hold a write, but there are 2: nothing could be written",
        ),
    ] {
        refuses(world, &set, &setup, 2, &[says]);
        assert!(!Gungnir::new(world, &set, &setup).state_file().exists(), "{says}");
    }
    // Once each, and again in what `explain` says.
    let warns = |setup: &GungnirSetup, text: &str, explained: &str| {
        let gungnir = Gungnir::new(world, &set, setup);
        let before = gungnir.log().len();
        gungnir.spawn();
        gungnir.wait_until_writes_count();
        let said = gungnir.explained()["warnings"].to_string();
        assert!(said.contains(explained), "{explained}: {said}");
        assert_eq!(gungnir.terminate().code(), Some(0), "{}", gungnir.log());
        let log = gungnir.log().split_off(before);
        assert_eq!(log.matches(text).count(), 1, "{text}:\n{log}");
    };
    let short = with(2999, &["--allow-two-writers"]);
    warns(&short, "there could be two writers", "two masters may take writes at once");
    set.node(3).tell(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    let text = format!(
        "`{}` has another min-replicas-to-write than the master, which has 1; when it becomes \
         master it is set to 1",
        set.node(3).address()
    );
    warns(&with(3000, &[]), &text, &text);
}

/// Nodes 1 and 2 are a set, 3 and 4 another one.
fn sets_that_do_not_belong_together(world: &World) {
    let set = Set::spawn(world, &SetSetup { nodes: 4, ..SetSetup::default() });
    for node in set.nodes() {
        node.wait_until_it_answers();
    }
    for (master, replica) in [(1, 2), (3, 4)] {
        let (master, replica) = (set.node(master), set.node(replica));
        master.tell(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
        master.tell(&["REPLICAOF", "NO", "ONE"]);
        master.tell(&["SET", "set-of", &master.number.to_string()]);
        replica.tell(&["REPLICAOF", &master.address().ip().to_string(), "6379"]);
        replica.wait_until_it_follows(master);
    }
    let [one, three, four] = [1, 3, 4].map(|number| set.node(number).address().to_string());
    let both = "both are masters and no record says which one leads";
    refuses_nodes(world, &set, &some(&set, &[1, 2, 3]), 2, &[both, &one, &three]);
    refuses_nodes(world, &set, &set.addresses(), 2, &[both, &one, &three]);
    let follows = format!("`{four}` follows a server that is not among the nodes");
    refuses_nodes(world, &set, &some(&set, &[1, 2, 4]), 2, &[&follows]);
    // It waits at its boot gate, with the other set's data.
    set.node(4).tell(&["REPLICAOF", "127.0.0.1", "1"]);
    let holds = format!("`{four}` holds data of another set, which attaching it would wipe");
    refuses_nodes(world, &set, &some(&set, &[1, 2, 4]), 2, &[&holds]);
}

fn sets_without_a_master(world: &World) {
    let set = Set::spawn(world, &SetSetup { replicas_to_write: 0, ..SetSetup::default() });
    for node in set.nodes() {
        node.wait_until_it_answers();
    }
    let all = set.addresses();
    let nobody = ["no node is a master and no record says who was", "REPLICAOF NO ONE"];
    refuses_nodes(world, &set, &all, 2, &nobody);
    // All have the data, and nobody leads: people know who has the newest.
    set.appoint(1);
    for node in set.nodes() {
        node.tell(&["REPLICAOF", "127.0.0.1", "1"]);
    }
    refuses_nodes(world, &set, &all, 2, &nobody);
    // An empty one was made master by mistake.
    set.node(3).kill();
    set.node(3).erase();
    set.node(3).start();
    set.node(3).tell(&["REPLICAOF", "NO", "ONE"]);
    let wiped = format!("`{}` has: it would be wiped", set.node(1).address());
    refuses_nodes(world, &set, &all, 2, &["the master has no data, but", &wiped]);
}

/// A Sentinel among the nodes, and a node of Valkey Cluster.
fn servers_that_have_other_masters(world: &World) {
    let setup = SetSetup {
        nodes: 4,
        gate: false,
        replicas_to_write: 0,
        conf_of: vec![(4, "cluster-enabled yes\n")],
        ..SetSetup::default()
    };
    let set = Set::spawn(world, &setup);
    for node in set.nodes() {
        node.wait_until_it_answers();
    }
    for number in [2, 3] {
        let master = set.node(1).address().ip().to_string();
        set.node(number).tell(&["REPLICAOF", &master, "6379"]);
        set.node(number).wait_until_it_follows(set.node(1));
    }
    let cluster = set.node(4).address();
    let says = format!("`{cluster}` is no server that replicates: it is a node of Valkey Cluster");
    refuses_nodes(world, &set, &format!("{},{cluster}", some(&set, &[1, 2])), 2, &[&says]);
    refuses_nodes(world, &set, &cluster.to_string(), 2, &[&says]);

    let sentinels = Sentinels::start(world, &set.first(3), 60_000);
    let sentinel = sentinels.address();
    let says = format!("`{sentinel}` is no server that replicates: the server is a Sentinel");
    refuses_nodes(world, &set, &format!("{},{sentinel}", some(&set, &[1, 2])), 2, &[&says]);
}

fn state_files_that_are_not_this_sets(world: &World) {
    let (set, gungnir) = start_usual(world);
    assert_eq!(gungnir.terminate().code(), Some(0), "{}", gungnir.log());
    wait_until_level(&set);
    let state = gungnir.state_file();
    let whole = fs::read_to_string(&state).expect("a state file");
    let refuses = |setup: &GungnirSetup, text: &str, says: &[&str]| {
        fs::write(&state, text).expect("a file");
        refuses(world, &set, setup, 2, says);
        assert_eq!(fs::read_to_string(&state).expect("a file"), text, "it is left as it was");
        assert_eq!(gungnir.named(), Some(set.node(1).address()), "so is the endpoint file");
    };
    let usual = GungnirSetup::default();
    let name = vec!["--name".to_owned(), "other".to_owned()];
    let other_name = GungnirSetup { options: name, ..GungnirSetup::default() };
    refuses(&other_name, &whole, &["belongs to the set `mymaster`, not to `other`"]);
    let nodes = Some(some(&set, &[1, 2]));
    let other_nodes = GungnirSetup { nodes, ..GungnirSetup::default() };
    refuses(&other_nodes, &whole, &["is about other nodes", &set.node(3).address().to_string()]);
    for end in [0, 1, whole.len() / 2, whole.trim_end().len() - 1] {
        refuses(&usual, &whole[..end], &["the state file is not whole"]);
    }
    let newer = whole.replacen("\"version\": 1", "\"version\": 2", 1);
    assert_ne!(newer, whole);
    refuses(&usual, &newer, &["is of version 2, and this gungnir knows version 1"]);
    // Whole again, it goes on.
    fs::write(&state, &whole).expect("a file");
    let starts = || gungnir.log().matches("watches set=").count();
    let before = starts();
    gungnir.spawn();
    wait_until("it watches", DEADLINE, || starts() > before);
    assert_eq!(gungnir.terminate().code(), Some(0), "{}", gungnir.log());
}

fn a_control_socket_that_is_something_else(world: &World) {
    let (set, gungnir) = start_usual(world);
    let control = world.folder("gungnir-1").join("control");
    assert_eq!(gungnir.terminate().code(), Some(0), "{}", gungnir.log());
    assert!(!control.exists(), "it is gone with its process");
    wait_until_level(&set);
    fs::write(&control, "a note").expect("a file");
    let file = format!("`{}` is there already and is no socket", control.display());
    refuses(world, &set, &GungnirSetup::default(), 3, &[&file, "--control FILE"]);
    assert_eq!(fs::read_to_string(&control).expect("a file"), "a note");
}
