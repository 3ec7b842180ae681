//! One namespace with an operator: what a test does to it, and what it waits for.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gungnir::operator::{ClusterFacts, LeaseName, LeaseTimes, Options, Outside, Scope, run_with};
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::client::ClientBuilder;
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::account;
use crate::server::{Apply, Refusal, Server};
use crate::tap::Tap;
use crate::told::Told;

/// Each operator is another process to the others.
static PROCESSES: AtomicU32 = AtomicU32::new(0);
/// How long anything may take that the operator does by itself.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How long nothing may happen for it to count as rest.
pub const REST: Duration = Duration::from_secs(3);

/// By force, really.
pub const FORCED: Apply = Apply { dry_run: false, force: true, subresource: None };

/// The children of a cluster of defaults: kind and name.
pub const CHILDREN: [(&str, &str); 7] = [
    ("Service", "shop-headless"),
    ("Service", "shop-client"),
    ("Service", "shop-replicas"),
    ("ConfigMap", "shop-config"),
    ("Secret", "shop-secret"),
    ("StatefulSet", "shop"),
    ("PodDisruptionBudget", "shop-pdb"),
];

/// What is made only when it is asked for.
pub const OPTIONAL: [(&str, &str); 6] = [
    ("Certificate", "shop-tls"),
    ("ServiceMonitor", "shop"),
    ("PodMonitor", "shop"),
    ("PrometheusRule", "shop"),
    ("NetworkPolicy", "shop"),
    ("ServiceAccount", "shop"),
];

/// A spec that asks for every kind.
pub fn every_kind() -> Value {
    json!({
        "tls": { "enabled": true, "issuerRef": { "name": "ca" } },
        "metrics": {
            "enabled": true,
            "serviceMonitor": { "enabled": true },
            "podMonitor": { "enabled": true },
            "prometheusRule": { "enabled": true },
        },
        "networkPolicy": { "enabled": true },
        "serviceAccount": { "create": true },
    })
}

/// One namespace.
#[derive(Clone)]
pub struct World {
    /// The API server, unspoilt.
    pub server: Server,
    client: Client,
    /// The namespace.
    pub namespace: String,
    /// Where the lease is.
    pub lease_namespace: String,
    account: &'static str,
    /// Between the operator and the API server.
    pub tap: Tap,
    /// In the place of the election.
    pub told: Told,
}

/// Makes a namespace and runs `story` in it while an operator runs.
pub async fn with_operator<F: Future<Output = ()>>(name: &str, story: impl FnOnce(World) -> F) {
    let world = World::new(name).await;
    world.operated(story(world.clone())).await;
}

impl World {
    /// A namespace without an operator yet.
    pub async fn new(name: &str) -> Self {
        let server = Server::connect().await;
        let namespace = server.namespace(name, json!({})).await;
        account::grant(&server, "default.yaml", &namespace).await;
        let client = Client::try_default().await.unwrap();
        let (tap, told) = (Tap::default(), Told::default());
        let (lease_namespace, account) = (namespace.clone(), account::OF_ALL_NAMESPACES);
        Self { server, client, namespace, lease_namespace, account, tap, told }
    }

    /// The same namespace, with another operator in mind.
    pub fn another(&self) -> Self {
        Self { tap: Tap::default(), told: Told::default(), ..self.clone() }
    }

    /// The same namespace, with an operator in mind that was installed elsewhere.
    pub async fn installed_elsewhere(&self, name: &str) -> Self {
        let lease_namespace = self.server.namespace(name, json!({})).await;
        account::grant(&self.server, "default.yaml", &lease_namespace).await;
        Self { lease_namespace, ..self.another() }
    }

    /// A namespace with an operator that has rights in it alone.
    pub async fn of_one_namespace(name: &str) -> Self {
        let world = Self::new(name).await;
        account::grant(&world.server, "one-namespace.yaml", &world.namespace).await;
        Self { account: account::OF_ONE_NAMESPACE, ..world }
    }

    /// Runs an operator until `story` ends.
    pub async fn operated(&self, story: impl Future<Output = ()>) {
        self.operated_with(|_| {}, story).await;
    }

    /// The same, with other options.
    pub async fn operated_with(
        &self,
        change: impl FnOnce(&mut Options),
        story: impl Future<Output = ()>,
    ) {
        account::granted(self.account, &self.namespace).await;
        let config = account::config(self.account).await;
        let builder = ClientBuilder::try_from(config).unwrap();
        let client = builder.with_layer(&account::Noted).with_layer(&self.tap).build();
        let mut options = Options {
            scope: Scope::Namespace(self.namespace.clone()),
            lease: LeaseName {
                namespace: self.lease_namespace.clone(),
                name: "gungnir-operator".to_owned(),
                identity: format!("test-{}", PROCESSES.fetch_add(1, Ordering::Relaxed)),
            },
            lease_times: LeaseTimes::default(),
            outside: Outside::default(),
            listen: None,
            discovery: None,
            pause_all: false,
        };
        change(&mut options);
        let (_news, told) = tokio::sync::mpsc::channel(1);
        run_with(client, options, |_| self.told.clone(), told, story).await.unwrap();
    }

