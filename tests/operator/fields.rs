//! Every field of the spec, changed in turn: what is live is what the changed spec renders to.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::examples::{examples, moved_to};
use crate::server::Apply;
use crate::whole::is_live;
use crate::world::{World, with_operator};

/// Fields, each with another value than the example `everything` has.
fn changes() -> Vec<(&'static str, Value)> {
    let resources = json!({ "requests": { "cpu": "2", "memory": "4Gi" },
                            "limits": { "cpu": "2", "memory": "4Gi" } });
    vec![
        (
            "affinity",
            json!({ "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [{
                "weight": 7,
                "podAffinityTerm": {
                    "topologyKey": "topology.kubernetes.io/zone",
                    "labelSelector": { "matchLabels": { "valkey.verilean.io/cluster": "shop" } },
                },
            }],
        } }),
        ),
        ("annotations", json!({ "example.com/contact": "nobody" })),
        ("auth.enabled", json!(false)),
        ("auth.existingSecret.key", json!("other-password")),
        ("auth.existingSecret.name", json!("other-login")),
        ("config", json!({ "maxmemory-policy": "allkeys-lru", "databases": "4" })),
        ("env", json!([{ "name": "TZ", "value": "Asia/Tokyo" }])),
        ("extraContainers", json!([])),
        ("extraVolumeMounts", json!([])),
        ("extraVolumes", json!([{ "name": "extra", "emptyDir": {} }])),
        ("image", json!("docker.io/valkey/valkey:9.0.1")),
        ("imagePullPolicy", json!("Always")),
        ("imagePullSecrets", json!([{ "name": "other-registry" }])),
        ("labels", json!({ "example.com/team": "other" })),
        ("maxMemoryPercentOfLimit", json!(50)),
        ("metrics.enabled", json!(false)),
        ("metrics.image", json!("docker.io/oliver006/redis_exporter:v1.75.0")),
        ("metrics.podMonitor.enabled", json!(false)),
        ("metrics.podMonitor.interval", json!("2m")),
        ("metrics.podMonitor.labels", json!({ "release": "other" })),
        ("metrics.port", json!(9122)),
        ("metrics.prometheusRule.enabled", json!(false)),
        ("metrics.prometheusRule.labels", json!({ "release": "other" })),
        ("metrics.resources", resources.clone()),
        ("metrics.serviceMonitor.enabled", json!(false)),
        ("metrics.serviceMonitor.interval", json!("15s")),
        ("metrics.serviceMonitor.labels", json!({ "release": "other" })),
        ("networkPolicy.allowFrom", json!([{ "podSelector": {} }])),
        ("networkPolicy.enabled", json!(false)),
        ("nodeSelector", json!({ "kubernetes.io/os": "linux", "example.com/disk": "fast" })),
        ("persistence.mode", json!("rdb")),
        ("persistence.reclaimPolicy", json!("Delete")),
        ("podAnnotations", json!({ "example.com/scanned": "2026-01-31" })),
        ("podDisruptionBudget.enabled", json!(false)),
        ("podDisruptionBudget.maxUnavailable", json!(1)),
        ("podLabels", json!({ "example.com/tier": "cache" })),
        ("podSecurityContext", json!({ "runAsUser": 1234 })),
        ("priorityClassName", json!("system-cluster-critical")),
        ("replicas", json!(7)),
        ("replication.disklessSync", json!(false)),
        ("replication.durability", json!("Preferred")),
        ("replication.minReplicasMaxLag", json!(2)),
        ("replication.minReplicasToWrite", json!(1)),
        ("resources", resources),
        ("securityContext", json!({ "runAsUser": 1234 })),
        ("sentinel.autoFailover", json!(false)),
        ("sentinel.downAfterMs", json!(9000)),
        ("sentinel.failoverTimeoutMs", json!(45000)),
        ("sentinel.pingIntervalMs", json!(700)),
        ("sentinel.policy", json!("Availability")),
        ("sentinel.replicaOrder", json!("PriorityFirst")),
        ("service.annotations", json!({ "example.com/dns": "other.example.com" })),
        ("service.externalTrafficPolicy", json!("Cluster")),
        ("service.loadBalancerSourceRanges", json!(["192.168.0.0/16"])),
        ("service.nodePort", json!(30064)),
        ("service.type", json!("NodePort")),
        ("serviceAccount.annotations", json!({ "example.com/role": "other" })),
        ("serviceAccount.create", json!(false)),
        ("serviceAccount.name", json!("other-valkey")),
        ("terminationGracePeriodSeconds", json!(75)),
        ("tls.clientAuth", json!("off")),
        ("tls.duration", json!("1000h")),
        ("tls.enabled", json!(false)),
        ("tls.extraDnsNames", json!([])),
        ("tls.issuerRef.group", json!("other.example.com")),
        ("tls.issuerRef.kind", json!("Issuer")),
        ("tls.issuerRef.name", json!("other-ca")),
        ("tls.renewBefore", json!("100h")),
        ("tolerations", json!([])),
        ("topologySpreadConstraints", json!([])),
    ]
}

