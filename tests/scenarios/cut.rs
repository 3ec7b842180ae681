//! Masters that nobody hears any more, and that run on.

use std::time::Duration;

use crate::cluster::Kind;
use crate::figures::Figures;
use crate::install;
use crate::nodes::Nodes;
use crate::set::{ValkeySet, World};
use crate::trial::Trial;
use crate::wait::{DEADLINE, stays, until};

/// How long a node is cut off.
const CUT: Duration = Duration::from_secs(60);
/// How long a server stands still.
const STOP: Duration = Duration::from_secs(40);

/// C3, and the operator that leads is on another node.
pub fn node(world: &World) -> Figures {
    cut_off(world, "C3", Leader::Elsewhere, |_, _| {})
}

/// C3, and the operator that leads is on the master's node: another one has to take over first.
pub fn node_with_leader(world: &World) -> Figures {
    cut_off(world, "C3-leader", Leader::Along, |_, _| {})
}

/// C20.
pub fn deleted(world: &World) -> Figures {
    cut_off(world, "C20", Leader::Elsewhere, |set, master| {
        set.cluster().delete_by_force(Kind::Pod, &set.namespace, master);
    })
}

/// Where the operator is that leads, seen from the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leader {
    /// On the master's node.
    Along,
    /// On another node.
    Elsewhere,
}

/// Has a pod lead whose node suits, and gives its name.
pub fn place(set: &ValkeySet<'_>, leader: Leader) -> String {
    let operator = install::leader(set.cluster());
    let node = set.cluster().get(Kind::Pod, install::NAMESPACE, &operator).expect("it runs");
    let of_leader = node["spec"]["nodeName"].as_str().and_then(Nodes::number).expect("a node");
    let suits = |pod: &String| (set.node_of(pod) == of_leader) == (leader == Leader::Along);
    let master = set.settle(3);
    if suits(&master) {
        return master;
    }
    let target = (0..3).map(ValkeySet::pod).find(suits);
    let target = target.unwrap_or_else(|| panic!("no pod is with {operator}"));
    set.annotate("valkey.verilean.io/switchover-to", &target);
    until("the chosen pod leads", DEADLINE, || match set.settle(3) {
        pod if pod == target => Ok(pod),
        other => Err(format!("{other} does")),
    })
}

fn cut_off(world: &World, name: &str, leader: Leader, then: fn(&ValkeySet<'_>, &str)) -> Figures {
    let set = ValkeySet::usual(world, name);
    let master = place(&set, leader);
    let mut trial = Trial::start(&set);
    let cut = trial.fault(|| {
        let cut = world.nodes().cut(set.node_of(&master));
        then(&set, &master);
        cut
    });
    let next = set.moved(&master);
    trial.write_on();
    let rest = CUT.saturating_sub(trial.since_fault());
    stays("the new master leads", rest, || set.is_led_by(&next));
    cut.heal();
    let figures = trial.finish(3);
    assert_eq!(set.pointer(), Some(next), "nobody moves back");
    figures.are_safe();
    figures
}

/// C9.
pub fn stopped(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C9");
    let master = set.settle(3);
    let process = world.nodes().process(&set.namespace, &master);
    let mut trial = Trial::start(&set);
    let stop = trial.fault(|| world.nodes().stop(process));
    let next = set.moved(&master);
    trial.write_on();
    let rest = STOP.saturating_sub(trial.since_fault());
    stays("the new master leads", rest, || set.is_led_by(&next));
    stop.heal();
    let figures = trial.finish(3);
    assert_eq!(set.pointer(), Some(next), "nobody moves back");
    figures.are_safe();
    figures
}
