//! What people change.

use std::time::Duration;

use serde_json::{Value, json};

use crate::audit::Audit;
use crate::cluster::{Kind, kubectl};
use crate::command_line;
use crate::create_and_scale::NO_GAP;
use crate::figures::Figures;
use crate::run::Finished;
use crate::set::{NAME, ValkeySet, World};
use crate::took::Took;
use crate::trial::Trial;
use crate::wait::{DEADLINE, until};

/// C8: more pods, then still more, and all with more memory.
pub fn in_a_failover(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C8");
    let master = set.settle(3);
    let process = world.nodes().process(&set.namespace, &master);
    let audit = Audit::start().expect("an audit log");
    let mut trial = Trial::start(&set);
    trial.fault(|| {
        world.nodes().kill(process);
        set.apply(&json!({ "replicas": 4 }));
    });
    set.moved(&master);
    let memory = json!({ "memory": "300Mi" });
    set.apply(&json!({ "replicas": 5, "resources": { "requests": memory, "limits": memory } }));
    until("every pod has the memory", 2 * DEADLINE, || {
        let limit = |ordinal| {
            let pod = set.get(Kind::Pod, &ValkeySet::pod(ordinal))?;
            Some(pod["spec"]["containers"][0]["resources"]["limits"].clone())
        };
        let limits: Vec<Option<Value>> = (0..5).map(limit).collect();
        let all = limits.iter().all(|limit| limit.as_ref() == Some(&memory));
        if all { Ok(()) } else { Err(format!("{limits:?}; {}", set.told())) }
    });
    let figures = trial.finish(5);
    figures.are_safe();
    assert_eq!(
        audit.conflicts_left(),
        Vec::<String>::new(),
        "what was refused as outdated was given up"
    );
    figures
}

/// C14: by the annotation, by the command line, and by that as kubectl's plugin.
pub fn switchover(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C14");
    let first = set.settle(3);
    let others: Vec<String> = (0..3).map(ValkeySet::pod).filter(|pod| *pod != first).collect();
    let within = ["-n", &set.namespace];
    let mut trial = Trial::start(&set);
    trial.fault(|| {
        let wish = format!("valkey.verilean.io/switchover-to={}", others[1]);
        let said = kubectl(&[&["annotate", "vk", NAME, &wish][..], &within].concat());
        until("clients are sent to whom people want", DEADLINE, || {
            set.is_led_by(&others[1]).map_err(|why| format!("{why}; {said}; {}", set.told()))
        });
        assert_eq!(set.settle(3), others[1]);
        let hand_over = |way: fn(&[&str]) -> Finished, target: &String| {
            let words = [&["switchover", NAME, "--to", target][..], &within].concat();
            assert_eq!(way(&words).printed(), format!("{target}\n"));
            // When it says so, clients are sent there.
            assert_eq!(set.is_led_by(target), Ok(()));
            assert_eq!(set.settle(3), *target);
        };
        hand_over(command_line::gungnir, &first);
        hand_over(command_line::plugin, &others[0]);
    });
    let figures = trial.finish(3);
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "a handover loses nothing: {figures}");
    figures.is_handed_over();
    figures
}

/// C13: replicas first, the old master last.
pub fn rolled(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C13");
    let master = set.settle(3);
    let uid = |pod: &str| set.get(Kind::Pod, pod).map(|pod| pod["metadata"]["uid"].clone());
    let pods: Vec<String> = (0..3).map(ValkeySet::pod).collect();
    let before: Vec<Option<Value>> = pods.iter().map(|pod| uid(pod)).collect();
    let mut trial = Trial::start(&set);
    trial.fault(|| {
        set.apply(&json!({ "replicas": 3, "podLabels": { "example.com/turn": "second" } }));
        set.moved(&master);
        let own = pods.iter().position(|pod| *pod == master).expect("a pod of the set");
        let replicas = pods.iter().zip(&before).filter(|(pod, _)| **pod != master);
        for (pod, before) in replicas {
            assert_ne!(uid(pod), *before, "{pod} is restarted before the master hands over");
        }
        until("the old master is restarted, too", DEADLINE, || match uid(&master) {
            Some(now) if Some(&now) != before[own].as_ref() => Ok(()),
            other => Err(format!("{other:?}")),
        });
    });
    let figures = trial.finish(3);
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "a roll loses nothing: {figures}");
    figures.is_handed_over();
    figures
}

/// C13, where every server can take it over: none restarts.
pub fn reloaded(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C13-reload");
    let pods: Vec<String> = (0..3).map(ValkeySet::pod).collect();
    let containers = || -> Vec<Value> {
        let container = |pod: &String| set.get(Kind::Pod, pod).expect("a pod")["status"].clone();
        pods.iter()
            .map(|pod| container(pod)["containerStatuses"][0]["containerID"].clone())
            .collect()
    };
    let before = containers();
    let mut trial = Trial::start(&set);
    trial.fault(|| {
        set.apply(&json!({ "replicas": 3, "config": { "maxclients": "4321" } }));
        until("every server takes it over", DEADLINE, || {
            let info = |pod: &String| set.ask(pod, &["INFO", "clients"]).texts().concat();
            let other = pods.iter().find(|pod| !info(pod).contains("maxclients:4321"));
            other.map_or(Ok(()), |pod| Err(format!("{pod} does not")))
        });
    });
    let figures = trial.finish(3);
    figures.are_safe();
    assert_eq!(containers(), before, "none is restarted");
    assert_eq!(set.amiss(), Vec::<String>::new());
    assert_eq!(figures.plain_lost, 0, "{figures}");
    assert!(figures.gap < NO_GAP, "{figures}");
    figures
}

