//! What Gungnir renders, as the API server takes it: every field known, nothing changed, nothing
//! warned of, and pods that the Pod Security Standard `restricted` lets in.

use std::fs;

use gungnir::cluster::Quantity;
use gungnir::cluster::Roles;
use serde_json::Value;
use serde_json::json;

use crate::differences::missing;
use crate::examples::Example;
use crate::examples::examples;
use crate::examples::goldens;
use crate::examples::moved_to;
use crate::examples::rendered;
use crate::kubectl::kubectl;
use crate::server::Answer;
use crate::server::Apply;
use crate::server::Server;

/// Examples with pods whose quality of service is `Guaranteed`, whatever else is.
const GUARANTEED: &[&str] = &["production"];

const NONE: [&str; 0] = [];
const DRY: Apply = Apply { dry_run: true, force: false, subresource: None };

#[tokio::test]
async fn every_golden_passes_a_dry_run_with_strict_fields() {
    dry_run("golden").await;
}

#[tokio::test]
async fn every_golden_without_an_operator_passes_a_dry_run_with_strict_fields() {
    dry_run("golden/master-0").await;
}

#[tokio::test]
async fn every_golden_of_the_chart_passes_a_dry_run_with_strict_fields() {
    dry_run("golden/chart").await;
}

/// By the words of the README. Only said, since others here apply other values under the same names.
#[tokio::test]
async fn kubectl_applies_the_chart_for_those_without_helm() {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/gungnir-operator.yaml");
    let server = Server::connect().await;
    // What would be made first is not there in a dry run.
    server.make_namespace("gungnir-system", json!({})).await;
    let said = kubectl(&["apply", "--server-side", "-f", FILE, "--dry-run=server"], &[]);
    let applied =
        said.lines().filter(|line| line.ends_with(" serverside-applied (server dry run)"));
    let objects = fs::read_to_string(FILE).unwrap().matches("\nkind: ").count();
    assert_eq!(applied.count(), objects, "{said}");
}

#[tokio::test]
async fn the_operator_runs_under_the_restricted_pod_security_standard() {
    let server = Server::connect().await;
    let namespace = restricted(&server, "operator").await;
    for (path, objects) in goldens("golden/chart") {
        let deployments = objects.into_iter().filter(|object| object["kind"] == "Deployment");
        let mut count = 0;
        for mut object in deployments {
            object["metadata"]["namespace"] = json!(namespace);
            let Answer { warnings, .. } = server.apply("helm", &object, DRY).await.expect(&path);
            assert!(warnings.is_empty(), "{path}: {warnings:?}");
            count += 1;
        }
        assert_eq!(count, 1, "{path}");
    }
}

async fn dry_run(folder: &str) {
    let server = Server::connect().await;
    for (path, objects) in goldens(folder) {
        assert!(!objects.is_empty(), "{path} is empty");
        for object in objects {
            if let Some(namespace) = object["metadata"]["namespace"].as_str() {
                server.make_namespace(namespace, json!({})).await;
            }
            let shown = format!("{path}: {} {}", object["kind"], object["metadata"]["name"]);
            let Answer { object: taken, warnings } =
                server.apply("gungnir", &object, DRY).await.expect(&shown);
            assert!(warnings.is_empty(), "{shown}: {warnings:?}");
            // Spelt as it was rendered: a GitOps tool that compares the two finds no difference.
            assert_eq!(missing(&object, &taken), NONE, "{shown}");
        }
    }
}

/// A namespace that refuses pods which are not `restricted`, and warns of what would make some.
async fn restricted(server: &Server, name: &str) -> String {
    let labels = json!({
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    });
    server.namespace(name, labels).await
}

#[tokio::test]
async fn every_example_passes_with_a_static_master_too() {
    let server = Server::connect().await;
    let namespace = restricted(&server, "static").await;
    for Example { name, clusters } in examples() {
        for cluster in clusters {
            let mut cluster = moved_to(&namespace, cluster);
            if cluster["spec"]["auth"].get("existingSecret").is_none() {
                // Nobody would make the password.
                cluster["spec"]["auth"] = json!({ "enabled": false });
            }
            for object in rendered(&cluster, Roles::Static { master: 0 }) {
                let shown = format!("{name}: {} {}", object["kind"], object["metadata"]["name"]);
                let Answer { object: taken, warnings } =
                    server.apply("gungnir", &object, DRY).await.expect(&shown);
                assert!(warnings.is_empty(), "{shown}: {warnings:?}");
                assert_eq!(missing(&object, &taken), NONE, "{shown}");
            }
        }
    }
}

#[tokio::test]
async fn every_example_runs_under_the_restricted_pod_security_standard() {
    let server = Server::connect().await;
    let mut guaranteed = Vec::new();
    for Example { name, clusters } in examples() {
        let namespace = restricted(&server, &format!("restricted-{name}")).await;
        for cluster in clusters {
            let cluster = moved_to(&namespace, cluster);
            for object in rendered(&cluster, Roles::Elected) {
                let shown = format!("{name}: {} {}", object["kind"], object["metadata"]["name"]);
                let Answer { warnings, .. } =
                    server.apply("gungnir", &object, Apply::default()).await.expect(&shown);
                assert!(warnings.is_empty(), "{shown}: {warnings:?}");
                if object["kind"] != "StatefulSet" {
                    continue;
                }
                let pod = first_pod(&server, &object).await;
                let Answer { object: pod, warnings } = server
                    .apply("statefulset-controller", &pod, Apply::default())
                    .await
                    .expect(&shown);
                assert!(warnings.is_empty(), "{shown}: {warnings:?}");
                let quality = &pod["status"]["qosClass"];
                let expected = requests_are_limits(&object);
                assert_eq!(quality == "Guaranteed", expected, "{shown}: {quality}");
                if expected {
                    guaranteed.push(name.clone());
                }
            }
        }
    }
    for name in GUARANTEED {
        assert!(guaranteed.iter().any(|found| found == name), "{name} is not Guaranteed");
    }
}

/// The pod that the StatefulSet controller would make first.
async fn first_pod(server: &Server, statefulset: &Value) -> Value {
    let spec = &statefulset["spec"];
    let name = format!("{}-0", statefulset["metadata"]["name"].as_str().unwrap());
    let mut pod = spec["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["namespace"] = statefulset["metadata"]["namespace"].clone();
    pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = json!(name);
    let claims = spec["volumeClaimTemplates"].as_array().into_iter().flatten();
    for claim in claims.map(|claim| claim["metadata"]["name"].as_str().unwrap()) {
        let claimed = json!({ "claimName": format!("{claim}-{name}") });
        let volume = json!({ "name": claim, "persistentVolumeClaim": claimed });
        pod["spec"]["volumes"].as_array_mut().unwrap().push(volume);
    }
    if let Some(class) = pod["spec"]["priorityClassName"].as_str() {
        let class = json!({
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": { "name": class },
            "value": 1000,
        });
        server.apply("kubectl", &class, Apply::default()).await.unwrap();
    }
    pod
}

/// Whether every container requests the CPU and memory that limit it: Kubernetes' own rule.
fn requests_are_limits(statefulset: &Value) -> bool {
    let containers = statefulset["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    containers.iter().all(|container| {
        ["cpu", "memory"].iter().all(|resource| {
            let amount = |kind: &str| container["resources"][kind][resource].as_str().map(quantity);
            // A limit without a request is both.
            amount("limits").is_some_and(|limit| amount("requests").is_none_or(|own| own == limit))
        })
    })
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}
