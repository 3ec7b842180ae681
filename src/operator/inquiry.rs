//! What people ask of a cluster from outside, with their own rights: what is there, what its leader
//! says, and a handover.
//!
//! Nothing here leads, so nothing here changes anything but the one annotation by which people ask
//! for a handover.

use std::fmt::Debug;
use std::time::Duration;

use json_patch::jsonptr::PointerBuf;
use json_patch::{PatchOperation, RemoveOperation, TestOperation};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod as ApiPod};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DynamicObject, GetParams, ListParams, Patch, PatchParams, Request};
use kube::core::Resource as _;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::cluster::{LABEL_CLUSTER, LABEL_POD_NAME, Names, ValidatedCluster};
use crate::runtime::{Explanation, Gate, NodeExplained};

use super::annotation::Annotation;
use super::cache::{ClusterObject, KindId, Part, Pod};
use super::error::{RequestError, chain};
use super::facts::ClusterKey;
use super::facts_of::settings;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The field manager of the command line.
const MANAGER: &str = "gungnir-cli";
/// Where the operator answers, unless its pod says otherwise.
const DEFAULT_PORT: i32 = 8080;
/// The name of that port.
const PORT_NAME: &str = "http";

/// Why the leader did not explain itself.
#[derive(Debug, thiserror::Error)]
pub enum InquiryError {
    /// The API server.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is no leader.
    #[error("nobody holds the lease `{0}`")]
    NoLeader(String),
    /// What it says is not to be understood.
    #[error("the answer of pod `{pod}` is not understood: {cause}")]
    Answer {
        /// Who answered.
        pod: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// A pod of a cluster, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSeen {
    /// Its name.
    pub name: String,
    /// The label `valkey.verilean.io/role`.
    pub role: Option<String>,
    /// It is ready.
    pub ready: bool,
    /// It is being deleted.
    pub deleting: bool,
    /// Where it runs.
    pub node: Option<String>,
    /// How long ago it was made.
    pub age: Duration,
}

/// Asks an API server.
pub struct Inquiry {
    client: Client,
}

impl Inquiry {
    /// By a client of whoever asks.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// A cluster; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    pub async fn cluster(&self, key: &ClusterKey) -> Result<Option<ClusterObject>, RequestError> {
        let Some(kind) = cluster_kind() else { return Ok(None) };
        let found = self.get(kind, &key.namespace, &key.name).await?;
        Ok(found.and_then(|object| ClusterObject::of(&object.metadata, &object.data)))
    }

