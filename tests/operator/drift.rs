//! Hand edits: of every kind of child, repaired, and attributed to who made them.

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::{CHILDREN, OPTIONAL, REST, World, every_kind, with_operator};

/// An edit of a child: its kind and name, what somebody writes, and where that shows.
fn edits() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        ("Service", "shop-client", json!({ "spec": { "type": "NodePort" } }), "/spec/type"),
        (
            "Service",
            "shop-replicas",
            json!({ "spec": { "selector": { "valkey.verilean.io/role": "master" } } }),
            "/spec/selector/valkey.verilean.io~1role",
        ),
        (
            "Service",
            "shop-headless",
            json!({ "spec": { "publishNotReadyAddresses": false } }),
            "/spec/publishNotReadyAddresses",
        ),
        (
            "ConfigMap",
            "shop-config",
            json!({ "data": { "valkey.conf": "evil" } }),
            "/data/valkey.conf",
        ),
        ("ConfigMap", "shop-config", json!({ "data": { "start.sh": null } }), "/data/start.sh"),
        ("StatefulSet", "shop", json!({ "spec": { "replicas": 7 } }), "/spec/replicas"),
        (
            "StatefulSet",
            "shop",
            json!({ "spec": { "template": { "spec": { "terminationGracePeriodSeconds": 1 } } } }),
            "/spec/template/spec/terminationGracePeriodSeconds",
        ),
        (
            "PodDisruptionBudget",
            "shop-pdb",
            json!({ "spec": { "maxUnavailable": 3 } }),
            "/spec/maxUnavailable",
        ),
        (
            "Secret",
            "shop-secret",
            json!({ "metadata": { "labels": { "app.kubernetes.io/name": "mine" } } }),
            "/metadata/labels/app.kubernetes.io~1name",
        ),
        (
            "ConfigMap",
            "shop-config",
            json!({ "metadata": { "labels": { "valkey.verilean.io/cluster": null } } }),
            "/metadata/labels/valkey.verilean.io~1cluster",
        ),
        (
            "Service",
            "shop-replicas",
            json!({ "metadata": { "labels": { "valkey.verilean.io/cluster": "other" } } }),
            "/metadata/labels/valkey.verilean.io~1cluster",
        ),
        (
            "PodDisruptionBudget",
            "shop-pdb",
            json!({ "metadata": { "annotations": { "valkey.verilean.io/applied": "mine" } } }),
            "/metadata/annotations/valkey.verilean.io~1applied",
        ),
        (
            "ServiceAccount",
            "shop",
            json!({ "automountServiceAccountToken": true }),
            "/automountServiceAccountToken",
        ),
        ("NetworkPolicy", "shop", json!({ "spec": { "ingress": [{}] } }), "/spec/ingress"),
        (
            "Certificate",
            "shop-tls",
            json!({ "spec": { "issuerRef": { "name": "mine" } } }),
            "/spec/issuerRef/name",
        ),
        ("ServiceMonitor", "shop", json!({ "spec": { "endpoints": [] } }), "/spec/endpoints"),
        (
            "PodMonitor",
            "shop",
            json!({ "spec": { "podMetricsEndpoints": [] } }),
            "/spec/podMetricsEndpoints",
        ),
        ("PrometheusRule", "shop", json!({ "spec": { "groups": [] } }), "/spec/groups"),
    ]
}

