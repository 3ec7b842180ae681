//! Clusters beside each other: what ails one, no other notices.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::tap::Seen;
use crate::world::{World, find, with_operator};

#[tokio::test]
async fn of_two_clusters_over_one_name_the_first_has_it() {
    with_operator("one-name", |world: World| async move {
        let account = json!({ "serviceAccount": { "create": true, "name": "same" } });
        world.cluster("first", account.clone()).await;
        let is_of = |name: &'static str| {
            move |object: &Value| object["metadata"]["ownerReferences"][0]["name"] == name
        };
        world.until("made", "ServiceAccount", "same", is_of("first")).await;
        world.until("all of it", "StatefulSet", "first", |_| true).await;
        world.rest().await;
        let before = world.get("ServiceAccount", "same").await.unwrap();

        world.shop(account).await;
        let message = world.condition("NameTaken", "True").await;
        assert!(
            message.contains("ServiceAccount `same` belongs to ValkeyCluster `first`"),
            "{message}"
        );
        world.until("the rest is made", "StatefulSet", "shop", |_| true).await;
        assert_eq!(world.get("ServiceAccount", "same").await.unwrap(), before);
        let first = world.get("ValkeyCluster", "first").await.unwrap();
        assert_eq!(find(&first, "NameTaken"), None);
        let seen = world.tap.take();
        assert!(seen.iter().all(|seen| !seen.path.contains("/first")), "{seen:#?}");

        // It goes to the second when the first needs it no more.
        world.cluster("first", json!({ "replicas": 3 })).await;
        world.until("taken over", "ServiceAccount", "same", is_of("shop")).await;
        world
            .until("told no more", "ValkeyCluster", "shop", |cluster| {
                find(cluster, "NameTaken").is_none()
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn whatever_ails_one_cluster_the_other_is_not_asked_about_and_goes_on() {
    with_operator("ails", |world: World| async move {
        world.cluster("fine", json!({ "replicas": 3 })).await;
        world.until("made", "StatefulSet", "fine", |_| true).await;
        world.rest().await;
        let taken = json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": { "name": "theirs", "namespace": world.namespace },
        });
        world.server.apply("them", &taken, crate::world::FORCED).await.unwrap();
        let twice = json!({ "name": "x", "emptyDir": {}, "configMap": { "name": "y" } });
        let ailments = [
            ("Invalid", json!({ "config": { "port": "1" } })),
            ("ImmutableChange", json!({ "extraVolumes": [twice] })),
            ("SecretMissing", json!({ "auth": { "existingSecret": { "name": "a", "key": "b" } } })),
            ("NameTaken", json!({ "serviceAccount": { "create": true, "name": "theirs" } })),
        ];
        for (turn, (ailment, spec)) in (3..).zip(ailments) {
            world.shop(spec).await;
            world.condition(ailment, "True").await;
            let seen = world.tap.take();
            assert!(!seen.is_empty(), "{ailment}");
            assert!(seen.iter().all(|seen| !seen.path.contains("/fine")), "{ailment}: {seen:#?}");
            // Nor does it wait for the other.
            world.cluster("fine", json!({ "replicas": turn })).await;
            let grown = |set: &Value| set["spec"]["replicas"] == turn;
            world.until(ailment, "StatefulSet", "fine", grown).await;
            world
                .until(ailment, "ValkeyCluster", "fine", |cluster| {
                    cluster["status"]["observedGeneration"] == cluster["metadata"]["generation"]
                })
                .await;
            let asks = |seen: &Seen| seen.path.contains("/fine");
            while world.tap.take().iter().any(asks) {
                sleep(Duration::from_secs(1)).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_status_that_somebody_has_edited_is_put_right() {
    with_operator("edited", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        // But for when conditions came: a condition that was gone comes anew.
        let timeless = |cluster: &Value| {
            let mut status = cluster["status"].clone();
            for condition in status["conditions"].as_array_mut().into_iter().flatten() {
                condition["lastTransitionTime"].take();
            }
            status
        };
        let before = timeless(&world.get("ValkeyCluster", "shop").await.unwrap());
        let mut turned = before["conditions"].clone();
        for condition in turned.as_array_mut().unwrap() {
            condition["status"] = json!("Unknown");
            condition["message"] = json!("by hand");
            condition["lastTransitionTime"] = json!("2026-01-01T00:00:00Z");
        }
        let mut kept = before["conditions"][0].clone();
        kept["lastTransitionTime"] = json!("2026-01-01T00:00:00Z");
        let invented = json!({
            "type": "DataLossPossible", "status": "True", "reason": "Invented", "message": "by hand",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        for edit in [
            json!({ "phase": "Perfect" }),
            json!({ "readyReplicas": 7, "observedGeneration": 9 }),
            json!({ "conditions": turned }),
            json!({ "conditions": null, "phase": null }),
            // What nobody says yet.
            json!({ "master": "shop-7" }),
            json!({ "conditions": [kept, invented] }),
        ] {
            world.status("ValkeyCluster", "shop", edit.clone()).await;
            let what = format!("{edit}");
            let is_right = |cluster: &Value| timeless(cluster) == before;
            world.until(&what, "ValkeyCluster", "shop", is_right).await;
            world.rest().await;
        }
    })
    .await;
}
