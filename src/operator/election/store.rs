//! The record in `status.election`, and beside it the pointer.
//!
//! # Guarantees
//!
//! A record is replaced only in the version of the object that was read, and only if the record in
//! it is the one that was decided on: when others have written beside it, the write is repeated at
//! once.

use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;

use kube::api::{ApiResource, DynamicObject};
use kube::{Api, Client, ResourceExt as _};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::api::{Election, ValkeyCluster};
use crate::operator::Elsewhere;
use crate::operator::remnant::{remnant, stands_in};
use crate::runtime::{Store, StoreError, Versioned};
use crate::sentinel::{NodeId, Pointer, Record};

use super::calls::{self, CallError};
use super::desk::{Desk, is_older};
use super::lease;
use super::pointer::ClientService;
use super::record::from_status;
use super::view::Problem;

/// How often a write is repeated at once, when others write beside it.
const MAX_WRITES: usize = 8;

/// A [`Store`] on the API server.
pub(super) struct ClusterStore {
    client: Client,
    clusters: Api<DynamicObject>,
    pointer: ClientService,
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
            pointer: ClientService::new(client, &key, desk),
            name: key.name,
            uid,
            namespace: key.namespace,
            desk: Rc::clone(desk),
        }
    }

    /// Records what was asked for and done, and changes nothing else; whether that is recorded now.
    /// There is nothing to record it in before the first record is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when somebody else has written meanwhile: what is known now may have
    /// been asked for and done by them.
    pub async fn serve(&self, served: &[String]) -> Result<bool, StoreError> {
        let known = self.desk.known.borrow().clone();
        let Some(status) = known.status else { return Ok(false) };
        let status = Election { served: served.to_vec(), ..status };
        match self.put(&status, &known.resource_version).await {
            Ok(now) => {
                self.desk.learn(now, Some(status), known.record);
                Ok(true)
            }
            Err(CallError::Conflict) => {
                self.look_past(&known.resource_version).await?;
                Err(StoreError::Conflict)
            }
            Err(error) => Err(unavailable(error)),
        }
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
            let facts = self.desk.facts.borrow();
            let is_of_use = !self.desk.is_behind() && !facts.record_unreadable;
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
        self.pointer.look().await
    }

    async fn remember_gated(&mut self, _gated: BTreeSet<NodeId>) -> Result<(), StoreError> {
        // What is rendered starts so.
        Ok(())
    }

    async fn point(&mut self, pointer: Pointer) -> Result<(), StoreError> {
        self.pointer.point(pointer).await
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

pub(super) fn unavailable(error: CallError) -> StoreError {
    StoreError::Unavailable(error.into_io())
}
