//! Changes of the spec, pauses, and the end of a cluster.

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::tap::Seen;
use crate::world::{CHILDREN, REST, World, find, with_operator};

#[tokio::test]
async fn a_change_of_the_spec_reaches_only_what_it_changes() {
    with_operator("change", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        world.shop(json!({ "replicas": 5 })).await;
        world.until("scaled", "StatefulSet", "shop", |set| set["spec"]["replicas"] == 5).await;
        world
            .until("reported", "ValkeyCluster", "shop", |cluster| {
                cluster["status"]["observedGeneration"] == 2
            })
            .await;
        let seen = world.tap.take();
        let changed: Vec<&str> = seen
            .iter()
            .filter_map(|seen| seen.path.rsplit_once('/'))
            .map(|(_, name)| name)
            .collect();
        // Five pods have two write replicas: another configuration, and another budget.
        let allowed = ["shop", "shop-config", "shop-pdb", "status"];
        assert!(changed.iter().all(|name| allowed.contains(name)), "{changed:?}");
        world.rest().await;
    })
    .await;
}

#[tokio::test]
async fn a_paused_cluster_is_left_alone_until_it_goes_on() {
    with_operator("paused", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        let pause = |value: Value| json!({ "metadata": { "annotations": { "valkey.verilean.io/reconcile": value } } });
        world.edit("people", "ValkeyCluster", "shop", pause(json!("paused"))).await;
        world.condition("Paused", "True").await;
        world.edit("kubectl-edit", "StatefulSet", "shop", json!({ "spec": { "replicas": 1 } })).await;
        world.shop(json!({ "replicas": 5 })).await;
        sleep(REST).await;
        let set = world.get("StatefulSet", "shop").await.unwrap();
        assert_eq!(set["spec"]["replicas"], 1);
        world.edit("people", "ValkeyCluster", "shop", pause(Value::Null)).await;
        world.until("goes on", "StatefulSet", "shop", |set| set["spec"]["replicas"] == 5).await;
        let cluster = world
            .until("not paused", "ValkeyCluster", "shop", |cluster| {
                find(cluster, "Paused").is_none()
            })
            .await;
        let kept = &cluster["metadata"]["annotations"];
        assert!(kept.get("valkey.verilean.io/reconcile").is_none());
    })
    .await;
}

#[tokio::test]
async fn an_operator_that_is_paused_for_all_watches_and_changes_nothing() {
    let world = World::new("paused-all").await;
    let watched = async {
        world.shop(json!({})).await;
        let message = world.condition("Paused", "True").await;
        assert!(message.contains("`--pause-all`"), "{message}");
        sleep(REST).await;
        let is_change = |seen: &&Seen| seen.method != "GET" && !seen.path.ends_with("/events");
        let seen = world.tap.take();
        let changes: Vec<&str> = seen.iter().filter(is_change).map(|it| it.path.as_str()).collect();
        assert!(changes.iter().all(|path| path.ends_with("/shop/status")), "{changes:?}");
        assert!(world.facts().paused, "nor does the election act");
    };
    world.operated_with(|options| options.pause_all = true, watched).await;
    let goes_on = async {
        world.created().await;
        assert!(!world.facts().paused);
    };
    world.operated(goes_on).await;
}

#[tokio::test]
async fn who_is_fenced_is_told_to_the_election_until_that_is_taken_back() {
    with_operator("fenced", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        for pod in [Some("shop-1"), None] {
            let fence =
                json!({ "metadata": { "annotations": { "valkey.verilean.io/fence": pod } } });
            world.edit("people", "ValkeyCluster", "shop", fence).await;
            let start = std::time::Instant::now();
            while world.facts().fence.as_deref() != pod {
                assert!(start.elapsed() < crate::world::DEADLINE, "{:?}", world.facts());
                sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_cluster_that_is_being_deleted_is_not_filled_up_again() {
    with_operator("deletion", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        let hold = json!({ "metadata": { "finalizers": ["example.com/hold"] } });
        world.edit("people", "ValkeyCluster", "shop", hold).await;
        world.delete("ValkeyCluster", "shop").await;
        // As the garbage collector does.
        for (kind, name) in CHILDREN {
            world.delete(kind, name).await;
        }
        sleep(REST).await;
        for (kind, name) in CHILDREN {
            assert!(world.get(kind, name).await.is_none(), "{kind} {name}");
        }
        let free = json!({ "metadata": { "finalizers": null } });
        world.edit("people", "ValkeyCluster", "shop", free).await;
        world.gone("ValkeyCluster", "shop").await;
        world.shop(json!({})).await;
        world.created().await;
    })
    .await;
}

#[tokio::test]
async fn leftovers_of_an_earlier_cluster_are_waited_for_and_orphans_taken_in() {
    with_operator("leftover", |world: World| async move {
        let first = world.shop(json!({})).await;
        world.created().await;
        world.delete("ValkeyCluster", "shop").await;
        world.gone("ValkeyCluster", "shop").await;
        let config = world.get("ConfigMap", "shop-config").await.unwrap();
        // One was orphaned; the garbage collector is about to take the others.
        let orphan = json!({ "metadata": { "ownerReferences": null } });
        world.edit("garbage-collector", "StatefulSet", "shop", orphan).await;
        let second = world.shop(json!({})).await;
        assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
        let owned = |object: &Value| {
            object["metadata"]["ownerReferences"][0]["uid"] == second["metadata"]["uid"]
        };
        world.until("taken in", "StatefulSet", "shop", owned).await;
        sleep(REST).await;
        assert_eq!(world.get("ConfigMap", "shop-config").await.unwrap(), config);
        for (kind, name) in CHILDREN {
            if kind != "StatefulSet" {
                world.delete(kind, name).await;
                world.until("made anew", kind, name, owned).await;
            }
        }
        world.created().await;
    })
    .await;
}

#[tokio::test]
async fn a_spec_at_fault_stops_changes_and_not_the_watch_over_what_runs() {
    let world = World::new("at-fault").await;
    let made = async {
        world.shop(json!({ "replicas": 3, "port": 6400 })).await;
        world.created().await;
    };
    world.operated(made).await;
    let before = world.get("StatefulSet", "shop").await.unwrap();
    // No schema can know this one; and this operator has never seen the cluster sound.
    world.shop(json!({ "replicas": 5, "port": 6400, "config": { "replicaof": "a 1" } })).await;
    let another = world.another();
    another
        .operated(async {
            let message = another.condition("Invalid", "True").await;
            assert!(message.contains("spec.config"), "{message}");
            let start = std::time::Instant::now();
            while another.known().is_none_or(|facts| facts.access.is_none()) {
                assert!(start.elapsed() < crate::world::DEADLINE, "{:?}", another.known());
                sleep(std::time::Duration::from_millis(50)).await;
            }
            let facts = another.facts();
            assert_eq!((facts.port, facts.pods.len()), (6400, 5));
            assert!(facts.service.is_some());
        })
        .await;
    assert_eq!(world.get("StatefulSet", "shop").await.unwrap(), before);
}
