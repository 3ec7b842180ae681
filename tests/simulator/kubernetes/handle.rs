//! The handle by which a world holds its Kubernetes: clients, faults, and the view of a god, who sees
//! and changes everything at once.

use std::rc::Rc;
use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use gungnir::operator::WallClock;
use kube::Client;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::trace::Trace;

use super::api::delete::{Deletion, delete, evict};
use super::api::kind::Row;
use super::api::refusal::Refusal;
use super::api::store::{Hook, Store};
use super::api::write::Write;
use super::api::{Service, Shared};
use super::kubelet::Containers;
use super::link::Link;
use super::{controllers, kubelet};

/// Who people are to the API server.
const PEOPLE: &str = "kubectl";

/// A Kubernetes. Clones are the same.
#[derive(Clone)]
pub struct Kubernetes {
    pub(super) shared: Shared,
}

impl Kubernetes {
    /// A Kubernetes with the definition of a `ValkeyCluster`, the namespace `default` and a
    /// StorageClass; without nodes.
    pub fn new(chance: &Chance, trace: &Trace) -> Self {
        let shared = Shared::new(Store::new(trace.clone()), chance.fork());
        let kubernetes = Self { shared };
        let definition = gungnir::api::crd().clone();
        for object in [
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "default" } }),
            json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
                "metadata": { "name": "standard" }, "provisioner": "simulator",
                "allowVolumeExpansion": true,
            }),
            definition,
        ] {
            kubernetes.create(object).unwrap();
        }
        kubernetes
    }

    /// A client on a way of its own. Its name is in the trace.
    pub fn client(&self, name: &str) -> Client {
        Client::new(Service::new(&self.shared, name), "default")
    }

    /// Runs the controllers and the kubelets, for ever; once in a run, for the kubelets do not know
    /// what another run of them has started.
    pub async fn run(&self, containers: Rc<dyn Containers>) {
        let chance = self.shared.chance.fork();
        let mut all: FuturesUnordered<_> = [
            controllers::run(&self.shared, &chance).boxed_local(),
            kubelet::run(&self.shared, containers, &chance).boxed_local(),
        ]
        .into_iter()
        .collect();
        while all.next().await.is_some() {}
    }

    /// Adds a node with its machine.
    pub fn add_node(&self, name: &str) {
        self.shared.change_machine(name, |_| {});
        let metadata = json!({ "name": name, "labels": { "kubernetes.io/hostname": name } });
        let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {} });
        self.create(node).unwrap();
    }

    /// Takes the power of a machine, or gives it back.
    pub fn set_node_up(&self, name: &str, up: bool) {
        self.shared.change_machine(name, |machine| machine.set_up(up));
    }

    /// Cuts the kubelet of a node off from the API server, or lets it through again. What the pods
    /// reach is another matter, and the world's.
    pub fn set_node_cut(&self, name: &str, cut: bool) {
        self.shared.change_machine(name, |machine| machine.set_cut(cut));
    }

    /// The pods behind a Service as its endpoints say: name, address, whether it is ready.
    pub fn endpoints(&self, namespace: &str, service: &str) -> Vec<(String, String, bool)> {
        let slice = self.get("EndpointSlice", namespace, &format!("{service}-slice"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let endpoints = slice.iter().filter_map(|slice| slice["endpoints"].as_array().cloned());
        endpoints
            .flatten()
            .map(|endpoint| {
                let ready = endpoint["conditions"]["ready"] == true;
                (text(&endpoint["targetRef"]["name"]), text(&endpoint["addresses"][0]), ready)
            })
            .collect()
    }

    /// Makes the way of a client another.
    pub fn set_link(&self, name: &str, link: Link) {
        self.shared.set_link(name, link);
    }

    /// The way of a client.
    pub fn link(&self, name: &str) -> Link {
        self.shared.link(name)
    }

    /// Has every connection of a client end without a word, as a firewall does that has forgotten
    /// them.
    pub fn forget_connections(&self, name: &str) {
        self.shared.forget_connections(name);
    }

    /// Forgets old events: whoever watches from before has to list again.
    pub fn compact(&self) {
        self.shared.store().compact();
    }

    /// Has `hook` called at every change. It must not use this handle; it gets what it needs.
    pub fn on_change(&self, hook: Hook) {
        self.shared.store().add_hook(hook);
    }

    /// The time of day.
    pub fn clock(&self) -> WallClock {
        self.shared.store().clock()
    }

    /// An object as it is.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.shared.store().get(kind, namespace, name).cloned()
    }

    /// All objects of a kind.
    pub fn list(&self, kind: &str) -> Vec<Arc<Value>> {
        self.shared.store().of_kind(kind, None).map(|(_, object)| Arc::clone(object)).collect()
    }

    /// Makes an object.
    pub fn create(&self, object: Value) -> Result<Arc<Value>, Refusal> {
        let (kind, namespace, name) = place(&object);
        let write = people(&kind, &namespace, &name);
        write.create(&mut self.shared.store(), object)
    }

    /// Lays a merge patch over an object.
    pub fn patch(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Arc<Value>, Refusal> {
        people(kind, namespace, name).merge(&mut self.shared.store(), patch)
    }

    /// Lays a merge patch over the status of an object: an older one, say, out of a backup.
    pub fn patch_status(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Arc<Value>, Refusal> {
        let write = Write { status: true, ..people(kind, namespace, name) };
        write.merge(&mut self.shared.store(), patch)
    }

    /// Deletes an object; a pod by force when the grace is 0.
    pub fn delete(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        deletion: &Deletion,
    ) -> Result<(), Refusal> {
        let mut store = self.shared.store();
        delete(&mut store, PEOPLE, Row::named(kind), namespace, name, deletion).map(drop)
    }

    /// Evicts a pod, if the budget lets.
    pub fn evict(&self, namespace: &str, name: &str) -> Result<(), Refusal> {
        let mut store = self.shared.store();
        evict(&mut store, PEOPLE, namespace, name, &Deletion::default())
    }
}

fn people<'a>(kind: &str, namespace: &'a str, name: &'a str) -> Write<'a> {
    Write {
        who: PEOPLE,
        manager: PEOPLE,
        kind: Row::named(kind),
        namespace,
        name,
        status: false,
        dry_run: false,
    }
}

fn place(object: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = text(&object["kind"]);
    let namespaced = Row::named(&kind).namespaced;
    let said = object["metadata"]["namespace"].as_str().unwrap_or("default");
    let namespace = if namespaced { said } else { "" };
    (kind, namespace.to_owned(), text(&object["metadata"]["name"]))
}