    /// People apply the cluster `shop` with this spec.
    pub async fn shop(&self, spec: Value) -> Value {
        self.cluster("shop", spec).await
    }

    /// People apply a cluster.
    pub async fn cluster(&self, name: &str, spec: Value) -> Value {
        self.try_cluster(name, spec).await.unwrap()
    }

    /// People apply a cluster, which the API server may refuse.
    pub async fn try_cluster(&self, name: &str, spec: Value) -> Result<Value, Refusal> {
        let object = json!({
            "apiVersion": "valkey.verilean.io/v1",
            "kind": "ValkeyCluster",
            "metadata": { "name": name, "namespace": self.namespace },
            "spec": spec,
        });
        self.server.apply("people", &object, FORCED).await.map(|answer| answer.object)
    }

    /// Objects of a kind.
    pub fn api(&self, kind: &str) -> Api<DynamicObject> {
        let (group, version) = match kind {
            "StatefulSet" => ("apps", "v1"),
            "PodDisruptionBudget" => ("policy", "v1"),
            "NetworkPolicy" => ("networking.k8s.io", "v1"),
            "ValkeyCluster" => ("valkey.verilean.io", "v1"),
            "Certificate" => ("cert-manager.io", "v1"),
            "ServiceMonitor" | "PodMonitor" | "PrometheusRule" => ("monitoring.coreos.com", "v1"),
            "Event" => ("events.k8s.io", "v1"),
            "Lease" => ("coordination.k8s.io", "v1"),
            _ => ("", "v1"),
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    /// An object as it is.
    pub async fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let object = self.api(kind).get_opt(name).await.unwrap()?;
        Some(serde_json::to_value(object).unwrap())
    }

    /// All objects of a kind.
    pub async fn list(&self, kind: &str) -> Vec<Value> {
        let list = self.api(kind).list(&ListParams::default()).await.unwrap();
        list.items.into_iter().map(|object| serde_json::to_value(object).unwrap()).collect()
    }

    /// Somebody changes an object by a merge patch, as `kubectl edit` does.
    pub async fn edit(&self, manager: &str, kind: &str, name: &str, change: Value) {
        let parameters =
            PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        self.api(kind).patch(name, &parameters, &Patch::Merge(&change)).await.unwrap();
    }

    /// Somebody deletes an object.
    pub async fn delete(&self, kind: &str, name: &str) {
        self.api(kind).delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Waits until an object is as wanted, and gives it.
    pub async fn until(
        &self,
        what: &str,
        kind: &str,
        name: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let start = Instant::now();
        loop {
            let object = self.get(kind, name).await;
            if let Some(object) = object.as_ref().filter(|object| wanted(object)) {
                return object.clone();
            }
            if start.elapsed() > DEADLINE {
                let cluster = self.get("ValkeyCluster", "shop").await.unwrap_or_default();
                panic!("{what}: not after {DEADLINE:?}: {object:#?}\n{:#}", cluster["status"]);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// A controller writes the status of an object.
    pub async fn status(&self, kind: &str, name: &str, status: Value) {
        let change = json!({ "status": status });
        let patch = Patch::Merge(&change);
        self.api(kind).patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// The record names an operator, as one that manages `shop` has written it.
    pub async fn recorded_by(&self, lease: Option<&str>) {
        let record = json!({ "term": 1, "epoch": 1, "phase": "Adopt", "w": 0, "baseOffset": 0,
                             "operator": lease });
        self.status("ValkeyCluster", "shop", json!({ "election": record })).await;
    }

    /// What the election knows of `shop`.
    pub fn facts(&self) -> ClusterFacts {
        self.known().unwrap()
    }

    /// The same, once it has been told.
    pub fn known(&self) -> Option<ClusterFacts> {
        self.told.of("shop")
    }

    /// A pod of `shop` as the controller and a kubelet would make it, of this template.
    pub async fn pod(&self, ordinal: u32, revision: &str) {
        let name = format!("shop-{ordinal}");
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": self.namespace,
                "labels": {
                    "valkey.verilean.io/cluster": "shop", "controller-revision-hash": revision,
                },
            },
            "spec": { "containers": [{ "name": "valkey", "image": "valkey" }] },
        });
        self.server.apply("statefulset-controller", &pod, Apply::default()).await.unwrap();
        let status = json!({
            "podIP": format!("10.0.0.{ordinal}"),
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{
                "name": "valkey", "containerID": format!("c://{revision}-{ordinal}"),
                "image": "valkey", "imageID": "i", "ready": true, "restartCount": 0,
                "state": { "running": {} },
            }],
        });
        self.status("Pod", &name, status).await;
    }

    /// The controller has seen the `StatefulSet` as it is, and its template is of this name.
    pub async fn set_seen(&self, replicas: u32, revision: &str) {
        let set = self.get("StatefulSet", "shop").await.unwrap();
        let status = json!({
            "observedGeneration": set["metadata"]["generation"], "replicas": replicas,
            "readyReplicas": replicas, "updateRevision": revision,
        });
        self.status("StatefulSet", "shop", status).await;
    }

    /// A volume claim of `shop` as the controller would make it.
    pub async fn claim(&self, ordinal: u32, size: &str, class: &str) {
        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": format!("data-shop-{ordinal}"), "namespace": self.namespace,
                "labels": { "valkey.verilean.io/cluster": "shop" },
            },
            "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": class,
                "volumeName": format!("volume-{ordinal}"),
                "resources": { "requests": { "storage": size } },
            },
        });
        self.server.apply("statefulset-controller", &claim, Apply::default()).await.unwrap();
        let name = format!("data-shop-{ordinal}");
        let bound = json!({ "phase": "Bound", "capacity": { "storage": size } });
        self.status("PersistentVolumeClaim", &name, bound).await;
    }

    /// The sentinel points at a master.
    pub async fn master(&self, ordinal: u32) {
        let pod = format!("shop-{ordinal}");
        let selector = json!({ "statefulset.kubernetes.io/pod-name": pod });
        let pointer = json!({ "spec": { "selector": selector } });
        self.edit("gungnir-sentinel", "Service", "shop-client", pointer).await;
        self.until("the master", "ValkeyCluster", "shop", |cluster| {
            cluster["status"]["master"] == pod
        })
        .await;
    }

    /// Waits until the election is asked to hand over to a pod.
    pub async fn asked_to_hand_over(&self, to: &str) {
        let start = Instant::now();
        while self.facts().heir.as_deref() != Some(to) {
            assert!(start.elapsed() < DEADLINE, "{to}: {:?}", self.facts());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an object is gone.
    pub async fn gone(&self, kind: &str, name: &str) {
        let start = Instant::now();
        while self.get(kind, name).await.is_some() {
            assert!(start.elapsed() < DEADLINE, "{kind} {name} is still there");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until every child of defaults is there, the passwords and the status as well.
    pub async fn created(&self) {
        for (kind, name) in CHILDREN {
            self.until("created", kind, name, |_| true).await;
        }
        self.until("passwords", "Secret", "shop-secret", |secret| {
            secret["data"].as_object().is_some_and(|data| data.len() == 3)
        })
        .await;
        self.until("status", "ValkeyCluster", "shop", |cluster| {
            cluster["status"]["observedGeneration"] == cluster["metadata"]["generation"]
        })
        .await;
        self.rest().await;
    }

    /// Waits until a cluster is told to be as its spec says.
    pub async fn settled(&self, cluster: &Value) {
        self.until("settled", "ValkeyCluster", "shop", |now| {
            let holds = |kind| find(now, kind).is_some_and(|it| it["status"] == "True");
            now["status"]["observedGeneration"] == cluster["metadata"]["generation"]
                && holds("Ready")
                && !holds("Progressing")
        })
        .await;
    }

    /// Waits until the operator asks nothing any more, and forgets what it has asked.
    pub async fn rest(&self) {
        let start = Instant::now();
        loop {
            self.tap.take();
            sleep(Duration::from_secs(1)).await;
            let seen = self.tap.take();
            if seen.is_empty() {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "no rest: {seen:#?}");
        }
    }

    /// `shop` is deleted, and what it had stays as nobody's: `kubectl delete --cascade=orphan`.
    pub async fn orphan(&self) {
        self.delete("ValkeyCluster", "shop").await;
        self.gone("ValkeyCluster", "shop").await;
        let orphan = json!({ "metadata": { "ownerReferences": null } });
        loop {
            for (kind, name) in CHILDREN {
                self.edit("garbage-collector", kind, name, orphan.clone()).await;
            }
            self.rest().await;
            // An operator that had not heard of the end yet has taken them back.
            let mut owned = Vec::new();
            for (kind, name) in CHILDREN {
                let object = self.get(kind, name).await.unwrap();
                owned.extend((!object["metadata"]["ownerReferences"].is_null()).then_some(name));
            }
            if owned.is_empty() {
                return;
            }
        }
    }

    /// Waits until a condition of `shop` has a status, and gives its message.
    pub async fn condition(&self, kind: &str, status: &str) -> String {
        let what = format!("{kind}={status}");
        let cluster = self
            .until(&what, "ValkeyCluster", "shop", |cluster| {
                find(cluster, kind).is_some_and(|condition| condition["status"] == status)
            })
            .await;
        find(&cluster, kind).unwrap()["message"].as_str().unwrap().to_owned()
    }
}

/// A condition of a cluster.
pub fn find<'c>(cluster: &'c Value, kind: &str) -> Option<&'c Value> {
    let conditions = cluster["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}