/// Fields that go together with another one.
fn with(field: &str, spec: &mut Value) {
    match field {
        "metrics.enabled" => {
            for part in ["podMonitor", "prometheusRule", "serviceMonitor"] {
                spec["metrics"][part]["enabled"] = json!(false);
            }
        }
        "auth.enabled" => drop(spec["auth"].as_object_mut().unwrap().remove("existingSecret")),
        "tls.enabled" => spec["tls"] = json!({ "enabled": false }),
        "replication.minReplicasMaxLag" => spec["sentinel"]["downAfterMs"] = json!(5000),
        "service.type" => {
            for part in ["loadBalancerClass", "loadBalancerSourceRanges"] {
                spec["service"].as_object_mut().unwrap().remove(part);
            }
        }
        "extraVolumes" => spec["extraVolumeMounts"] = json!([]),
        _ => {}
    }
}

/// Fields whose change the API server refuses.
fn refused() -> Vec<(&'static str, Value)> {
    vec![
        ("port", json!(6401)),
        ("persistence.enabled", json!(false)),
        ("persistence.storageClassName", json!("other")),
        ("restoreFrom.backupName", json!("yesterday")),
    ]
}

/// What has tests of its own: growth, the hand-over to Git, what excludes what `everything` has, and
/// what Kubernetes lets nobody change.
const ELSEWHERE: [&str; 4] =
    ["persistence.storageSize", "management", "tls.certSecretName", "service.loadBalancerClass"];

/// Every field of the spec, by its path: parts that are Kubernetes' own, or maps, are one.
fn fields() -> BTreeSet<String> {
    fn walk(path: &str, schema: &Value, found: &mut BTreeSet<String>) {
        let whole = ["affinity", "resources", "metrics.resources"].contains(&path);
        match schema["properties"].as_object().filter(|_| !whole) {
            Some(properties) => {
                for (name, schema) in properties {
                    let path =
                        if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(&path, schema, found);
                }
            }
            None => {
                found.insert(path.to_owned());
            }
        }
    }
    let definition = serde_json::to_value(gungnir::api::crd()).unwrap();
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let mut found = BTreeSet::new();
    walk("", &schema["properties"]["spec"], &mut found);
    found
}

#[test]
fn no_field_is_forgotten() {
    let rows = changes().into_iter().chain(refused()).map(|(field, _)| field.to_owned());
    let told: BTreeSet<String> = rows.chain(ELSEWHERE.map(str::to_owned)).collect();
    assert_eq!(told, fields());
}

fn set(spec: &mut Value, path: &str, value: Value) {
    let place = path.split('.').fold(spec, |place, name| &mut place[name]);
    assert_ne!(*place, value, "{path} would not change");
    *place = value;
}

fn everything(namespace: &str) -> Value {
    let example = examples().into_iter().find(|example| example.name == "everything").unwrap();
    let mut cluster = moved_to(namespace, example.clusters.into_iter().next().unwrap());
    cluster["metadata"]["name"] = json!("shop");
    cluster["metadata"]["labels"] = json!({});
    cluster
}

#[tokio::test]
async fn every_field_that_changes_is_carried_out() {
    with_operator("fields", |world: World| async move {
        for name in ["everything-login", "other-login"] {
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": { "name": name, "namespace": world.namespace },
                "stringData": { "application-password": "a-long-password",
                                "other-password": "another-long-password" },
            });
            world.server.apply("people", &secret, Apply::default()).await.unwrap();
        }
        let base = everything(&world.namespace);
        let base = world.cluster("shop", base["spec"].clone()).await;
        let mut live = is_live(&world, "everything", &base, &[]).await;
        let unchanged = live.clone();

        for (field, value) in changes() {
            let mut changed = base.clone();
            set(&mut changed["spec"], field, value);
            with(field, &mut changed["spec"]);
            let changed = world.cluster("shop", changed["spec"].clone()).await;
            live = is_live(&world, field, &changed, &live).await;
            // These decide elections; the rest is in the manifests.
            let silent = field.starts_with("sentinel.") || field == "replication.durability";
            assert!(silent || live != unchanged, "{field} changes nothing that is rendered");
            world
                .until(field, "ValkeyCluster", "shop", |cluster| {
                    cluster["status"]["observedGeneration"] == changed["metadata"]["generation"]
                })
                .await;
        }
        let base = world.cluster("shop", base["spec"].clone()).await;
        is_live(&world, "everything, again", &base, &live).await;

        for (field, value) in refused() {
            let mut changed = base.clone();
            set(&mut changed["spec"], field, value);
            let refusal = world.try_cluster("shop", changed["spec"].clone()).await.unwrap_err();
            assert_eq!(refusal.code, 422, "{field}: {refusal:?}");
        }
    })
    .await;
}
