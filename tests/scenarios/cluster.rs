//! The API server, as people and tools speak to it.

use std::fmt::Debug;
use std::future::Future;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use serde_json::Value;
use tokio::runtime::Runtime;

/// How long a request may fail for before the scenario does: the machine is busy, and the control
/// plane of one cluster is one process of each kind.
const PATIENCE: Duration = Duration::from_secs(20);

/// The kinds that scenarios deal with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    ValkeyCluster,
    Pod,
    Service,
    ConfigMap,
    Secret,
    StatefulSet,
    PodDisruptionBudget,
    PersistentVolumeClaim,
    Namespace,
    Event,
    Lease,
}

impl Kind {
    fn resource(self) -> ApiResource {
        let (group, version) = match self {
            Self::ValkeyCluster => ("valkey.verilean.io", "v1"),
            Self::StatefulSet => ("apps", "v1"),
            Self::PodDisruptionBudget => ("policy", "v1"),
            Self::Event => ("events.k8s.io", "v1"),
            Self::Lease => ("coordination.k8s.io", "v1"),
            Self::Pod
            | Self::Service
            | Self::ConfigMap
            | Self::Secret
            | Self::PersistentVolumeClaim
            | Self::Namespace => ("", "v1"),
        };
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &format!("{self:?}")))
    }
}

/// A connection to the API server of `KUBECONFIG`.
pub struct Cluster {
    runtime: Runtime,
    client: Client,
}

impl Cluster {
    /// Connects.
    pub fn connect() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let client = runtime.block_on(Client::try_default());
        let client = client.expect("KUBECONFIG leads to a cluster: run `tests/run scenarios`");
        Self { runtime, client }
    }

    /// Waits for something that is not the API server's.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn api(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        if kind == Kind::Namespace {
            return Api::all_with(self.client.clone(), &kind.resource());
        }
        Api::namespaced_with(self.client.clone(), namespace, &kind.resource())
    }

    /// A request that is sent again while it fails.
    #[track_caller]
    fn request<T, E: Debug, F: Future<Output = Result<T, E>>>(&self, ask: impl Fn() -> F) -> T {
        let began = Instant::now();
        loop {
            match self.runtime.block_on(ask()) {
                Ok(answer) => return answer,
                Err(error) => assert!(began.elapsed() < PATIENCE, "{error:?}"),
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// An object as it is.
    #[track_caller]
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        let api = self.api(kind, namespace);
        let object = self.request(|| api.get_opt(name))?;
        Some(serde_json::to_value(object).expect("an object is JSON"))
    }

    /// All objects of a kind.
    #[track_caller]
    pub fn list(&self, kind: Kind, namespace: &str) -> Vec<Value> {
        let api = self.api(kind, namespace);
        let parameters = ListParams::default();
        let list = self.request(|| api.list(&parameters));
        let items = list.items.into_iter();
        items.map(|object| serde_json::to_value(object).expect("an object is JSON")).collect()
    }

    /// Somebody applies an object, by force.
    #[track_caller]
    pub fn apply(&self, manager: &str, kind: Kind, object: &Value) {
        let name = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let api = self.api(kind, name("namespace"));
        let parameters = PatchParams::apply(manager).force();
        let patch = Patch::Apply(object);
        self.request(|| api.patch(name("name"), &parameters, &patch));
    }

    /// Somebody changes an object by a merge patch, as `kubectl edit` does.
    #[track_caller]
    pub fn edit(&self, manager: &str, kind: Kind, namespace: &str, name: &str, change: &Value) {
        let api = self.api(kind, namespace);
        let parameters =
            PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(change);
        self.request(|| api.patch(name, &parameters, &patch));
    }

    /// Somebody changes the status of an object.
    #[track_caller]
    pub fn edit_status(&self, kind: Kind, namespace: &str, name: &str, change: &Value) {
        let api = self.api(kind, namespace);
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(change));
        self.request(|| api.patch_status(name, &parameters, &patch));
    }

    /// Somebody deletes an object; one that is gone is fine.
    #[track_caller]
    pub fn delete(&self, kind: Kind, namespace: &str, name: &str) {
        self.delete_with(kind, namespace, name, &DeleteParams::default());
    }

    /// `kubectl delete --force --grace-period=0`.
    #[track_caller]
    pub fn delete_by_force(&self, kind: Kind, namespace: &str, name: &str) {
        self.delete_with(kind, namespace, name, &DeleteParams::default().grace_period(0));
    }

    #[track_caller]
    fn delete_with(&self, kind: Kind, namespace: &str, name: &str, parameters: &DeleteParams) {
        let api = self.api(kind, namespace);
        self.request(|| async {
            match api.delete(name, parameters).await {
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
                other => other.map(|_| ()),
            }
        });
    }
}

/// What kubectl prints, errors too.
pub fn kubectl(words: &[&str]) -> String {
    let output = Command::new("kubectl").args(words).output();
    let output = output.unwrap_or_else(|error| panic!("kubectl: {error}"));
    let [said, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{said}{errors}")
}
