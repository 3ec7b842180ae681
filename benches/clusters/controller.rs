//! In the place of the `StatefulSet` controller and of kubelets: objects of volumes and pods, as they
//! would be a moment after each set was made.

use std::pin::pin;

use futures_util::StreamExt as _;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, watcher};
use kube::{Client, ResourceExt as _};
use serde_json::json;

use crate::{AT_ONCE, NAMESPACE, NODES, address};

/// Keeps every set, for ever.
pub async fn run(client: &Client) {
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), NAMESPACE);
    let changes = watcher(sets, Config::default()).default_backoff().applied_objects();
    let changes = changes.filter_map(async |set| set.ok());
    let mut kept = pin!(changes.map(|set| keep(client, set)).buffer_unordered(AT_ONCE));
    while kept.next().await.is_some() {}
}

async fn keep(client: &Client, set: StatefulSet) {
    let generation = set.metadata.generation;
    let status = set.status.as_ref();
    if status.and_then(|status| status.observed_generation) == generation {
        return;
    }
    let name = set.name_any();
    if status.is_none_or(|status| status.replicas == 0) {
        let cluster: usize = name.rsplit_once('-').unwrap().1.parse().unwrap();
        for ordinal in 0..NODES {
            volume(client, &name, ordinal).await;
            pod(client, &name, cluster, ordinal).await;
        }
    }
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), NAMESPACE);
    let status = json!({ "status": {
        "observedGeneration": generation, "replicas": NODES, "readyReplicas": NODES,
        "currentRevision": "one", "updateRevision": "one",
    }});
    sets.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
}

async fn volume(client: &Client, set: &str, ordinal: usize) {
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), NAMESPACE);
    let name = format!("data-{set}-{ordinal}");
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": name, "labels": { "valkey.verilean.io/cluster": set } },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "1Gi" } },
        },
    });
    apply(&claims, &name, &claim).await;
}

async fn pod(client: &Client, set: &str, cluster: usize, ordinal: usize) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let name = format!("{set}-{ordinal}");
    let object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "labels": {
            "valkey.verilean.io/cluster": set,
            "statefulset.kubernetes.io/pod-name": name,
            "controller-revision-hash": "one",
        }},
        "spec": { "containers": [{ "name": "valkey", "image": "valkey" }] },
    });
    apply(&pods, &name, &object).await;
    let ip = address(cluster * NODES + ordinal).to_string();
    let status = json!({ "status": {
        "podIP": ip, "podIPs": [{ "ip": ip }],
        "conditions": [{ "type": "Ready", "status": "True" }],
        "containerStatuses": [{
            "name": "valkey", "image": "valkey", "imageID": "i", "ready": true, "restartCount": 0,
            "containerID": format!("containerd://{name}"), "state": { "running": {} },
        }],
    }});
    let patch = Patch::Strategic(&status);
    pods.patch_status(&name, &PatchParams::default(), &patch).await.unwrap();
}

async fn apply<K>(api: &Api<K>, name: &str, object: &serde_json::Value)
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let parameters = PatchParams::apply("statefulset-controller");
    api.patch(name, &parameters, &Patch::Apply(object)).await.unwrap();
}
