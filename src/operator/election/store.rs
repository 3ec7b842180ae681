//! The record in `status.election`, and the pointer in `N-client`.
//!
//! # Guarantees
//!
//! A record is replaced only in the version of the object that was read, and only if the record in
//! it is the one that was decided on: when others have written beside it, the write is repeated at
//! once. The Service is moved by one write that names the version it was decided on, and never to a
//! lower epoch.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::api::{ApiResource, DynamicObject};
use kube::{Api, Client, ResourceExt as _};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::api::{Election, ValkeyCluster};
use crate::operator::remnant::{remnant, stands_in};
use crate::operator::{Annotation, Elsewhere, ServiceFacts};
use crate::runtime::{Store, StoreError, Versioned};
use crate::sentinel::{NodeId, Pointer, Record};

use super::calls::{self, CallError};
use super::desk::{Desk, is_older};
use super::lease;
use super::record::{from_status, node_of, pod_name};
use super::view::Problem;

/// How often a write is repeated at once, when others write beside it.
const MAX_WRITES: usize = 8;
/// How long to wait for a Service that is not there yet.
const SERVICE_WAIT: Duration = Duration::from_millis(500);
/// The label that every pod of a cluster carries.
const CLUSTER_LABEL: &str = "valkey.verilean.io/cluster";
/// The label that tells the pods of a `StatefulSet` apart.
const POD_LABEL: &str = "statefulset.kubernetes.io/pod-name";

/// A [`Store`] on the API server.
pub(super) struct ClusterStore {
    client: Client,
    clusters: Api<DynamicObject>,
    services: Api<Service>,
    name: String,
    uid: String,
    namespace: String,
    desk: Rc<Desk>,
}

impl ClusterStore {
    pub fn new(client: &Client, desk: &Rc<Desk>) -> Self {
        let (key, uid) = {
            let facts = desk.facts.borrow();
            (facts.key.clone(), facts.uid.clone())
        };
        let kind = ApiResource::erase::<ValkeyCluster>(&());
        Self {
            client: client.clone(),
            clusters: Api::namespaced_with(client.clone(), &key.namespace, &kind),
            services: Api::namespaced(client.clone(), &key.namespace),
            name: key.name,
            uid,
            namespace: key.namespace,
            desk: Rc::clone(desk),
        }
    }

    /// Records what was asked for and done, and changes nothing else; whether that is recorded now.
    /// There is nothing to record it in before the first record is.
    pub async fn serve(&self, served: &[String]) -> Result<bool, StoreError> {
        for _ in 0..MAX_WRITES {
            let known = self.desk.known.borrow().clone();
            let Some(status) = known.status else { return Ok(false) };
            let status = Election { served: served.to_vec(), ..status };
            match self.put(&status, &known.resource_version).await {
                Ok(now) => {
                    self.desk.learn(now, Some(status), known.record);
                    return Ok(true);
                }
                Err(CallError::Conflict) => self.look_past(&known.resource_version).await?,
                Err(error) => return Err(unavailable(error)),
            }
        }
        Err(busy())
    }

    /// Has a record stand there and nothing beside it, in place of the very version that was read;
    /// the version that it is now.
    async fn put(&self, status: &Election, resource_version: &str) -> Result<String, CallError> {
        let record = whole(status);
        let body = self.body(&record, resource_version);
        let object = calls::apply_status(&self.clusters, &self.name, &body).await?;
        self.clear(&record, object).await
    }

    /// What is applied takes from others what it names. Of a record that somebody has put back there
    /// may be more, a target, say: that is taken away, whoever else writes the object meanwhile.
    async fn clear(&self, applied: &Value, mut object: DynamicObject) -> Result<String, CallError> {
        for _ in 0..MAX_WRITES {
            let version = object.resource_version().unwrap_or_default();
            let found = &object.data["status"]["election"];
            if !stands_in(applied, found) {
                // Somebody else has recorded something since.
                return Err(CallError::Conflict);
            }
            let Some(rest) = remnant(applied, found) else { return Ok(version) };
            let body = self.body(&rest, &version);
            object = match calls::merge_status(&self.clusters, &self.name, &body).await {
                Err(CallError::Conflict) => {
                    let found = calls::find(&self.clusters, &self.name).await?;
                    let found = found.filter(|it| it.uid().as_deref() == Some(&self.uid));
                    found.ok_or(CallError::Missing)?
                }
                answered => answered?,
            };
        }
        let text = "status.election keeps what nobody has recorded";
        Err(CallError::Failed(io::Error::other(text)))
    }

