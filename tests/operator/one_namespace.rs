//! An operator that has rights in one namespace alone.

use serde_json::json;

use crate::world::{World, find};

#[tokio::test]
async fn the_rights_in_one_namespace_are_enough_for_all_that_is_in_it() {
    let world = World::of_one_namespace("one").await;
    world
        .operated(async {
            world.shop(crate::world::every_kind()).await;
            for (kind, name) in crate::world::OPTIONAL {
                world.until("created", kind, name, |_| true).await;
            }
            world.shop(json!({ "replicas": 3 })).await;
            for (kind, name) in crate::world::OPTIONAL {
                world.gone(kind, name).await;
            }
            world.created().await;
            let edit = json!({ "spec": { "replicas": 7 } });
            world.edit("kubectl-edit", "StatefulSet", "shop", edit).await;
            let repaired = |set: &serde_json::Value| set["spec"]["replicas"] == 3;
            world.until("repaired", "StatefulSet", "shop", repaired).await;
            let message = world.condition("Drifted", "True").await;
            assert!(message.contains("`kubectl-edit`"), "{message}");
            let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
            assert_eq!(find(&cluster, "KindNotServed"), None);

            // The lease of whoever had the cluster is out of its sight, by the API server's own word.
            world.recorded_by(Some("kube-system/gungnir-operator")).await;
            let message = world.condition("ManagedElsewhere", "True").await;
            assert!(message.contains("may not read that lease (403)"), "{message}");
            world.recorded_by(None).await;
            world
                .until("it goes on", "ValkeyCluster", "shop", |cluster| {
                    find(cluster, "ManagedElsewhere").is_none()
                })
                .await;
        })
        .await;
}
