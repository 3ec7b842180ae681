//! Sets that are made, grow, shrink and go.

use std::time::Duration;

use serde_json::json;

use crate::cluster::{Kind, kubectl};
use crate::figures::Figures;
use crate::set::{NAME, ValkeySet, World};
use crate::took::Took;
use crate::trial::Trial;
use crate::wait::{DEADLINE, until};

/// A gap that a client sees without any fault: the machine is busy.
pub const NO_GAP: Duration = Duration::from_secs(3);

/// What a cluster of defaults is made of.
const CHILDREN: [(Kind, &str); 7] = [
    (Kind::Service, "shop-headless"),
    (Kind::Service, "shop-client"),
    (Kind::Service, "shop-replicas"),
    (Kind::ConfigMap, "shop-config"),
    (Kind::Secret, "shop-secret"),
    (Kind::StatefulSet, "shop"),
    (Kind::PodDisruptionBudget, "shop-pdb"),
];

/// E1.
pub fn create(world: &World) -> Took {
    let set = ValkeySet::none(world, "E1");
    let wait = ["wait", "--for=condition=Ready", "vk", NAME, "--timeout=120s"];
    let (took, ready) = Took::until("Ready", || {
        set.apply(&json!({ "replicas": 3 }));
        kubectl(&[&wait[..], &["-n", &set.namespace]].concat())
    });
    assert!(ready.contains("condition met"), "{ready}; {}", set.told());
    set.settle(3);
    for (kind, name) in CHILDREN {
        assert!(set.get(kind, name).is_some(), "there is no {kind:?} {name}");
    }
    assert_eq!(set.pointer().as_deref(), Some("shop-0"));
    // What the columns show comes from status.
    let shown = kubectl(&["get", "vk", NAME, "-n", &set.namespace, "-o", "wide"]);
    assert!(shown.contains("Running") && shown.contains("shop-0"), "{shown}");
    assert_eq!(set.amiss(), Vec::<String>::new(), "a new cluster finds nothing amiss");
    took
}

/// E6.
pub fn delete(world: &World) -> Took {
    let sets = [("Delete", 0), ("Retain", 3)].map(|(policy, volumes)| {
        let set = ValkeySet::none(world, &format!("E6-{policy}"));
        set.apply(&json!({ "replicas": 3, "persistence": { "reclaimPolicy": policy } }));
        (set, volumes)
    });
    for (set, _) in &sets {
        set.settle(3);
    }
    let (took, ()) = Took::until("all of two clusters gone", || {
        for (set, _) in &sets {
            set.cluster().delete(Kind::ValkeyCluster, &set.namespace, NAME);
        }
        for (set, _) in &sets {
            wait_until_gone(set);
        }
    });
    for (set, volumes) in &sets {
        until("the volumes are as the policy says", DEADLINE, || {
            let found = set.cluster().list(Kind::PersistentVolumeClaim, &set.namespace).len();
            if found == *volumes { Ok(()) } else { Err(format!("{found}, not {volumes}")) }
        });
    }
    took
}

/// Waits until no child is left.
fn wait_until_gone(set: &ValkeySet<'_>) {
    until("every child is gone", DEADLINE, || {
        let there = CHILDREN.iter().find(|(kind, name)| set.get(*kind, name).is_some());
        if let Some((kind, name)) = there {
            return Err(format!("{kind:?} {name} is there"));
        }
        match set.cluster().list(Kind::Pod, &set.namespace).len() {
            0 => Ok(()),
            pods => Err(format!("{pods} pods are there")),
        }
    });
}

/// E2.
pub fn grow(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "E2");
    let master = set.pointer();
    let mut trial = Trial::start(&set);
    trial.fault(|| set.apply(&json!({ "replicas": 5 })));
    set.settle(5);
    let figures = trial.finish(5);
    assert_eq!(set.pointer(), master, "the master is another");
    figures.are_safe();
    assert!(figures.gap < NO_GAP, "{figures}");
    figures
}

/// E3.
pub fn shrink(world: &World) -> Figures {
    let set = ValkeySet::none(world, "E3");
    set.apply(&json!({ "replicas": 5 }));
    set.settle(5);
    let last = ValkeySet::pod(4);
    set.annotate("valkey.verilean.io/switchover-to", &last);
    until("the last pod leads", DEADLINE, || match set.settle(5) {
        pod if pod == last => Ok(()),
        other => Err(format!("{other} does")),
    });
    let mut trial = Trial::start(&set);
    trial.fault(|| set.apply(&json!({ "replicas": 3 })));
    set.moved(&last);
    let figures = trial.finish(3);
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "a handover loses nothing: {figures}");
    figures.is_handed_over();
    for ordinal in 0..5 {
        let name = format!("data-{NAME}-{ordinal}");
        assert!(set.get(Kind::PersistentVolumeClaim, &name).is_some(), "{name} is kept");
    }
    figures
}

/// E7, and one of the volumes is lost meanwhile: pod 0 comes back empty, and must not lead.
pub fn again(world: &World) -> Took {
    const KEYS: usize = 1000;
    let set = ValkeySet::usual(world, "E7");
    let master = set.settle(3);
    for key in 0..KEYS {
        set.ask(&master, &["SET", &format!("key:{key}"), "kept"]);
    }
    until("the replicas have it", DEADLINE, || {
        let sizes: Vec<_> = (0..3).map(|pod| set.ask(&ValkeySet::pod(pod), &["DBSIZE"])).collect();
        let texts = sizes.iter().map(|size| size.texts().concat()).collect::<Vec<_>>();
        if texts.iter().all(|text| *text == KEYS.to_string()) {
            Ok(())
        } else {
            Err(texts.concat())
        }
    });
    set.cluster().delete(Kind::ValkeyCluster, &set.namespace, NAME);
    wait_until_gone(&set);
    let lost = format!("data-{NAME}-0");
    set.cluster().delete(Kind::PersistentVolumeClaim, &set.namespace, &lost);
    until("a volume is lost", DEADLINE, || match set.get(Kind::PersistentVolumeClaim, &lost) {
        None => Ok(()),
        Some(_) => Err(format!("{lost} is there")),
    });
    let (took, leader) = Took::until("whole again", || {
        set.apply(&json!({ "replicas": 3 }));
        set.settle(3)
    });
    assert_ne!(leader, ValkeySet::pod(0), "an empty pod leads");
    for ordinal in 0..3 {
        let size = set.ask(&ValkeySet::pod(ordinal), &["DBSIZE"]).texts().concat();
        assert_eq!(size, KEYS.to_string(), "pod {ordinal}");
    }
    took
}
