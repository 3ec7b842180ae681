//! Every request of a reconcile fails in every way, one at a time; the cluster comes to be whole all
//! the same, and once.

use serde_json::json;

use crate::tap::{Fault, Seen};
use crate::world::{CHILDREN, World};

/// How many requests the operator needs for a new cluster, and some.
const REQUESTS: usize = 11;

async fn survives(name: &str, fault: Fault) {
    let world = World::new(name).await;
    for spoilt in 0..REQUESTS {
        let mut count = 0;
        world.tap.spoil(move |seen: &Seen| {
            if seen.watches() || seen.is_lease() || seen.discovers() {
                return None;
            }
            count += 1;
            (count == spoilt + 1).then_some(fault)
        });
        world
            .operated(async {
                world.shop(json!({})).await;
                world.created().await;
                let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
                for (kind, name) in CHILDREN {
                    let child = world.get(kind, name).await.unwrap();
                    let owner = &child["metadata"]["ownerReferences"][0]["uid"];
                    assert_eq!(*owner, cluster["metadata"]["uid"], "request {spoilt}: {kind}");
                }
                world.delete("ValkeyCluster", "shop").await;
                world.gone("ValkeyCluster", "shop").await;
                for (kind, name) in CHILDREN {
                    world.delete(kind, name).await;
                }
            })
            .await;
    }
}

#[tokio::test]
async fn refused_as_stale() {
    survives("fault-409", Fault::Refused(409)).await;
}

#[tokio::test]
async fn refused_as_gone() {
    survives("fault-410", Fault::Refused(410)).await;
}

#[tokio::test]
async fn refused_as_invalid() {
    survives("fault-422", Fault::Refused(422)).await;
}

#[tokio::test]
async fn refused_for_being_too_many() {
    survives("fault-429", Fault::Refused(429)).await;
}

#[tokio::test]
async fn refused_by_a_broken_server() {
    survives("fault-500", Fault::Refused(500)).await;
}

#[tokio::test]
async fn done_and_refused_all_the_same() {
    survives("fault-done-500", Fault::DoneThenRefused(500)).await;
}

#[tokio::test]
async fn done_and_never_answered() {
    survives("fault-silent", Fault::DoneThenSilent).await;
}

#[tokio::test]
async fn connection_broken() {
    survives("fault-broken", Fault::Broken).await;
}