    /// The record as it is sent, for the very version that was read.
    fn body(&self, election: &Value, resource_version: &str) -> Value {
        json!({
            "apiVersion": "valkey.verilean.io/v1",
            "kind": "ValkeyCluster",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "uid": self.uid,
                "resourceVersion": resource_version,
            },
            "status": { "election": election },
        })
    }

    fn service_name(&self) -> String {
        format!("{}-client", self.name)
    }

    fn problem(&self, problem: Option<Problem>) {
        let mut place = self.desk.problem.borrow_mut();
        let of_record = |it: &Problem| !matches!(it, Problem::TlsUnusable(_));
        if problem.is_some() || place.as_ref().is_some_and(of_record) {
            *place = problem;
        }
    }

    /// Takes what the watch has brought, if that can be read and is not older than what is known;
    /// else reads the object. A write on it names its version, so one that is late does no harm.
    async fn look(&self) -> Result<(), StoreError> {
        let seen = {
            let (facts, known) = (self.desk.facts.borrow(), self.desk.known.borrow());
            let is_late = is_older(&facts.resource_version, &known.resource_version);
            let is_of_use = !is_late && !facts.record_unreadable;
            is_of_use.then(|| (facts.resource_version.clone(), facts.election.clone()))
        };
        match seen {
            Some((resource_version, election)) => self.take(resource_version, election).await,
            None => self.look_anew().await,
        }
    }

    /// After a write in a version that is no more: what the watch has brought counts only if it is
    /// newer than that.
    async fn look_past(&self, version: &str) -> Result<(), StoreError> {
        if is_older(version, &self.desk.facts.borrow().resource_version) {
            self.look().await
        } else {
            self.look_anew().await
        }
    }

    /// Reads the object and keeps what is in it.
    async fn look_anew(&self) -> Result<(), StoreError> {
        let found = calls::find(&self.clusters, &self.name).await.map_err(unavailable)?;
        let found = found.filter(|object| object.uid().as_deref() == Some(&self.uid));
        let Some(object) = found else {
            return Err(unavailable(CallError::Missing));
        };
        let status = match object.data.pointer("/status/election") {
            None | Some(Value::Null) => None,
            Some(value) => Some(
                Election::deserialize(value)
                    .map_err(|error| self.unreadable(format!("status.election: {error}")))?,
            ),
        };
        self.take(object.resource_version().unwrap_or_default(), status).await
    }

    fn unreadable(&self, text: String) -> StoreError {
        self.problem(Some(Problem::RecordUnreadable(text.clone())));
        StoreError::Unavailable(io::Error::new(io::ErrorKind::InvalidData, text))
    }

    /// Keeps a record that was found, unless it is another operator's.
    async fn take(
        &self,
        resource_version: String,
        status: Option<Election>,
    ) -> Result<(), StoreError> {
        let record = match &status {
            None => None,
            Some(status) => Some(
                from_status(&self.name, status)
                    .map_err(|error| self.unreadable(error.to_string()))?,
            ),
        };
        if let Some(other) = status.as_ref().and_then(|status| status.operator.as_deref())
            && other != self.desk.identity
            && let operator = lease::look(&self.client, other, self.desk.outside.clock).await
            && let Some(elsewhere) = Elsewhere::of(other, operator.map_err(unavailable)?)
        {
            self.problem(Some(Problem::ManagedElsewhere(elsewhere)));
            let text = format!("the operator of the lease {other} decides about this cluster");
            return Err(StoreError::Unavailable(io::Error::other(text)));
        }
        self.problem(None);
        self.desk.learn(resource_version, status, record);
        Ok(())
    }

    fn versioned(&self) -> Versioned {
        let known = self.desk.known.borrow();
        Versioned { record: known.record.clone(), version: known.version }
    }

    /// Takes what the watch has brought, if that is not older than what is known; else reads it.
    async fn look_at_service(&self) -> Result<(), StoreError> {
        let seen = self.desk.facts.borrow().service.clone();
        let known = self.desk.service.borrow().clone();
        let is_late = match (&seen, &known) {
            (Some(seen), Some(known)) => is_older(&seen.resource_version, &known.resource_version),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if !is_late {
            *self.desk.service.borrow_mut() = seen;
            return Ok(());
        }
        let found = calls::find(&self.services, &self.service_name()).await;
        let service = found.map_err(unavailable)?;
        *self.desk.service.borrow_mut() = service.as_ref().map(facts_of);
        Ok(())
    }
}

