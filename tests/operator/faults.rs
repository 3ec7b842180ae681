//! Every request fails in every way, one at a time: while a cluster is made, changed, pruned, rolled,
//! goes to Git and back, while its volumes grow and its passwords are restored. It comes to be whole all the same, and once.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::controllers::{beside, revision_of};
use crate::git::{KEPT_BY_ARGO_CD, managers, sync};
use crate::server::Apply;
use crate::tap::{Fault, RETRY_AFTER_S, Seen};
use crate::whole::is_live;
use crate::world::{CHILDREN, DEADLINE, World};

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

/// Takes the passwords away from under pods that run, until each request to restore them has been
/// spoilt.
async fn restoring_survives(world: &World, fault: Fault) {
    let story = async {
        let cluster = world.shop(json!({ "replicas": 3 })).await;
        world.settled(&cluster).await;
        world.rest().await;
        let data = async || world.get("Secret", "shop-secret").await.unwrap()["data"].clone();
        let made = data().await;
        for number in 0.. {
            assert!(number < TOO_MANY, "it never comes to rest");
            let count = spoil(world, number, fault);
            world.delete("Secret", "shop-secret").await;
            let what = format!("restored at request {number}");
            world.until(&what, "Secret", "shop-secret", |secret| secret["data"] == made).await;
            world.rest().await;
            assert_eq!(data().await, made, "{what}");
            if count.load(Ordering::Relaxed) <= number {
                return;
            }
        }
    };
    world.operated(beside(world, story)).await;
}

/// Has a cluster go to Git and come back until each request for that has been spoilt.
async fn going_to_git_survives(name: &str, fault: Fault) {
    let world = World::new(name).await;
    let owned =
        |object: &Value| object["metadata"]["ownerReferences"][0]["kind"] == "ValkeyCluster";
    let story = async {
        world.shop(json!({ "management": "Operator" })).await;
        world.created().await;
        for number in 0.. {
            assert!(number < TOO_MANY, "it never comes to rest");
            let count = spoil(&world, number, fault);
            world.shop(json!({ "management": "GitOps" })).await;
            sync(&world, &[KEPT_BY_ARGO_CD]).await;
            let what = format!("request {number}");
            for (kind, name) in CHILDREN {
                let object = world.until(&what, kind, name, |object| !owned(object)).await;
                assert!(!managers(&object).contains(&"gungnir"), "{what}: {kind} {name}");
            }
            world.shop(json!({ "management": "Operator" })).await;
            for (kind, name) in CHILDREN {
                world.until(&what, kind, name, owned).await;
            }
            world.rest().await;
            if count.load(Ordering::Relaxed) <= number {
                return;
            }
        }
    };
    world.operated(story).await;
}

#[tokio::test]
async fn on_the_way_to_git_and_back_refused_as_stale() {
    going_to_git_survives("git-409", Fault::Refused(409)).await;
}

#[tokio::test]
async fn on_the_way_to_git_and_back_done_and_refused_all_the_same() {
    going_to_git_survives("git-done-500", Fault::DoneThenRefused(500)).await;
}

/// Who is refused for being one of too many comes again when it was told to: its waits do not grow.
#[tokio::test]
async fn who_is_told_when_to_come_again_does() {
    const REFUSED: usize = 5;
    let world = World::new("retry-after").await;
    let refused = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&refused);
    world.tap.spoil(move |seen: &Seen| {
        let asks = seen.method == "PATCH" && seen.path.ends_with("/statefulsets/shop");
        let mut noted = noted.lock().unwrap();
        if asks {
            noted.push(Instant::now());
        }
        (asks && noted.len() <= REFUSED).then_some(Fault::Refused(429))
    });
    world
        .operated(async {
            world.shop(json!({})).await;
            world.created().await;
        })
        .await;
    let times = refused.lock().unwrap().clone();
    assert_eq!(times.len(), REFUSED + 1);
    // Its own report of the first may have it look again at once.
    let waited = times[REFUSED] - times[REFUSED - 1];
    assert!(waited >= Duration::from_secs(RETRY_AFTER_S), "{waited:?}");
    assert!(
        waited < Duration::from_secs(RETRY_AFTER_S + 4),
        "growing, it would be 8 s: {waited:?}"
    );
}

/// The cluster is deleted while a request of its making is under way, for each of them: none follows.
#[tokio::test]
async fn a_cluster_that_is_deleted_half_way_is_not_made_on() {
    let world = World::new("half-way").await;
    let story = async {
        for number in 0.. {
            assert!(number < TOO_MANY, "it never comes to rest");
            let count = spoil(&world, number, Fault::Held);
            world.shop(json!({})).await;
            let held = async {
                while count.load(Ordering::Relaxed) <= number {
                    sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::select! {
                () = held => {}
                // There are no more requests.
                () = world.created() => return,
            }
            world.delete("ValkeyCluster", "shop").await;
            let start = Instant::now();
            while world.known().is_some() {
                assert!(start.elapsed() < DEADLINE, "request {number}: it is still known");
                sleep(Duration::from_millis(20)).await;
            }
            world.tap.take();
            world.tap.open();
            sleep(Duration::from_millis(500)).await;
            let seen = world.tap.take();
            let changes: Vec<&Seen> = seen.iter().filter(|seen| seen.method != "GET").collect();
            assert_eq!(changes, Vec::<&Seen>::new(), "after request {number}");
            for (kind, name) in CHILDREN {
                if world.get(kind, name).await.is_some() {
                    world.delete(kind, name).await;
                }
            }
        }
    };
    world.operated(story).await;
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
    let restore = World::new(&format!("{name}-restore")).await;
    let restored = restoring_survives(&restore, fault);
    let made = format!("{name}-make");
    // On the heap: together they are more than a test's stack.
    let all: [Pin<Box<dyn Future<Output = ()>>>; 5] = [
        Box::pin(making_survives(&made, fault)),
        Box::pin(pruned),
        Box::pin(rolled),
        Box::pin(grown),
        Box::pin(restored),
    ];
    join_all(all).await;
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