    /// The clusters of a namespace, or of all, by name.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    pub async fn clusters(
        &self,
        namespace: Option<&str>,
    ) -> Result<Vec<ClusterObject>, RequestError> {
        let Some(kind) = cluster_kind() else { return Ok(Vec::new()) };
        let found = self.list(kind, namespace, &ListParams::default()).await?;
        let read = |object: &DynamicObject| ClusterObject::of(&object.metadata, &object.data);
        let mut clusters: Vec<ClusterObject> = found.iter().filter_map(read).collect();
        clusters.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(clusters)
    }

    /// Whether there is such a namespace; who may not look is told that there is.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    pub async fn has_namespace(&self, name: &str) -> Result<bool, RequestError> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        match wait(format!("read namespace `{name}`"), namespaces.get_opt(name)).await {
            Err(error) if error.status().is_some_and(|status| status.code == 403) => Ok(true),
            found => Ok(found?.is_some()),
        }
    }

    /// The pods of a cluster, by ordinal.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    pub async fn pods(&self, key: &ClusterKey) -> Result<Vec<PodSeen>, RequestError> {
        let pods = KindId::all().find(|kind| kind.row().part == Part::Pod);
        let Some(kind) = pods else { return Ok(Vec::new()) };
        let found = self.list(kind, Some(&key.namespace), &labelled(&key.name)).await?;
        let now = Timestamp::now();
        let read = |object: &DynamicObject| {
            let Pod { name, role, ready, created, .. } = Pod::of(&object.metadata, &object.data)?;
            let age = created.map(|created| now.duration_since(created));
            let node = object.data.pointer("/spec/nodeName").and_then(Value::as_str);
            Some(PodSeen {
                name,
                role,
                ready,
                deleting: object.metadata.deletion_timestamp.is_some(),
                node: node.map(str::to_owned),
                age: age.and_then(|age| Duration::try_from(age).ok()).unwrap_or_default(),
            })
        };
        let mut pods: Vec<PodSeen> = found.iter().filter_map(read).collect();
        pods.sort_by_key(|pod| (pod.name.len(), pod.name.clone()));
        Ok(pods)
    }

    /// The pod that the Service of a cluster's clients selects.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    pub async fn pointer(&self, key: &ClusterKey) -> Result<Option<String>, RequestError> {
        let services = KindId::all().find(|kind| kind.row().resource.kind == "Service");
        let Some(kind) = services else { return Ok(None) };
        let found = self.get(kind, &key.namespace, &Names::of(&key.name).client).await?;
        let pod = found.as_ref().and_then(|object| {
            object.data.get("spec")?.get("selector")?.get(LABEL_POD_NAME)?.as_str()
        });
        Ok(pod.map(str::to_owned))
    }

    /// What the leader says of a cluster. It is found by its lease (`namespace/name`) and asked
    /// through the API server, so that no port has to be open to people.
    ///
    /// # Errors
    ///
    /// [`InquiryError`].
    pub async fn explanation(
        &self,
        lease: &str,
        key: &ClusterKey,
    ) -> Result<Explanation, InquiryError> {
        let nobody = || InquiryError::NoLeader(lease.to_owned());
        let (namespace, name) = lease.split_once('/').ok_or_else(nobody)?;
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), namespace);
        let found = wait(format!("read lease `{lease}`"), leases.get_opt(name)).await?;
        let holder = found.and_then(|lease| lease.spec?.holder_identity).ok_or_else(nobody)?;
        // A process is its pod and a number: one that restarts in its pod is another one.
        let pod = holder.rsplit_once('_').map_or(holder.as_str(), |(pod, _)| pod);
        if pod.is_empty() {
            return Err(nobody());
        }
        let port = self.port(namespace, pod).await;
        let pods = ApiPod::url_path(&(), Some(namespace));
        let path = format!("{pods}/{pod}:{port}/proxy/explain/{}", key.namespace);
        let what = format!("ask pod `{namespace}/{pod}`, which leads");
        let request = Request::new(path).get(&key.name, &GetParams::default());
        let request = request.map_err(|error| InquiryError::Answer {
            pod: pod.to_owned(),
            cause: error.to_string(),
        })?;
        let text = wait(what, self.client.request_text(request)).await?;
        serde_json::from_str(&text)
            .map_err(|error| InquiryError::Answer { pod: pod.to_owned(), cause: chain(&error) })
    }

    /// The port on which a pod of the operator answers.
    async fn port(&self, namespace: &str, pod: &str) -> i32 {
        let pods: Api<ApiPod> = Api::namespaced(self.client.clone(), namespace);
        // Who may not read the pod may still reach its usual port.
        let found = wait(String::new(), pods.get_opt(pod)).await.ok().flatten();
        let containers = found.and_then(|pod| pod.spec).map(|spec| spec.containers);
        let mut ports = containers.into_iter().flatten().filter_map(|container| container.ports);
        let http = ports.find_map(|ports| {
            let http = ports.into_iter().find(|port| port.name.as_deref() == Some(PORT_NAME));
            http.map(|port| port.container_port)
        });
        http.unwrap_or(DEFAULT_PORT)
    }

    /// Asks for a handover by the annotation.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    pub async fn ask_for_switchover(
        &self,
        key: &ClusterKey,
        value: &str,
    ) -> Result<(), RequestError> {
        let annotations = json!({ Annotation::SwitchoverTo.key(): value });
        let body = json!({ "metadata": { "annotations": annotations } });
        let what = format!("annotate ValkeyCluster {key}");
        self.patch_cluster(key, what, &Patch::Merge(&body)).await
    }

    /// Takes back what was asked for, if it still says so.
    ///
    /// # Errors
    ///
    /// [`RequestError`]; that somebody else asks for something by now is none.
    pub async fn withdraw_switchover(
        &self,
        key: &ClusterKey,
        value: &str,
    ) -> Result<(), RequestError> {
        let path = ["metadata", "annotations", Annotation::SwitchoverTo.key()];
        let path = PointerBuf::from_tokens(path);
        // Looked at and taken away by the server at once: the leader writes the status meanwhile.
        let change = Patch::Json::<()>(json_patch::Patch(vec![
            PatchOperation::Test(TestOperation { path: path.clone(), value: value.into() }),
            PatchOperation::Remove(RemoveOperation { path }),
        ]));
        let what = format!("take the annotation of ValkeyCluster {key} back");
        let Err(refused) = self.patch_cluster(key, what, &change).await else { return Ok(()) };
        match refused.status().map(|status| status.code) {
            Some(404) => Ok(()),
            Some(422) => match self.cluster(key).await? {
                Some(now) if now.annotation(Annotation::SwitchoverTo) == Some(value) => {
                    Err(refused)
                }
                _ => Ok(()),
            },
            _ => Err(refused),
        }
    }

    async fn patch_cluster<P: Serialize + Debug>(
        &self,
        key: &ClusterKey,
        what: String,
        patch: &Patch<P>,
    ) -> Result<(), RequestError> {
        let Some(kind) = cluster_kind() else { return Ok(()) };
        let api = self.api(kind, Some(&key.namespace));
        let field_manager = Some(MANAGER.to_owned());
        let parameters = PatchParams { field_manager, ..PatchParams::default() };
        wait(what, api.patch(&key.name, &parameters, patch)).await.map(drop)
    }

    /// An object; `None` when there is none, or nobody serves its kind.
    pub(super) async fn get(
        &self,
        kind: KindId,
        namespace: &str,
        name: &str,
    ) -> Result<Option<DynamicObject>, RequestError> {
        let what = format!("read {} {namespace}/{name}", kind.row().resource.kind);
        match wait(what, self.api(kind, Some(namespace)).get_opt(name)).await {
            // What is said of a kind that nobody serves is no status of Kubernetes.
            Err(error) if error.status().is_some_and(|status| status.code == 404) => Ok(None),
            found => found,
        }
    }

    /// The objects of a cluster that have its label.
    pub(super) async fn list_of(
        &self,
        kind: KindId,
        key: &ClusterKey,
    ) -> Result<Vec<DynamicObject>, RequestError> {
        self.list(kind, Some(&key.namespace), &labelled(&key.name)).await
    }

    async fn list(
        &self,
        kind: KindId,
        namespace: Option<&str>,
        parameters: &ListParams,
    ) -> Result<Vec<DynamicObject>, RequestError> {
        let kind_name = &kind.row().resource.kind;
        let what = match namespace {
            Some(namespace) => format!("list {kind_name} in namespace `{namespace}`"),
            None => format!("list {kind_name} in all namespaces"),
        };
        Ok(wait(what, self.api(kind, namespace).list(parameters)).await?.items)
    }

    /// What an object would be after a server-side apply.
    pub(super) async fn apply_dry(
        &self,
        kind: KindId,
        manager: &str,
        object: &Value,
        force: bool,
    ) -> Result<DynamicObject, RequestError> {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let (namespace, name) = (text("namespace"), text("name"));
        let what = format!("dry run on {} {namespace}/{name}", kind.row().resource.kind);
        let parameters = PatchParams { dry_run: true, force, ..PatchParams::apply(manager) };
        let api = self.api(kind, Some(namespace));
        wait(what, api.patch(name, &parameters, &Patch::Apply(object))).await
    }

    fn api(&self, kind: KindId, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = &kind.row().resource;
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        }
    }
}