impl Store for ClusterStore {
    async fn read(&mut self) -> Result<Versioned, StoreError> {
        self.look().await?;
        Ok(self.versioned())
    }

    async fn write(&mut self, record: &Record, version: u64) -> Result<u64, StoreError> {
        if self.desk.known.borrow().version != version {
            return Err(StoreError::Conflict);
        }
        for _ in 0..MAX_WRITES {
            // What others wrote beside the record meanwhile is kept.
            let status = self.desk.status(record);
            let resource_version = self.desk.known.borrow().resource_version.clone();
            match self.put(&status, &resource_version).await {
                Ok(now) => {
                    self.desk.learn(now, Some(status), Some(record.clone()));
                    return Ok(self.desk.known.borrow().version);
                }
                Err(CallError::Conflict) => {
                    self.look_past(&resource_version).await?;
                    if self.desk.known.borrow().version != version {
                        return Err(StoreError::Conflict);
                    }
                }
                Err(error) => return Err(unavailable(error)),
            }
        }
        Err(busy())
    }

    async fn pointer(&mut self) -> Result<Option<Pointer>, StoreError> {
        self.look_at_service().await?;
        let service = self.desk.service.borrow();
        Ok(service.as_ref().and_then(|service| {
            let node = node_of(&self.name, service.pod.as_deref()?)?;
            Some(Pointer { node, epoch: service.epoch.unwrap_or(0) })
        }))
    }

    async fn remember_gated(&mut self, _gated: BTreeSet<NodeId>) -> Result<(), StoreError> {
        // What is rendered starts so.
        Ok(())
    }

    async fn point(&mut self, pointer: Pointer) -> Result<(), StoreError> {
        let observed = self.desk.service.borrow().clone();
        let Some(observed) = observed else {
            sleep(SERVICE_WAIT).await;
            return Err(unavailable(CallError::Missing));
        };
        if observed.epoch.is_some_and(|epoch| epoch > pointer.epoch) {
            let text = format!(
                "{} is of epoch {}, which is higher than {}",
                self.service_name(),
                observed.epoch.unwrap_or(0),
                pointer.epoch
            );
            return Err(StoreError::Unavailable(io::Error::other(text)));
        }
        let body = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": self.service_name(),
                "namespace": self.namespace,
                // An apply of one that is gone would make it, as nobody's.
                "uid": observed.uid,
                "resourceVersion": observed.resource_version,
                "annotations": { Annotation::Epoch.key(): pointer.epoch.to_string() },
            },
            "spec": {
                "selector": {
                    CLUSTER_LABEL: self.name,
                    POD_LABEL: pod_name(&self.name, pointer.node),
                },
            },
        });
        match calls::apply(&self.services, &self.service_name(), &body).await {
            Ok(service) => {
                *self.desk.service.borrow_mut() = Some(facts_of(&service));
                Ok(())
            }
            Err(CallError::Conflict) => {
                // What the watch has brought may be just as old.
                let found = calls::find(&self.services, &self.service_name()).await;
                *self.desk.service.borrow_mut() =
                    found.map_err(unavailable)?.as_ref().map(facts_of);
                Err(StoreError::Conflict)
            }
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// A record as it is applied. A list is named when it is empty, too: an apply that left it out would
/// leave what others put there.
fn whole(status: &Election) -> Value {
    let mut record = json!(status);
    for list in ["inSync", "previousInSync"] {
        if record[list].is_null() {
            record[list] = json!([]);
        }
    }
    record
}

fn busy() -> StoreError {
    let text = "others write the object all the time";
    StoreError::Unavailable(io::Error::new(io::ErrorKind::WouldBlock, text))
}

fn unavailable(error: CallError) -> StoreError {
    StoreError::Unavailable(error.into_io())
}

/// What of a Service counts here.
fn facts_of(service: &Service) -> ServiceFacts {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let selected = |selector: &BTreeMap<String, String>| selector.get(POD_LABEL).cloned();
    let epoch = service.annotations().get(Annotation::Epoch.key());
    ServiceFacts {
        uid: service.uid().unwrap_or_default(),
        resource_version: service.resource_version().unwrap_or_default(),
        pod: selector.and_then(selected),
        epoch: epoch.and_then(|epoch| epoch.parse().ok()),
    }
}