/// What was told of repairs so far.
async fn drifts(world: &World) -> Vec<String> {
    let events = world.list("Event").await;
    let notes = events.iter().filter(|event| event["reason"] == "Drifted");
    notes.filter_map(|event| event["note"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_hand_edit_of_every_kind_is_repaired_and_attributed() {
    with_operator("drift", |world: World| async move {
        world.shop(every_kind()).await;
        for (kind, name) in OPTIONAL {
            world.until("created", kind, name, |_| true).await;
        }
        world.created().await;
        let mut told = 0;
        for (kind, name, change, pointer) in edits() {
            let before = world.get(kind, name).await.unwrap();
            world.edit("kubectl-edit", kind, name, change.clone()).await;
            let what = format!("{kind} {name} {pointer}");
            world
                .until(&what, kind, name, |now| now.pointer(pointer) == before.pointer(pointer))
                .await;
            world.rest().await;
            let notes = drifts(&world).await;
            // The API server does not keep what is false, nor whose a list by name is that is empty.
            let is_kept = kind != "PrometheusRule"
                && !matches!(change.pointer(pointer), Some(Value::Null | Value::Bool(false)));
            let whose = if is_kept { "was set by `kubectl-edit` at " } else { "was removed" };
            let is_told = |note: &String| {
                note.starts_with(&format!("{kind} `{name}`: `")) && note.contains(whose)
            };
            assert!(notes.iter().any(is_told), "{what}: {notes:#?}");
            told += 1;
            assert_eq!(notes.len(), told, "{what}: each is told of by itself: {notes:#?}");
        }
        let notes = drifts(&world).await;
        for wanted in [
            "StatefulSet `shop`: `spec.replicas` was set by `kubectl-edit` at ",
            "Service `shop-client`: `spec.type` was set by `kubectl-edit` at ",
            "ConfigMap `shop-config`: `data[\"start.sh\"]` was removed",
        ] {
            assert!(notes.iter().any(|note| note.starts_with(wanted)), "{wanted}: {notes:#?}");
        }
        let message = world.condition("Drifted", "True").await;
        assert!(message.contains("repaired"), "{message}");
    })
    .await;
}

#[tokio::test]
async fn a_child_that_was_deleted_is_made_again() {
    with_operator("deleted", |world: World| async move {
        world.shop(every_kind()).await;
        for (kind, name) in OPTIONAL {
            world.until("created", kind, name, |_| true).await;
        }
        world.created().await;
        for (kind, name) in CHILDREN.into_iter().chain(OPTIONAL) {
            let before = world.get(kind, name).await.unwrap();
            world.delete(kind, name).await;
            world
                .until("made again", kind, name, |now| {
                    now["metadata"]["uid"] != before["metadata"]["uid"]
                        && now["metadata"]["deletionTimestamp"].is_null()
                })
                .await;
        }
        world.created().await;
    })
    .await;
}

#[tokio::test]
async fn a_tug_of_war_is_ended_and_shown() {
    with_operator("tug", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        for round in 0..3 {
            world
                .edit("rival", "StatefulSet", "shop", json!({ "spec": { "replicas": 5 + round } }))
                .await;
            world
                .until("repaired", "StatefulSet", "shop", |set| set["spec"]["replicas"] == 3)
                .await;
        }
        world.edit("rival", "StatefulSet", "shop", json!({ "spec": { "replicas": 9 } })).await;
        let message = world.condition("FieldConflict", "True").await;
        assert!(message.contains("`spec.replicas` was set by `rival`"), "{message}");
        world.condition("Stalled", "True").await;
        sleep(REST).await;
        let set = world.get("StatefulSet", "shop").await.unwrap();
        assert_eq!(set["spec"]["replicas"], 9, "it is left alone");
        world.rest().await;
        // A new spec is not held up by it.
        world.shop(json!({ "replicas": 4 })).await;
        world
            .until("the new spec", "StatefulSet", "shop", |set| set["spec"]["replicas"] == 4)
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_sentinels_fields_and_those_of_others_are_no_drift() {
    with_operator("beside", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        let pointer = json!({
            "metadata": { "annotations": { "valkey.verilean.io/epoch": "4" } },
            "spec": { "selector": { "statefulset.kubernetes.io/pod-name": "shop-1" } },
        });
        world.edit("gungnir-sentinel", "Service", "shop-client", pointer.clone()).await;
        let mark = json!({ "metadata": { "annotations": { "example.com/seen": "yes" } } });
        world.edit("scanner", "ConfigMap", "shop-config", mark).await;
        world
            .until("the master", "ValkeyCluster", "shop", |cluster| {
                cluster["status"]["master"] == "shop-1"
            })
            .await;
        world.rest().await;
        let client = world.get("Service", "shop-client").await.unwrap();
        assert_eq!(client["spec"]["selector"], pointer["spec"]["selector"]);
        let told = world.list("Event").await.into_iter();
        let told: Vec<String> =
            told.map(|it| format!("{}: {}", it["reason"], it["note"])).collect();
        assert_eq!(told, [""; 0]);
    })
    .await;
}
