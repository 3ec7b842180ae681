//! Growth of volumes, and its refusal. The tests are controller and garbage collector.

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::server::Apply;
use crate::world::{REST, World, find, with_operator};

async fn class(world: &World, grows: bool) -> String {
    let name = format!("{}-{grows}", world.namespace);
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": name }, "provisioner": "example.com/x", "allowVolumeExpansion": grows,
    });
    world.server.apply("people", &class, Apply::default()).await.unwrap();
    name
}

#[tokio::test]
async fn volumes_grow_and_the_set_is_made_anew_around_its_pods() {
    with_operator("grow", |world: World| async move {
        let class = class(&world, true).await;
        let spec = |size: &str| {
            json!({ "persistence": { "storageSize": size, "storageClassName": class } })
        };
        world.shop(spec("1Gi")).await;
        world.created().await;
        for ordinal in 0..3 {
            world.claim(ordinal, "1Gi", &class).await;
            world.pod(ordinal, "r1").await;
        }
        world.set_seen(3, "r1").await;
        world.master(0).await;
        let before = world.get("StatefulSet", "shop").await.unwrap();
        world.shop(spec("2Gi")).await;
        for ordinal in 0..3 {
            let name = format!("data-shop-{ordinal}");
            world
                .until("asked to grow", "PersistentVolumeClaim", &name, |claim| {
                    claim["spec"]["resources"]["requests"]["storage"] == "2Gi"
                })
                .await;
        }
        // It goes, and leaves its pods: that is the garbage collector's part.
        world
            .until("orphans", "StatefulSet", "shop", |set| {
                set["metadata"]["finalizers"] == json!(["orphan"])
            })
            .await;
        let free = json!({ "metadata": { "finalizers": null } });
        world.edit("garbage-collector", "StatefulSet", "shop", free).await;
        let after = world
            .until("made anew", "StatefulSet", "shop", |set| {
                set["metadata"]["uid"] != before["metadata"]["uid"]
            })
            .await;
        let claim = &after["spec"]["volumeClaimTemplates"][0]["spec"];
        assert_eq!(claim["resources"]["requests"]["storage"], "2Gi");
        world.set_seen(3, "r1").await;
        sleep(REST).await;
        assert_eq!(world.list("Pod").await.len(), 3, "no pod restarts");
        world.condition("Ready", "True").await;
        world.rest().await;
    })
    .await;
}

#[tokio::test]
async fn a_class_that_cannot_grow_is_said_and_stops_nothing_else() {
    with_operator("fixed", |world: World| async move {
        let class = class(&world, false).await;
        let spec = |size: &str| {
            json!({
                "persistence": { "storageSize": size, "storageClassName": class },
                "podDisruptionBudget": { "enabled": size == "1Gi" },
            })
        };
        world.shop(spec("1Gi")).await;
        world.created().await;
        world.claim(0, "1Gi", &class).await;
        world.shop(spec("2Gi")).await;
        let message = world.condition("ImmutableChange", "True").await;
        assert!(message.contains("does not let volumes grow"), "{message}");
        world.gone("PodDisruptionBudget", "shop-pdb").await;
        let set = world.get("StatefulSet", "shop").await.unwrap();
        assert!(set["metadata"]["deletionTimestamp"].is_null());
        world.rest().await;
    })
    .await;
}

#[tokio::test]
async fn a_cluster_made_anew_with_smaller_volumes_is_told_that_they_stay() {
    with_operator("smaller", |world: World| async move {
        let spec = |size: &str, turn: &str| {
            json!({ "persistence": { "storageSize": size }, "labels": { "turn": turn } })
        };
        world.shop(spec("2Gi", "one")).await;
        world.created().await;
        world.orphan().await;
        // No rule of the definition sees that: it knows the object before, and there was none.
        world.shop(spec("1Gi", "two")).await;
        let message = world.condition("ImmutableChange", "True").await;
        assert!(message.contains("volumes of 2Gi cannot shrink to 1Gi"), "{message}");
        let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
        assert_eq!(find(&cluster, "ImmutableChange").unwrap()["reason"], "VolumesCannotShrink");
        let turned = |object: &Value| object["metadata"]["labels"]["turn"] == "two";
        world.until("the rest", "ConfigMap", "shop-config", turned).await;
        world.rest().await;
        let set = world.get("StatefulSet", "shop").await.unwrap();
        assert!(!turned(&set), "{set:#}");
        world.shop(spec("2Gi", "two")).await;
        world.until("the set as well", "StatefulSet", "shop", turned).await;
    })
    .await;
}
