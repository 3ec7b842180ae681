//! Nodes that go: taken out of service, and without power.

use std::time::Duration;

use crate::cluster::{Kind, kubectl};
use crate::cut::{Leader, place};
use crate::figures::Figures;
use crate::set::{ValkeySet, World};
use crate::trial::Trial;
use crate::wait::{DEADLINE, stays, until};

/// How long a node that lost its power is watched before it gets it back.
const DOWN: Duration = Duration::from_secs(30);

/// C6: the master's node is drained; its volume is there, so its pod waits for the node. Another
/// node is not drained as long as it does.
pub fn drained(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C6");
    let master = place(&set, Leader::Elsewhere);
    let of_master = set.node_of(&master);
    let mut trial = Trial::start(&set);
    let schedulable = trial.fault(|| drain(of_master, "120s"));
    schedulable.as_ref().unwrap_or_else(|said| panic!("the node is not drained: {said}"));
    let next = set.moved(&master);
    trial.write_on();
    let second = drain(set.node_of(&next), "10s").map(drop);
    let refused = second.expect_err("a second node is drained");
    assert!(refused.contains("disruption budget"), "{refused}");
    drop(schedulable);
    let figures = trial.finish(3);
    assert_eq!(set.pointer(), Some(next), "nobody moves back");
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "who is asked to leave hands over: {figures}");
    figures.is_handed_over();
    figures
}

/// C18: the master's node loses its power, and nobody can say that its pod has ended.
pub fn without_power(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C18");
    let master = place(&set, Leader::Elsewhere);
    let of_master = set.node_of(&master);
    let mut trial = Trial::start(&set);
    let down = trial.fault(|| world.nodes().power_cut(of_master));
    let next = set.moved(&master);
    trial.write_on();
    set.cluster().delete(Kind::Pod, &set.namespace, &master);
    stays("the pod is Terminating", DOWN.saturating_sub(trial.since_fault()), || {
        let pod = set.get(Kind::Pod, &master).ok_or("it is gone")?;
        if pod["metadata"]["deletionTimestamp"].is_null() {
            return Err("it was made anew".to_owned());
        }
        set.is_led_by(&next)
    });
    down.heal();
    until("the pod is made anew", 2 * DEADLINE, || match set.get(Kind::Pod, &master) {
        Some(pod) if pod["metadata"]["deletionTimestamp"].is_null() => Ok(()),
        pod => Err(format!("{pod:?}")),
    });
    let figures = trial.finish(3);
    assert_eq!(set.pointer(), Some(next), "nobody moves back");
    figures.are_safe();
    figures
}

/// A node that takes pods again when this is dropped.
struct Cordoned(String);

impl Drop for Cordoned {
    fn drop(&mut self) {
        kubectl(&["uncordon", &self.0]);
    }
}

/// `kubectl drain`, or why it was not to be.
fn drain(number: u8, limit: &str) -> Result<Cordoned, String> {
    let node = Cordoned(format!("node{number}"));
    let limit = format!("--timeout={limit}");
    let words = ["drain", &node.0, "--ignore-daemonsets", "--delete-emptydir-data", &limit];
    let said = kubectl(&words);
    if said.contains(&format!("{} drained", node.0)) { Ok(node) } else { Err(said) }
}
