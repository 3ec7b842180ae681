//! Every request fails in every way, one at a time: while a cluster is made, changed, pruned, rolled
//! and while its volumes grow. It comes to be whole all the same, and once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::controllers::{beside, revision_of};
use crate::server::Apply;
use crate::tap::{Fault, Seen};
use crate::whole::is_live;
use crate::world::{CHILDREN, World};

/// Nothing here asks for so many.
const TOO_MANY: usize = 60;

/// Has the request of this number spoilt, counted from now; how many there were so far.
fn spoil(world: &World, number: usize, fault: Fault) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    world.tap.spoil(move |seen: &Seen| {
        let beside = seen.watches() || seen.is_lease() || seen.discovers();
        let counts = !beside && !seen.path.ends_with("/events");
        (counts && counted.fetch_add(1, Ordering::Relaxed) == number).then_some(fault)
    });
    count
}

/// Makes a cluster, over and over, until each request for it has been spoilt.
async fn making_survives(name: &str, fault: Fault) {
    let world = World::new(name).await;
    for number in 0.. {
        assert!(number < TOO_MANY, "it never comes to rest");
        let count = spoil(&world, number, fault);
        world
            .operated(async {
                world.shop(json!({})).await;
                world.created().await;
                let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
                for (kind, name) in CHILDREN {
                    let child = world.get(kind, name).await.unwrap();
                    let owner = &child["metadata"]["ownerReferences"][0]["uid"];
                    assert_eq!(*owner, cluster["metadata"]["uid"], "request {number}: {kind}");
                }
            })
            .await;
        world.delete("ValkeyCluster", "shop").await;
        world.gone("ValkeyCluster", "shop").await;
        for (kind, name) in CHILDREN {
            world.delete(kind, name).await;
        }
        if count.load(Ordering::Relaxed) <= number {
            return;
        }
    }
}

/// Changes a cluster to one spec after the other until each request of a change has been spoilt.
async fn changing_survives(world: &World, fault: Fault, spec: impl Fn(usize) -> Value) {
    let story = async {
        let mut live = Vec::new();
        for change in 0.. {
            assert!(change < TOO_MANY, "it never comes to rest");
            let spoilt = change.checked_sub(1);
            let count = spoil(world, spoilt.unwrap_or(usize::MAX), fault);
            let cluster = world.cluster("shop", spec(change)).await;
            let what = format!("change {change}");
            live = is_live(world, &what, &cluster, &live).await;
            let set = world.get("StatefulSet", "shop").await.unwrap();
            let revision = revision_of(&set);
            for ordinal in 0..3 {
                let name = format!("shop-{ordinal}");
                world
                    .until(&what, "Pod", &name, |pod| {
                        pod["metadata"]["labels"]["controller-revision-hash"] == revision
                    })
                    .await;
            }
            world.settled(&cluster).await;
            if spoilt.is_some_and(|number| count.load(Ordering::Relaxed) <= number) {
                return;
            }
        }
    };
    world.operated(beside(world, story)).await;
}

async fn all_survive(name: &str, fault: Fault) {
    let prune = World::new(&format!("{name}-prune")).await;
    let pruned = changing_survives(&prune, fault, |change| match change % 2 {
        0 => json!({ "replicas": 3, "labels": { "turn": "even" } }),
        _ => json!({
            "replicas": 3,
            "labels": { "turn": "odd" },
            "podDisruptionBudget": { "enabled": false },
            "networkPolicy": { "enabled": true },
        }),
    });
    let roll = World::new(&format!("{name}-roll")).await;
    let rolled = changing_survives(
        &roll,
        fault,
        |change| json!({ "replicas": 3, "podLabels": { "turn": format!("t{change}") } }),
    );
    let grow = World::new(&format!("{name}-grow")).await;
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": grow.namespace }, "provisioner": "example.com/x",
        "allowVolumeExpansion": true,
    });
    grow.server.apply("people", &class, Apply::default()).await.unwrap();
    let grown = changing_survives(&grow, fault, |change| {
        let storage = json!({ "storageSize": format!("{}Gi", change + 1), "storageClassName": grow.namespace });
        json!({ "replicas": 3, "persistence": storage })
    });
    let made = format!("{name}-make");
    tokio::join!(making_survives(&made, fault), pruned, rolled, grown);
}

#[tokio::test]
async fn refused_as_stale() {
    all_survive("fault-409", Fault::Refused(409)).await;
}

#[tokio::test]
async fn refused_as_gone() {
    all_survive("fault-410", Fault::Refused(410)).await;
}

#[tokio::test]
async fn refused_as_invalid() {
    all_survive("fault-422", Fault::Refused(422)).await;
}

#[tokio::test]
async fn refused_for_being_too_many() {
    all_survive("fault-429", Fault::Refused(429)).await;
}

#[tokio::test]
async fn refused_by_a_broken_server() {
    all_survive("fault-500", Fault::Refused(500)).await;
}

#[tokio::test]
async fn done_and_refused_all_the_same() {
    all_survive("fault-done-500", Fault::DoneThenRefused(500)).await;
}

#[tokio::test]
async fn done_and_never_answered() {
    all_survive("fault-silent", Fault::DoneThenSilent).await;
}

#[tokio::test]
async fn connection_broken() {
    all_survive("fault-broken", Fault::Broken).await;
}