/// C21: the record is gone, or an hour old.
pub fn record_restored(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C21");
    let first = set.settle(3);
    let copy = set.resource()["status"]["election"].clone();
    let target = if first == ValkeySet::pod(1) { ValkeySet::pod(2) } else { ValkeySet::pod(1) };
    set.annotate("valkey.verilean.io/switchover-to", &target);
    assert_eq!(set.moved(&first), target);
    set.settle(3);
    let mut trial = Trial::start(&set);
    trial.fault(|| {
        for election in [Value::Null, copy] {
            set.write_election(&election);
            until("the record is of who leads", DEADLINE, || {
                let now = set.resource()["status"]["election"].clone();
                let leads = now["master"]["pod"] == target && now["phase"] == "Stable";
                if leads && now != election { Ok(()) } else { Err(now.to_string()) }
            });
            assert_eq!(set.settle(3), target, "whoever leads goes on");
        }
    });
    let figures = trial.finish(3);
    figures.are_safe();
    assert_eq!(set.pointer(), Some(target), "nobody is elected from an old record");
    assert_eq!(figures.plain_lost, 0, "{figures}");
    figures
}

/// C22: while pods run, their passwords are put back.
pub fn secret_deleted(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C22");
    let master = set.settle(3);
    let before = set.get(Kind::Secret, "shop-secret").expect("a Secret")["data"].clone();
    let mut trial = Trial::start(&set);
    trial.fault(|| {
        set.cluster().delete(Kind::Secret, &set.namespace, "shop-secret");
        until("the passwords are put back", DEADLINE, || {
            let now = set.get(Kind::Secret, "shop-secret").ok_or("it is not there")?;
            if now["data"] == before { Ok(()) } else { Err("it has others".to_owned()) }
        });
    });
    let figures = trial.finish(3);
    figures.are_safe();
    assert_eq!(set.pointer(), Some(master), "no failover");
    assert_eq!(figures.plain_lost, 0, "{figures}");
    figures
}

/// C15.
pub fn hand_edits(world: &World) -> Took {
    let set = ValkeySet::usual(world, "C15");
    let edits = [
        (Kind::Service, "shop-client", json!({ "spec": { "type": "NodePort" } })),
        (
            Kind::Service,
            "shop-headless",
            json!({ "metadata": { "labels": {
            "app.kubernetes.io/name": "other" } } }),
        ),
        (
            Kind::Service,
            "shop-replicas",
            json!({ "spec": { "selector": {
            "valkey.verilean.io/role": "master" } } }),
        ),
        (Kind::ConfigMap, "shop-config", json!({ "data": { "valkey.conf": "port 1\n" } })),
        (
            Kind::Secret,
            "shop-secret",
            json!({ "metadata": { "labels": {
            "valkey.verilean.io/cluster": "other" } } }),
        ),
        (Kind::StatefulSet, NAME, json!({ "spec": { "replicas": 4 } })),
        (Kind::PodDisruptionBudget, "shop-pdb", json!({ "spec": { "maxUnavailable": 3 } })),
    ];
    let mut longest = Took { what: "each repaired", time: Duration::ZERO, api_writes: None };
    let audit = Audit::start();
    for (number, (kind, name, change)) in edits.into_iter().enumerate() {
        let before = set.get(kind, name).expect("a child");
        let manager = format!("somebody-{number}");
        set.cluster().edit(&manager, kind, &set.namespace, name, &change);
        let (took, ()) = Took::until("repaired", || {
            until(&format!("{kind:?} {name} is repaired"), DEADLINE, || {
                let after = set.get(kind, name).ok_or("it is gone")?;
                same(&before, &after, &change)
            });
        });
        longest.time = longest.time.max(took.time);
        until(&format!("an event names who edited {kind:?} {name}"), DEADLINE, || {
            let events = set.cluster().list(Kind::Event, &set.namespace);
            let notes = events.iter().filter(|event| event["reason"] == "Drifted");
            let notes: Vec<String> = notes.map(|event| event["note"].to_string()).collect();
            let names = |note: &String| note.contains(&manager) && note.contains(name);
            if notes.iter().any(names) { Ok(()) } else { Err(notes.join("; ")) }
        });
    }
    set.settle(3);
    Took { api_writes: audit.map(|audit| audit.writes()), ..longest }
}

/// Whether an object is in every place of the change as it was.
fn same(before: &Value, after: &Value, change: &Value) -> Result<(), String> {
    let Some(fields) = change.as_object() else {
        return if before == after { Ok(()) } else { Err(format!("{after}, not {before}")) };
    };
    fields.iter().try_for_each(|(field, change)| same(&before[field], &after[field], change))
}
