//! What the API server keeps of a `ValkeyCluster` is what its author wrote.

use serde_json::Value;
use serde_json::json;

use crate::differences::differences;
use crate::examples::examples;
use crate::kubectl::kubectl;
use crate::server::Answer;
use crate::server::Apply;
use crate::server::Refusal;
use crate::server::Server;

const NONE: [&str; 0] = [];

#[tokio::test]
async fn every_example_is_accepted_and_kept_as_it_is() {
    let server = Server::connect().await;
    for example in examples() {
        let name = &example.name;
        assert!(!example.clusters.is_empty(), "{name} holds no cluster");
        let namespace = server.namespace(&format!("kept-{name}"), json!({})).await;
        for mut cluster in example.clusters {
            cluster["metadata"]["namespace"] = json!(namespace);
            let Answer { object, warnings } =
                server.apply("kubectl", &cluster, Apply::default()).await.unwrap();
            assert!(warnings.is_empty(), "{name}: {warnings:?}");
            assert_eq!(differences(&cluster["spec"], &object["spec"]), NONE, "{name}");
            for part in ["labels", "annotations"] {
                assert_eq!(object["metadata"][part], cluster["metadata"][part], "{name}: {part}");
            }
            let Answer { object: again, .. } =
                server.apply("kubectl", &cluster, Apply::default()).await.unwrap();
            let changed = differences(&object["metadata"], &again["metadata"]);
            assert_eq!(changed, NONE, "{name}: applied twice");
        }
    }
}

fn cluster(namespace: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "valkey.verilean.io/v1",
        "kind": "ValkeyCluster",
        "metadata": { "name": "cache", "namespace": namespace },
        "spec": spec,
    })
}

#[tokio::test]
async fn a_misspelt_field_is_refused() {
    let server = Server::connect().await;
    let misspelt = cluster("default", &json!({ "persistance": { "enabled": false } }));
    let dry = Apply { dry_run: true, ..Apply::default() };
    let Refusal { message, .. } = server.apply("kubectl", &misspelt, dry).await.unwrap_err();
    assert!(message.contains("persistance"), "{message}");
}

/// `null` takes one of Gungnir's keys out of a security context, so it has to get through.
#[tokio::test]
async fn a_null_in_a_security_context_outlives_every_server_side_write() {
    let server = Server::connect().await;
    let namespace = server.namespace("nulls", json!({})).await;
    let mut wanted = cluster(
        &namespace,
        &json!({
            "replicas": 3,
            "podSecurityContext": { "fsGroup": null, "runAsUser": null },
            "securityContext": { "capabilities": null, "runAsGroup": 7 },
        }),
    );
    let Answer { object, .. } = server.apply("kubectl", &wanted, Apply::default()).await.unwrap();
    assert_eq!(object["spec"], wanted["spec"]);

    wanted["spec"]["securityContext"]["runAsGroup"] = json!(8);
    server.apply("kubectl", &wanted, Apply::default()).await.unwrap();
    let by_force = Apply { force: true, ..Apply::default() };
    server.apply("argocd-controller", &wanted, by_force).await.unwrap();
    kubectl(&["scale", "vk/cache", "--replicas=4", "-n", &namespace], &[]);
    let mut status = cluster(&namespace, &json!({}));
    status["status"] = json!({ "phase": "Ready" });
    let to_status = Apply { subresource: Some("status"), ..Apply::default() };
    server.apply("gungnir-status", &status, to_status).await.unwrap();

    wanted["spec"]["replicas"] = json!(4);
    assert_eq!(server.current(&wanted).await["spec"], wanted["spec"]);
}
