//! Every golden against the schemas that Kubernetes, cert-manager and the Prometheus operator
//! publish, and through Kubernetes' own types, without any server.
//!
//! The schemas come from Go modules, by `tests/cluster/schemas`, which this runs by itself.
#![allow(clippy::unwrap_used)]

mod check;
mod schemas;
mod typed;

#[path = "../support/differences.rs"]
mod differences;
#[path = "../support/examples.rs"]
mod examples;

use serde_json::Value;
use serde_json::json;

use crate::examples::examples;
use crate::examples::goldens;
use crate::schemas::Schemas;

#[test]
fn every_golden_fits_the_published_schemas() {
    let schemas = Schemas::published();
    let mut faults = Vec::new();
    for folder in ["golden", "golden/master-0", "golden/chart"] {
        for (path, objects) in goldens(folder) {
            assert!(!objects.is_empty(), "{path} is empty");
            for object in objects {
                let found = schemas.faults(&object).into_iter();
                faults.extend(found.map(|fault| format!("{path}: {}: {fault}", object["kind"])));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_example_fits_the_schema_of_the_crd() {
    let schemas = Schemas::published();
    for example in examples() {
        for cluster in example.clusters {
            let faults = schemas.faults(&cluster);
            assert!(faults.is_empty(), "{}: {faults:#?}", example.name);
        }
    }
}

/// The check itself: what is wrong is found, where it is.
#[test]
fn what_does_not_fit_is_found() {
    let schemas = Schemas::published();
    let service = |spec: Value| json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "s" }, "spec": spec });
    let certificate = |spec: Value| json!({ "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "spec": spec });
    let cluster = |spec: Value| json!({ "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster", "spec": spec });
    for (object, expected) in [
        (service(json!({ "ports": [{ "port": 1 }] })), vec![]),
        (service(json!({ "ports": [{ "port": 1, "targetPort": "a" }] })), vec![]),
        (service(json!({ "ports": [{ "port": 1, "targetPort": 2 }] })), vec![]),
        (service(json!({ "port": 1 })), vec!["spec.port: unknown field"]),
        (
            service(json!({ "ports": [{ "prt": 1, "port": 1 }] })),
            vec!["spec.ports[0].prt: unknown field"],
        ),
        (service(json!({ "ports": [{}] })), vec!["spec.ports[0]: `port` is missing"]),
        (
            service(json!({ "ports": [{ "port": "1" }] })),
            vec!["spec.ports[0].port: not an integer"],
        ),
        (
            service(json!({ "ports": [{ "port": 4_294_967_296_u64 }] })),
            vec!["spec.ports[0].port: not an int32"],
        ),
        (
            service(json!({ "ports": [{ "port": 1, "targetPort": true }] })),
            vec!["spec.ports[0].targetPort: fits 0 of 2 schemas"],
        ),
        (service(json!({ "selector": { "a": 1 } })), vec!["spec.selector.a: not a string"]),
        (service(json!({ "selector": null })), vec!["spec.selector: not an object"]),
        (service(json!([])), vec!["spec: not an object"]),
        (certificate(json!({ "secretName": "s" })), vec!["spec: `issuerRef` is missing"]),
        (
            certificate(
                json!({ "secretName": "s", "issuerRef": { "name": "ca" }, "usages": ["serve"] }),
            ),
            vec!["spec.usages[0]: not one of the enumerated values"],
        ),
        (cluster(json!({ "replicas": 10 })), vec!["spec.replicas: above the maximum"]),
        (cluster(json!({ "replicas": 0 })), vec!["spec.replicas: below the minimum"]),
        (cluster(json!({ "image": "" })), vec!["spec.image: too short"]),
        (cluster(json!({ "image": "i".repeat(513) })), vec!["spec.image: too long"]),
        (cluster(json!({ "securityContext": { "any": { "thing": 1 } } })), vec![]),
    ] {
        assert_eq!(schemas.faults(&object), expected, "{object}");
    }
}
