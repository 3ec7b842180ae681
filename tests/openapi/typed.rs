//! Every object through its type in k8s-openapi and back: a key that the type does not know would
//! be lost on the way.

use gungnir::api::ValkeyCluster;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;

use crate::differences::differences;
use crate::examples::examples;
use crate::examples::goldens;

const NONE: [&str; 0] = [];

/// `apiVersion`, `kind`, and the way through the type.
type Typed = (&'static str, &'static str, fn(&Value) -> serde_json::Result<Value>);

const CORE: [Typed; 7] = [
    ("apps/v1", "StatefulSet", through::<StatefulSet>),
    ("networking.k8s.io/v1", "NetworkPolicy", through::<NetworkPolicy>),
    ("policy/v1", "PodDisruptionBudget", through::<PodDisruptionBudget>),
    ("v1", "ConfigMap", through::<ConfigMap>),
    ("v1", "Secret", through::<Secret>),
    ("v1", "Service", through::<Service>),
    ("v1", "ServiceAccount", through::<ServiceAccount>),
];
/// Groups that k8s-openapi has no types for.
const FOREIGN: [&str; 2] = ["cert-manager.io/v1", "monitoring.coreos.com/v1"];

fn through<T: Serialize + DeserializeOwned>(object: &Value) -> serde_json::Result<Value> {
    serde_json::to_value(serde_json::from_value::<T>(object.clone())?)
}

#[test]
fn every_golden_comes_back_whole_from_its_type() {
    let mut seen = [false; CORE.len()];
    for folder in ["golden", "golden/master-0"] {
        for (path, objects) in goldens(folder) {
            for object in objects {
                if FOREIGN.iter().any(|group| object["apiVersion"] == *group) {
                    continue;
                }
                let (api_version, kind) = (&object["apiVersion"], &object["kind"]);
                let known = |row: &Typed| *api_version == row.0 && *kind == row.1;
                let row = CORE.iter().position(known);
                let row = row.unwrap_or_else(|| panic!("{path}: no type for {api_version} {kind}"));
                seen[row] = true;
                let back = (CORE[row].2)(&object).unwrap_or_else(|error| {
                    panic!("{path}: {kind}: {error}");
                });
                assert_eq!(differences(&object, &back), NONE, "{path}: {kind}");
            }
        }
    }
    for (row, seen) in CORE.iter().zip(seen) {
        assert!(seen, "no golden has a {}", row.1);
    }
}

#[test]
fn every_example_comes_back_whole_from_its_type() {
    for example in examples() {
        for cluster in example.clusters {
            let back = through::<ValkeyCluster>(&cluster).unwrap();
            assert_eq!(differences(&cluster, &back), NONE, "{}", example.name);
        }
    }
}

/// The comparison itself: a key that is not Kubernetes' does not come back.
#[test]
fn a_key_that_the_type_does_not_know_is_lost() {
    let object = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "s" },
        "spec": { "ports": [{ "port": 1, "prt": 1 }] },
    });
    let back = through::<Service>(&object).unwrap();
    assert_eq!(differences(&object, &back), [".spec.ports[0].prt: expected 1, found nothing"]);
}
