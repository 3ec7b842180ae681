//! The pointer that clients follow: the selector of `N-client`.
//!
//! # Guarantees
//!
//! It is moved by one write that names the version it was decided on, and never to a lower epoch.

use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;
use tokio::time::sleep;

use crate::cluster::{LABEL_CLUSTER, LABEL_POD_NAME, Names};
use crate::operator::{Annotation, ClusterKey, ServiceFacts};
use crate::runtime::StoreError;
use crate::sentinel::Pointer;

use super::calls::{self, CallError};
use super::desk::{Desk, is_older};
use super::record::{node_of, pod_name};
use super::store::unavailable;

/// How long to wait for a Service that is not there yet.
const SERVICE_WAIT: Duration = Duration::from_millis(500);

/// The pointer of one cluster.
pub(super) struct ClientService {
    services: Api<Service>,
    name: String,
    cluster: String,
    namespace: String,
    desk: Rc<Desk>,
}

impl ClientService {
    /// The one of a cluster.
    pub fn new(client: &Client, key: &ClusterKey, desk: &Rc<Desk>) -> Self {
        Self {
            services: Api::namespaced(client.clone(), &key.namespace),
            name: Names::of(&key.name).client,
            cluster: key.name.clone(),
            namespace: key.namespace.clone(),
            desk: Rc::clone(desk),
        }
    }

    /// Where it points: what the watch has brought, if that is not older than what is known; else
    /// what is read.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn look(&self) -> Result<Option<Pointer>, StoreError> {
        let seen = self.desk.facts.borrow().service.clone();
        let known = self.desk.service.borrow().clone();
        let is_late = match (&seen, &known) {
            (Some(seen), Some(known)) => is_older(&seen.resource_version, &known.resource_version),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if is_late {
            self.read().await?;
        } else {
            *self.desk.service.borrow_mut() = seen;
        }
        let service = self.desk.service.borrow();
        Ok(service.as_ref().and_then(|service| {
            let node = node_of(&self.cluster, service.pod.as_deref()?)?;
            Some(Pointer { node, epoch: service.epoch.unwrap_or(0) })
        }))
    }

    /// Points elsewhere.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when somebody else has written the Service since it was looked at;
    /// another one when it is not there, points there in a higher epoch, or cannot be written.
    pub async fn point(&self, pointer: Pointer) -> Result<(), StoreError> {
        let observed = self.desk.service.borrow().clone();
        let Some(observed) = observed else {
            sleep(SERVICE_WAIT).await;
            return Err(unavailable(CallError::Missing));
        };
        if observed.epoch.is_some_and(|epoch| epoch > pointer.epoch) {
            let text = format!(
                "{} is of epoch {}, which is higher than {}",
                self.name,
                observed.epoch.unwrap_or(0),
                pointer.epoch
            );
            return Err(StoreError::Unavailable(io::Error::other(text)));
        }
        let body = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                // An apply of one that is gone would make it, as nobody's.
                "uid": observed.uid,
                "resourceVersion": observed.resource_version,
                "annotations": { Annotation::Epoch.key(): pointer.epoch.to_string() },
            },
            "spec": {
                "selector": {
                    LABEL_CLUSTER: self.cluster,
                    LABEL_POD_NAME: pod_name(&self.cluster, pointer.node),
                },
            },
        });
        match calls::apply(&self.services, &self.name, &body).await {
            Ok(service) => {
                *self.desk.service.borrow_mut() = Some(facts_of(&service));
                Ok(())
            }
            Err(CallError::Conflict) => {
                // What the watch has brought may be just as old.
                self.read().await?;
                Err(StoreError::Conflict)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Reads the Service and keeps what is in it.
    async fn read(&self) -> Result<(), StoreError> {
        let found = calls::find(&self.services, &self.name).await.map_err(unavailable)?;
        *self.desk.service.borrow_mut() = found.as_ref().map(facts_of);
        Ok(())
    }
}

/// What of a Service counts here.
fn facts_of(service: &Service) -> ServiceFacts {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let selected = |selector: &BTreeMap<String, String>| selector.get(LABEL_POD_NAME).cloned();
    let epoch = service.annotations().get(Annotation::Epoch.key());
    ServiceFacts {
        uid: service.uid().unwrap_or_default(),
        resource_version: service.resource_version().unwrap_or_default(),
        pod: selector.and_then(selected),
        epoch: epoch.and_then(|epoch| epoch.parse().ok()),
    }
}
