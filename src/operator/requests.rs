//! Every request that reads or changes something, with its deadline; changes only by the leader.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, PartialObjectMeta, Patch, PatchParams,
    Preconditions,
};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::cache::KindId;
use super::error::RequestError;
use super::facts::ClusterKey;
use super::lease::Leadership;
use super::manager::Manager;
use super::metrics::Metrics;
use super::status::leftover;

/// How long a request may take. Shorter than the lease is good for: what was begun as leader has
/// ended before another can lead.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The version of an object that does not exist: no object of a real API server has it. A
/// server-side apply that carries it creates, and never touches what is there.
pub const CREATE_ONLY: &str = "1";

/// What the API server answered about an object.
pub struct Answer {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// The rest of it.
    pub data: Value,
}

/// Sends requests.
pub struct Requests {
    client: Client,
    leadership: Leadership,
    metrics: Metrics,
}

impl Requests {
    /// Requests by a client, for as long as this process leads.
    #[must_use]
    pub fn new(client: Client, leadership: Leadership, metrics: Metrics) -> Self {
        Self { client, leadership, metrics }
    }

    /// Applies an object on the server's side.
    ///
    /// # Errors
    ///
    /// [`RequestError`]; nothing is sent when this process does not lead.
    pub async fn apply(
        &self,
        manager: Manager,
        kind: KindId,
        object: &Value,
        force: bool,
    ) -> Result<Answer, RequestError> {
        let key = KeyOf(object);
        let what = format!("apply {}", key.shown(kind));
        self.check(&what)?;
        let parameters = parameters(manager, force);
        let api = self.api(kind, key.namespace());
        let patch = Patch::Apply(object);
        let sent = api.patch(key.name(), &parameters, &patch);
        let object = self.wait("apply", what, sent).await?;
        Ok(Answer { metadata: object.metadata, data: object.data })
    }

    /// Applies the status of a cluster, and takes away what stands beside it.
    ///
    /// # Errors
    ///
    /// As [`Requests::apply`].
    pub async fn apply_status(
        &self,
        kind: KindId,
        key: &ClusterKey,
        object: &Value,
    ) -> Result<(), RequestError> {
        let what = format!("report the status of {key}");
        self.check(&what)?;
        let parameters = parameters(Manager::Status, true);
        let api = self.api(kind, &key.namespace);
        let patch = Patch::Apply(object);
        let sent = api.patch_status(&key.name, &parameters, &patch);
        let answer = self.wait("status", what.clone(), sent).await?;
        // Server-side apply leaves others the fields that it does not name.
        let Some(rest) = leftover(&object["status"], &answer.data["status"]) else { return Ok(()) };
        self.check(&what)?;
        let metadata = json!({ "resourceVersion": answer.metadata.resource_version });
        let patch = Patch::Merge(json!({ "metadata": metadata, "status": rest }));
        let parameters = PatchParams { force: false, ..parameters };
        let sent = api.patch_status(&key.name, &parameters, &patch);
        self.wait("status", what, sent).await.map(drop)
    }

    /// Deletes the very object of that uid.
    ///
    /// # Errors
    ///
    /// As [`Requests::apply`].
    pub async fn delete(
        &self,
        kind: KindId,
        key: &ClusterKey,
        uid: &str,
    ) -> Result<(), RequestError> {
        let uid = Some(uid.to_owned());
        let parameters =
            DeleteParams::background().preconditions(Preconditions { uid, resource_version: None });
        self.delete_with(kind, key, parameters).await
    }

    /// Deletes the very object of that uid, and leaves what it owns.
    ///
    /// # Errors
    ///
    /// As [`Requests::apply`].
    pub async fn orphan(
        &self,
        kind: KindId,
        key: &ClusterKey,
        uid: &str,
    ) -> Result<(), RequestError> {
        let uid = Some(uid.to_owned());
        let parameters =
            DeleteParams::orphan().preconditions(Preconditions { uid, resource_version: None });
        self.delete_with(kind, key, parameters).await
    }

    async fn delete_with(
        &self,
        kind: KindId,
        key: &ClusterKey,
        parameters: DeleteParams,
    ) -> Result<(), RequestError> {
        let what = format!("delete {} {key}", kind.row().resource.kind);
        self.check(&what)?;
        let api = self.api(kind, &key.namespace);
        match self.wait("delete", what, api.delete(&key.name, &parameters)).await {
            Err(error) if error.status().is_some_and(kube::core::Status::is_not_found) => Ok(()),
            other => other.map(drop),
        }
    }

    /// The metadata of an object; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    pub async fn metadata(
        &self,
        kind: KindId,
        key: &ClusterKey,
    ) -> Result<Option<ObjectMeta>, RequestError> {
        let what = format!("read {} {key}", kind.row().resource.kind);
        let resource = &kind.row().resource;
        let api: Api<PartialObjectMeta<DynamicObject>> =
            Api::namespaced_with(self.client.clone(), &key.namespace, resource);
        let read = self.wait("get", what, api.get_opt(&key.name)).await?;
        Ok(read.map(|object| object.metadata))
    }

    /// A whole object; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    pub async fn read(
        &self,
        resource: &ApiResource,
        key: &ClusterKey,
    ) -> Result<Option<Answer>, RequestError> {
        let what = format!("read {} {key}", resource.kind);
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &key.namespace, resource);
        let read = self.wait("get", what, api.get_opt(&key.name)).await?;
        Ok(read.map(|object| Answer { metadata: object.metadata, data: object.data }))
    }

    /// An object that has no namespace; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    pub async fn read_cluster_scoped(
        &self,
        resource: &ApiResource,
        name: &str,
    ) -> Result<Option<Answer>, RequestError> {
        let what = format!("read {} {name}", resource.kind);
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), resource);
        let read = self.wait("get", what, api.get_opt(name)).await?;
        Ok(read.map(|object| Answer { metadata: object.metadata, data: object.data }))
    }

    fn api(&self, kind: KindId, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &kind.row().resource)
    }

    fn check(&self, what: &str) -> Result<(), RequestError> {
        if self.leadership.may_act() {
            Ok(())
        } else {
            Err(RequestError::NotLeading { what: what.to_owned() })
        }
    }

    async fn wait<T>(
        &self,
        verb: &'static str,
        what: String,
        sent: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, RequestError> {
        let began = Instant::now();
        let answer = match timeout(TIMEOUT, sent).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => Err(RequestError::Refused { what, source: Box::new(source) }),
            Err(_) => Err(RequestError::TimedOut { what, limit: TIMEOUT }),
        };
        self.metrics.request(verb, began.elapsed(), answer.as_ref().err());
        answer
    }
}

fn parameters(manager: Manager, force: bool) -> PatchParams {
    PatchParams { force, ..PatchParams::apply(manager.name()) }
}

/// The name of an object that is about to be sent.
struct KeyOf<'a>(&'a Value);

impl KeyOf<'_> {
    fn name(&self) -> &str {
        self.0["metadata"]["name"].as_str().unwrap_or_default()
    }

    fn namespace(&self) -> &str {
        self.0["metadata"]["namespace"].as_str().unwrap_or_default()
    }

    fn shown(&self, kind: KindId) -> String {
        format!("{} {}/{}", kind.row().resource.kind, self.namespace(), self.name())
    }
}
