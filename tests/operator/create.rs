//! A new cluster: everything is made, with few requests, and then nothing is asked any more.

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::{CHILDREN, OPTIONAL, REST, World, every_kind, find, with_operator};

#[tokio::test]
async fn a_cluster_is_made_with_few_requests_and_costs_none_afterwards() {
    with_operator("create", |world: World| async move {
        let cluster = world.shop(json!({})).await;
        // Counted from the first one, whenever it comes.
        let mut requests = Vec::new();
        for (kind, name) in CHILDREN {
            world.until("created", kind, name, |_| true).await;
        }
        let status = |cluster: &Value| cluster["status"]["observedGeneration"] == 1;
        world.until("status", "ValkeyCluster", "shop", status).await;
        sleep(REST).await;
        requests.extend(world.tap.take());
        let shown: Vec<String> =
            requests.iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
        assert!(requests.len() <= 12, "{} requests: {shown:#?}", requests.len());

        for (kind, name) in CHILDREN {
            let child = world.get(kind, name).await.unwrap();
            let owner = &child["metadata"]["ownerReferences"][0];
            assert_eq!(owner["uid"], cluster["metadata"]["uid"], "{kind} {name}");
            assert_eq!(owner["controller"], true, "{kind} {name}");
        }
        let secret = world.get("Secret", "shop-secret").await.unwrap();
        let keys: Vec<&String> = secret["data"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["operator-password", "password", "replication-password"]);
        let client = world.get("Service", "shop-client").await.unwrap();
        assert!(client["spec"]["selector"].is_null(), "the master pointer is not ours");

        let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
        let status = &cluster["status"];
        assert_eq!(status["selector"], "valkey.verilean.io/cluster=shop");
        assert_eq!(find(&cluster, "Ready").unwrap()["status"], "False");
        assert_eq!(find(&cluster, "Degraded").unwrap()["status"], "False");
        assert!(find(&cluster, "Stalled").is_none());

        world.tap.take();
        sleep(REST).await;
        assert_eq!(world.tap.take(), [], "a cluster at rest costs nothing");
    })
    .await;
}

#[tokio::test]
async fn an_operator_that_starts_over_a_finished_cluster_changes_nothing() {
    let world = World::new("restart").await;
    let made = async {
        world.shop(json!({})).await;
        world.created().await;
    };
    world.operated(made).await;
    let before = world.list("StatefulSet").await;
    world
        .operated(async {
            world.until("leads", "ConfigMap", "shop-config", |_| true).await;
            sleep(REST * 2).await;
            let seen = world.tap.take();
            let changes: Vec<_> = seen.iter().filter(|seen| seen.method != "GET").collect();
            assert_eq!(changes, Vec::<&crate::tap::Seen>::new());
            assert!(seen.len() <= 1, "the passwords are read once: {seen:#?}");
        })
        .await;
    assert_eq!(world.list("StatefulSet").await, before);
}

#[tokio::test]
async fn every_kind_is_made_when_it_is_asked_for_and_goes_when_it_is_not() {
    with_operator("kinds", |world: World| async move {
        world.shop(every_kind()).await;
        for (kind, name) in CHILDREN.into_iter().chain(OPTIONAL) {
            world.until("created", kind, name, |_| true).await;
        }
        // An empty spec by server-side apply would be no spec at all.
        world.shop(json!({ "replicas": 3 })).await;
        for (kind, name) in OPTIONAL {
            world.gone(kind, name).await;
        }
        world.created().await;
    })
    .await;
}
