//! What people change.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::Kind;
use crate::figures::Figures;
use crate::set::{NAME, ValkeySet, World};
use crate::trial::Trial;
use crate::wait::{DEADLINE, until};

/// C8.
pub fn in_a_failover(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C8");
    let master = set.settle(3);
    let process = world.nodes().process(&set.namespace, &master);
    let mut trial = Trial::start(&set);
    trial.fault(|| {
        world.nodes().kill(process);
        set.apply(&json!({ "replicas": 4 }));
    });
    set.moved(&master);
    set.apply(&json!({ "replicas": 5 }));
    let figures = trial.finish(5);
    figures.are_safe();
    figures
}

/// C14, there and back.
pub fn switchover(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C14");
    let first = set.settle(3);
    let mut trial = Trial::start(&set);
    trial.fault(|| {
        for target in [ValkeySet::pod(2), first] {
            set.annotate("valkey.verilean.io/switchover-to", &target);
            until("clients are sent to whom people want", DEADLINE, || match set.pointer() {
                Some(pod) if pod == target => Ok(()),
                other => Err(format!("they are sent to {other:?}; {}", set.told())),
            });
            assert_eq!(set.settle(3), target);
        }
    });
    let figures = trial.finish(3);
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "a handover loses nothing: {figures}");
    assert!(figures.gap < Duration::from_secs(3), "{figures}");
    figures
}

/// C15.
pub fn hand_edits(world: &World) {
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
    for (number, (kind, name, change)) in edits.into_iter().enumerate() {
        let before = set.get(kind, name).expect("a child");
        let manager = format!("somebody-{number}");
        set.cluster().edit(&manager, kind, &set.namespace, name, &change);
        until(&format!("{kind:?} {name} is repaired"), DEADLINE, || {
            let after = set.get(kind, name).ok_or("it is gone")?;
            same(&before, &after, &change)
        });
        until(&format!("an event names who edited {kind:?} {name}"), DEADLINE, || {
            let events = set.cluster().list(Kind::Event, &set.namespace);
            let notes = events.iter().filter(|event| event["reason"] == "Drifted");
            let notes: Vec<String> = notes.map(|event| event["note"].to_string()).collect();
            let names = |note: &String| note.contains(&manager) && note.contains(name);
            if notes.iter().any(names) { Ok(()) } else { Err(notes.join("; ")) }
        });
    }
    set.settle(3);
}

/// Whether an object is in every place of the change as it was.
fn same(before: &Value, after: &Value, change: &Value) -> Result<(), String> {
    let Some(fields) = change.as_object() else {
        return if before == after { Ok(()) } else { Err(format!("{after}, not {before}")) };
    };
    fields.iter().try_for_each(|(field, change)| same(&before[field], &after[field], change))
}
