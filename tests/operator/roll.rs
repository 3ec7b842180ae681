//! Restarts in order. The tests are controller, kubelet and election.

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::{REST, World, find, with_operator};

async fn running(world: &World, pods: u32) {
    world.shop(json!({ "replicas": pods })).await;
    world.created().await;
    for ordinal in 0..pods {
        world.pod(ordinal, "r1").await;
    }
    world.set_seen(pods, "r1").await;
    world.master(0).await;
    world.condition("Ready", "True").await;
    world.rest().await;
}

#[tokio::test]
async fn replicas_are_restarted_one_by_one_and_the_master_after_a_handover() {
    with_operator("roll", |world: World| async move {
        running(&world, 3).await;
        world.shop(json!({ "replicas": 3, "podLabels": { "team": "a" } })).await;
        world
            .until("the new template", "StatefulSet", "shop", |set| {
                set["spec"]["template"]["metadata"]["labels"]["team"] == "a"
            })
            .await;
        world.set_seen(3, "r2").await;
        world.gone("Pod", "shop-2").await;
        sleep(REST).await;
        assert!(world.get("Pod", "shop-1").await.is_some(), "one at a time");
        world.pod(2, "r2").await;
        world.gone("Pod", "shop-1").await;
        world.pod(1, "r2").await;
        world.asked_to_hand_over("shop-1").await;
        assert!(world.get("Pod", "shop-0").await.is_some(), "the master is handed over first");
        // How far it is, the status says when that has settled.
        world
            .until("told", "ValkeyCluster", "shop", |cluster| {
                let told = find(cluster, "Progressing").unwrap()["message"].to_string();
                told.contains("until shop-1 is master")
            })
            .await;
        world.master(1).await;
        world.gone("Pod", "shop-0").await;
        world.pod(0, "r2").await;
        world.condition("Ready", "True").await;
        assert_eq!(world.facts().heir, None);
        world.rest().await;
        assert_eq!(world.list("Pod").await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn what_only_gungnir_changed_waits_for_people() {
    with_operator("pending", |world: World| async move {
        running(&world, 3).await;
        // As an older version of Gungnir would have left it: another template, of the same spec.
        let older = json!({
            "metadata": { "annotations": { "valkey.verilean.io/applied": "older" } },
            "spec": { "template": { "metadata": { "annotations": { "old": "yes" } } } },
        });
        let mut set = world.get("StatefulSet", "shop").await.unwrap();
        for gone in ["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp"] {
            set["metadata"].as_object_mut().unwrap().remove(gone);
        }
        set.as_object_mut().unwrap().remove("status");
        set["metadata"]["annotations"]["valkey.verilean.io/applied"] = json!("older");
        set["spec"]["template"]["metadata"]["annotations"]["old"] =
            older["spec"]["template"]["metadata"]["annotations"]["old"].clone();
        let apply = crate::server::Apply { force: true, ..Default::default() };
        world.server.apply("gungnir", &set, apply).await.unwrap();
        let message = world.condition("RestartPending", "True").await;
        assert!(message.contains("Gungnir itself has changed"), "{message}");
        world
            .until("applied", "StatefulSet", "shop", |set| {
                set["spec"]["template"]["metadata"]["annotations"]["old"] == Value::Null
            })
            .await;
        world.set_seen(3, "r2").await;
        sleep(REST).await;
        assert_eq!(world.list("Pod").await.len(), 3, "nobody has asked for a restart");
        world.condition("RestartPending", "True").await;
        // People ask for it.
        let now = k8s_openapi::jiff::Timestamp::now() + std::time::Duration::from_secs(3);
        let restart = json!({ "metadata": { "annotations": {
            "valkey.verilean.io/restart": now.to_string(),
        } } });
        world.edit("people", "ValkeyCluster", "shop", restart).await;
        world.gone("Pod", "shop-2").await;
    })
    .await;
}

#[tokio::test]
async fn the_set_shrinks_when_its_master_is_on_a_pod_that_stays() {
    with_operator("shrink", |world: World| async move {
        running(&world, 5).await;
        world.master(4).await;
        world.shop(json!({ "replicas": 3 })).await;
        world.asked_to_hand_over("shop-0").await;
        sleep(REST).await;
        let set = world.get("StatefulSet", "shop").await.unwrap();
        assert_eq!(set["spec"]["replicas"], 5);
        world.master(0).await;
        world.until("shrunk", "StatefulSet", "shop", |set| set["spec"]["replicas"] == 3).await;
        let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
        assert!(find(&cluster, "RestartPending").is_none());
    })
    .await;
}

#[tokio::test]
async fn the_only_copy_is_not_restarted_when_its_volume_would_go_with_it() {
    with_operator("terminating", |world: World| async move {
        running(&world, 1).await;
        world.claim(0, "1Gi", "any").await;
        // The API server keeps it as long as a pod may use it.
        world.delete("PersistentVolumeClaim", "data-shop-0").await;
        let told = world.condition("VolumeTerminating", "True").await;
        assert!(told.contains("data-shop-0 is being deleted"), "{told}");
        let new = |replicas: u32| json!({ "replicas": replicas, "podLabels": { "team": "a" } });
        world.shop(new(1)).await;
        let renewed = |set: &Value| set["spec"]["template"]["metadata"]["labels"]["team"] == "a";
        world.until("the new template", "StatefulSet", "shop", renewed).await;
        world.set_seen(1, "r2").await;
        let waits = |cluster: &Value| {
            let told = find(cluster, "Progressing").unwrap()["message"].to_string();
            told.contains("the volume of shop-0 is being deleted and goes with the pod")
        };
        world.until("told", "ValkeyCluster", "shop", waits).await;
        sleep(REST).await;
        assert!(world.get("Pod", "shop-0").await.is_some(), "its data is nowhere else");
        // One more replica takes a copy, and then leads.
        world.shop(new(2)).await;
        world.until("grown", "StatefulSet", "shop", |set| set["spec"]["replicas"] == 2).await;
        world.set_seen(2, "r2").await;
        world.pod(1, "r2").await;
        world.asked_to_hand_over("shop-1").await;
        world.master(1).await;
        world.gone("Pod", "shop-0").await;
    })
    .await;
}
