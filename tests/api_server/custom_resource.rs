//! The `CustomResourceDefinition` itself: it is served, found and shown as it should be.

use std::process::Command;

use gungnir::api::CRD_NAME;
use serde_json::Value;
use serde_json::json;

use crate::differences::missing;
use crate::kubectl::kubectl;
use crate::server::Answer;
use crate::server::Apply;
use crate::server::Server;
use crate::server::condition;

const API: &str = "/apis/valkey.verilean.io/v1";
const NONE: [&str; 0] = [];
const AS_TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

#[tokio::test]
async fn what_gungnir_crd_prints_is_established_and_structural() {
    let server = Server::connect().await;
    let printed = Command::new(env!("CARGO_BIN_EXE_gungnir")).arg("crd").output().unwrap();
    let printed: Value = serde_yaml::from_slice(&printed.stdout).unwrap();
    let Answer { warnings, .. } =
        server.apply("gungnir", &printed, Apply { force: true, ..Apply::default() }).await.unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");

    let definition = server.established(&json!(CRD_NAME)).await;
    assert_eq!(condition(&definition, "NamesAccepted"), Some("True"));
    assert_ne!(condition(&definition, "NonStructuralSchema"), Some("True"));
    // Word for word: a GitOps tool that compares the two finds no difference.
    assert_eq!(missing(&printed["spec"], &definition["spec"]), NONE);
}

#[tokio::test]
async fn kubectl_applies_it_client_side_too() {
    // Under a group of its own, so that nobody's clusters are in the way: kubectl makes it and
    // keeps the whole text in an annotation, whose size is limited.
    const GROUP: &str = "applied-by-kubectl.example.com";
    let server = Server::connect().await;
    let mut copy = gungnir::api::crd().clone();
    copy["metadata"]["name"] = json!(format!("valkeyclusters.{GROUP}"));
    copy["spec"]["group"] = json!(GROUP);
    copy["spec"]["names"]["categories"] = json!([]);
    copy["spec"]["names"]["shortNames"] = json!([]);
    let objects = [copy];
    let apply = ["apply", "--server-side=false", "--validate=strict", "-o", "name", "-f", "-"];
    kubectl(&apply, &objects);
    let first = server.established(&objects[0]["metadata"]["name"]).await;
    kubectl(&apply, &objects);
    let second = server.current(&objects[0]).await;
    assert_eq!(first["metadata"]["generation"], second["metadata"]["generation"]);
    kubectl(&["delete", "-f", "-"], &objects);
}

#[tokio::test]
async fn it_is_found_by_its_short_name_and_among_all() {
    let server = Server::connect().await;
    let found = server.raw(API, None).await.unwrap();
    let resources = found["resources"].as_array().unwrap();
    let find = |name: &str| resources.iter().find(|resource| resource["name"] == name);
    let cluster = find("valkeyclusters").unwrap();
    for (field, expected) in [
        ("kind", json!("ValkeyCluster")),
        ("singularName", json!("valkeycluster")),
        ("shortNames", json!(["vk"])),
        ("categories", json!(["all"])),
        ("namespaced", json!(true)),
    ] {
        assert_eq!(cluster[field], expected, "{field}");
    }
    assert_eq!(find("valkeyclusters/scale").unwrap()["kind"], "Scale");
    assert!(find("valkeyclusters/status").is_some());
}

/// A status with every field set.
fn status() -> Value {
    let member = json!({ "pod": "shown-1", "uid": "u-1", "runId": "r-1" });
    json!({
        "phase": "Ready",
        "master": "shown-1",
        "readyReplicas": 2,
        "replicas": 3,
        "observedGeneration": 1,
        "selector": "valkey.verilean.io/cluster=shown",
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "ReplicaBehind", "message": "one of 3",
            "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": 1,
        }],
        "lastFailover": {
            "from": "shown-0", "to": "shown-1", "reason": "ProcessEnded",
            "at": "2026-01-02T03:04:05Z",
        },
        "election": {
            "term": 7, "epoch": 42, "phase": "Stable", "target": "shown-1",
            "master": { "pod": "shown-1", "uid": "u-0", "containerId": "containerd://c" },
            "runId": "r-0", "replId": "h-1", "previousReplId": "h-0",
            "inSync": [member], "previousInSync": [member, member],
            "w": 1, "baseOffset": 9_007_199_254_740_993_i64, "operator": "system/lease",
        },
    })
}

/// A cluster in a namespace of its own, with a whole status.
async fn stored(server: &Server, namespace: &str) -> Value {
    let namespace = server.namespace(namespace, json!({})).await;
    let mut cluster = json!({
        "apiVersion": "valkey.verilean.io/v1",
        "kind": "ValkeyCluster",
        "metadata": { "name": "shown", "namespace": namespace },
        "spec": { "replicas": 3, "image": "docker.io/valkey/valkey:8.1.1" },
    });
    server.apply("kubectl", &cluster, Apply::default()).await.unwrap();
    cluster["status"] = status();
    let to_status = Apply { subresource: Some("status"), ..Apply::default() };
    server.apply("gungnir-status", &cluster, to_status).await.unwrap();
    server.current(&cluster).await
}

#[tokio::test]
async fn a_whole_status_comes_back_as_it_was_written() {
    let server = Server::connect().await;
    let cluster = stored(&server, "whole-status").await;
    assert_eq!(cluster["status"], status());
}

#[tokio::test]
async fn kubectl_get_shows_the_printer_columns() {
    let server = Server::connect().await;
    let cluster = stored(&server, "columns").await;
    let namespace = cluster["metadata"]["namespace"].as_str().unwrap();
    let path = format!("{API}/namespaces/{namespace}/valkeyclusters/shown");
    let table = server.raw(&path, Some(AS_TABLE)).await.unwrap();
    let columns = table["columnDefinitions"].as_array().unwrap();
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    let shown: Vec<Value> = columns
        .iter()
        .zip(cells)
        .filter(|(column, _)| column["name"] != "Age")
        .map(|(column, cell)| json!([column["name"], column["priority"], cell]))
        .collect();
    assert_eq!(
        shown,
        [
            json!(["Name", 0, "shown"]),
            json!(["Phase", 0, "Ready"]),
            json!(["Master", 0, "shown-1"]),
            json!(["Ready", 0, 2]),
            json!(["Replicas", 0, 3]),
            json!(["Epoch", 1, 42]),
            json!(["Image", 1, "docker.io/valkey/valkey:8.1.1"]),
        ]
    );
    assert!(columns.iter().any(|column| column["name"] == "Age"), "{columns:?}");
    let printed = kubectl(&["get", "vk", "-n", namespace], &[]);
    assert!(printed.contains("shown-1"), "{printed}");
    let printed = kubectl(&["get", "all", "-n", namespace], &[]);
    assert!(printed.contains("shown-1"), "{printed}");
}

#[tokio::test]
async fn kubectl_and_an_autoscaler_scale_it() {
    let server = Server::connect().await;
    let cluster = stored(&server, "scaled").await;
    let namespace = cluster["metadata"]["namespace"].as_str().unwrap();
    kubectl(&["scale", "vk/shown", "--replicas=5", "-n", namespace], &[]);
    let path = format!("{API}/namespaces/{namespace}/valkeyclusters/shown/scale");
    let scale = server.raw(&path, None).await.unwrap();
    assert_eq!(scale["spec"]["replicas"], 5);
    assert_eq!(scale["status"]["replicas"], 3);
    assert_eq!(scale["status"]["selector"], "valkey.verilean.io/cluster=shown");
    assert_eq!(server.current(&cluster).await["spec"]["replicas"], 5);
}
