//! Servers and pods that end without being asked.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::cluster::Kind;
use crate::create_and_scale::NO_GAP;
use crate::figures::Figures;
use crate::install;
use crate::nodes::Fault;
use crate::set::{ValkeySet, World};
use crate::trial::Trial;
use crate::wait::{DEADLINE, until};

/// How long silence is waited for; a death that is proven is not.
pub const DOWN_AFTER: Duration = Duration::from_secs(5);

/// E4.
pub fn deleted_twice(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "E4");
    let mut trial = Trial::start(&set);
    let mut master = set.settle(3);
    trial.fault(|| {
        for _ in 0..2 {
            set.cluster().delete_by_force(Kind::Pod, &set.namespace, &master);
            let next = set.moved(&master);
            trial_goes_on(&set, &next);
            master = next;
        }
    });
    let figures = trial.finish(3);
    assert_eq!(set.pointer(), Some(master), "nobody moves back");
    figures.are_safe();
    figures
}

/// The one that was deleted is back as a replica.
fn trial_goes_on(set: &ValkeySet<'_>, master: &str) {
    assert_eq!(set.settle(3), master, "nobody moves back");
}

/// C1.
pub fn killed(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C1");
    let mut trial = Trial::start(&set);
    let master = set.settle(3);
    let process = world.nodes().process(&set.namespace, &master);
    trial.fault(|| world.nodes().kill(process));
    let next = set.moved(&master);
    let took = trial.since_fault();
    let figures = trial.finish(3);
    assert_eq!(set.pointer(), Some(next), "nobody moves back");
    figures.are_safe();
    assert!(took < DOWN_AFTER, "a process that is gone is not waited for: {took:?}");
    figures
}

/// C2.
pub fn replica_deleted(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C2");
    let mut trial = Trial::start(&set);
    let master = set.settle(3);
    let epoch = |set: &ValkeySet<'_>| set.resource()["status"]["election"]["epoch"].clone();
    let before = epoch(&set);
    let replica = if master == ValkeySet::pod(1) { ValkeySet::pod(2) } else { ValkeySet::pod(1) };
    trial.fault(|| set.cluster().delete_by_force(Kind::Pod, &set.namespace, &replica));
    until("the pod is made anew", DEADLINE, || match set.get(Kind::Pod, &replica) {
        Some(pod) if pod["metadata"]["deletionTimestamp"].is_null() => Ok(()),
        _ => Err("it is not there".to_owned()),
    });
    set.settle(3);
    let took = trial.since_fault();
    let figures = trial.finish(3);
    assert_eq!((set.pointer(), epoch(&set)), (Some(master), before), "a failover");
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "{figures}");
    assert!(took < Duration::from_secs(60), "it is back after {took:?}");
    assert!(figures.gap < NO_GAP, "{figures}");
    figures
}

/// C10: a power cut, where every write is on the disk before it is answered.
pub fn all_killed(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C10");
    set.apply(&json!({ "replicas": 3, "config": { "appendfsync": "always" } }));
    set.settle(3);
    let mut trial = Trial::start(&set);
    let nodes = world.nodes();
    let pods: Vec<String> = (0..3).map(ValkeySet::pod).collect();
    let processes: Vec<u32> = pods.iter().map(|pod| nodes.process(&set.namespace, pod)).collect();
    trial.fault(|| processes.into_iter().for_each(|process| nodes.kill(process)));
    let figures = trial.finish(3);
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "every write was on a disk: {figures}");
    figures
}

/// C19: the record knows that the replica is away, so nobody waits for it.
pub fn after_a_long_absence(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C19");
    let master = set.settle(3);
    let nodes = world.nodes();
    let replica = if master == ValkeySet::pod(1) { ValkeySet::pod(2) } else { ValkeySet::pod(1) };
    let away = nodes.stop(nodes.process(&set.namespace, &replica));
    until("the record is without it", 2 * DEADLINE, || {
        let election = set.resource()["status"]["election"].clone();
        let members = election["inSync"].as_array().map_or(0, Vec::len);
        if members == 1 { Ok(()) } else { Err(election.to_string()) }
    });
    let mut trial = Trial::start(&set);
    let process = nodes.process(&set.namespace, &master);
    let next = trial.fault(|| {
        nodes.kill(process);
        set.moved(&master)
    });
    let took = trial.since_fault();
    assert_ne!(next, replica, "it was away");
    away.heal();
    let figures = trial.finish(3);
    figures.are_safe();
    assert!(took < DOWN_AFTER, "the absent one is not waited for: {took:?}");
    figures
}

/// C11: nobody is there to notice until the server runs again, without its data.
pub fn emptied(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C11");
    let mut trial = Trial::start(&set);
    let master = set.settle(3);
    let nodes = world.nodes();
    let process = nodes.process(&set.namespace, &master);
    let operators: Vec<Fault> = install::pods(&world.cluster)
        .iter()
        .map(|pod| nodes.stop(nodes.process(install::NAMESPACE, pod)))
        .collect();
    trial.fault(|| {
        let data = format!("/proc/{process}/root/data");
        for entry in fs::read_dir(&data).expect("the master's volume").flatten() {
            let path = entry.path();
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        nodes.kill(process);
    });
    until("the server runs again", DEADLINE, || {
        let pod = set.get(Kind::Pod, &master).ok_or("its pod is gone")?;
        let container = &pod["status"]["containerStatuses"][0];
        if container["restartCount"] == 1 && !container["state"]["running"].is_null() {
            return Ok(());
        }
        Err(container.to_string())
    });
    let size = set.ask(&master, &["DBSIZE"]).texts().concat();
    assert_eq!(size, "0", "it has data");
    drop(operators);
    let next = set.moved(&master);
    let figures = trial.finish(3);
    assert_eq!(set.pointer(), Some(next), "nobody moves back");
    figures.are_safe();
    figures
}