/// What the status of a cluster and its pods say, where the leader says nothing.
#[must_use]
pub fn explanation_of(
    cluster: &ClusterObject,
    sound: &ValidatedCluster,
    pods: &[PodSeen],
) -> Explanation {
    let election = cluster.status.election.clone().unwrap_or_default();
    let recorded = cluster.status.election.is_some();
    let positive = |number: i64| u64::try_from(number).unwrap_or(0);
    Explanation {
        name: cluster.key.to_string(),
        phase: recorded.then(|| format!("{:?}", election.phase)),
        term: positive(election.term),
        epoch: positive(election.epoch),
        master: election.master.map(|master| master.pod),
        target: election.target,
        endpoint: cluster.status.master.clone(),
        w: u8::try_from(election.w).unwrap_or(0),
        members: election.in_sync.into_iter().map(|member| member.pod).collect(),
        nodes: pods.iter().map(node_of).collect(),
        next: vec!["not known".to_owned()],
        hold: None,
        settings: settings(&sound.quorum, &sound.failover),
        warnings: Vec::new(),
        events: Vec::new(),
    }
}

fn node_of(pod: &PodSeen) -> NodeExplained {
    let ready = if pod.ready { "ready" } else { "not ready" };
    let leaving = pod.deleting.then(|| "leaving".to_owned());
    NodeExplained {
        address: pod.name.clone(),
        role: pod.role.clone(),
        upstream: None,
        offset: None,
        behind_bytes: None,
        state: std::iter::once(ready.to_owned()).chain(leaving).collect(),
        gate: Gate::NotSeen,
    }
}

fn cluster_kind() -> Option<KindId> {
    KindId::all().find(|kind| kind.row().part == Part::Cluster)
}

fn labelled(cluster: &str) -> ListParams {
    ListParams::default().labels(&format!("{LABEL_CLUSTER}={cluster}"))
}

async fn wait<T>(
    what: String,
    sent: impl Future<Output = kube::Result<T>>,
) -> Result<T, RequestError> {
    match timeout(PATIENCE, sent).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(source)) => Err(RequestError::Refused { what, source: Box::new(source) }),
        Err(_) => Err(RequestError::TimedOut { what, limit: PATIENCE }),
    }
}
