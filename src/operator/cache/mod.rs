//! The world as the watches have it: per cluster its object, children, pods and volume claims.
//!
//! ```text
//! watch (one a kind) ─▶ what is needed of an object ─▶ Cache ─▶ View of one cluster
//! ```
//!
//! Everything runs on one thread, so a view is a few counted references, and nobody waits for a
//! lock. What never happens here: a request that changes something.

mod child;
mod cluster;
mod kind;
mod pod;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;
use tokio::sync::Notify;

use crate::cluster::{LABEL_CLUSTER, VOLUME_DATA};
use crate::manifest::ObjectKey;

use super::facts::ClusterKey;

pub use child::{Child, Detail, ManagedFields, SetStatus};
pub use cluster::ClusterObject;
pub use kind::{KindId, Part};
pub use pod::{Block, Pod, VolumeClaim};
pub use watch::{Scope, watch_all};

/// One cluster as the watches have it.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The `ValkeyCluster`; `None` when there are only leftovers.
    pub cluster: Option<Rc<ClusterObject>>,
    /// The objects of the set that exist.
    pub children: BTreeMap<(KindId, String), Rc<Child>>,
    /// Its pods, by name.
    pub pods: BTreeMap<String, Rc<Pod>>,
    /// Its volume claims, by name.
    pub claims: BTreeMap<String, Rc<VolumeClaim>>,
}

impl View {
    /// The child that is this object.
    #[must_use]
    pub fn child(&self, key: &ObjectKey) -> Option<&Rc<Child>> {
        self.children.get(&(KindId::of(key)?, key.name.clone()))
    }

    /// The claim of a pod's volume.
    #[must_use]
    pub fn claim_of(&self, pod: &str) -> Option<&Rc<VolumeClaim>> {
        self.claims.get(&format!("{VOLUME_DATA}-{pod}"))
    }

    fn is_empty(&self) -> bool {
        let Self { cluster, children, pods, claims } = self;
        cluster.is_none() && children.is_empty() && pods.is_empty() && claims.is_empty()
    }
}

/// What is kept of an object.
enum Record {
    Cluster(Rc<ClusterObject>),
    Child(Rc<Child>),
    Pod(Rc<Pod>),
    Claim(Rc<VolumeClaim>),
}

impl Record {
    /// What is kept, and the name of the cluster that it is of.
    fn of(kind: KindId, metadata: ObjectMeta, object: &Value) -> Option<(Option<String>, Self)> {
        let label = metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_CLUSTER)).cloned();
        Some(match kind.row().part {
            Part::Cluster => {
                let cluster = ClusterObject::of(&metadata, object)?;
                (Some(cluster.key.name.clone()), Self::Cluster(Rc::new(cluster)))
            }
            Part::Child => {
                let child = Child::of(kind, metadata, object)?;
                (child.cluster().map(str::to_owned), Self::Child(Rc::new(child)))
            }
            Part::Pod => (label, Self::Pod(Rc::new(Pod::of(&metadata, object)?))),
            Part::Claim => (label, Self::Claim(Rc::new(VolumeClaim::of(&metadata, object)?))),
        })
    }
}

/// Where an object is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    kind: KindId,
    namespace: String,
    name: String,
}

/// What the watches have seen.
#[derive(Default)]
pub struct Cache {
    views: RefCell<BTreeMap<ClusterKey, View>>,
    places: RefCell<BTreeMap<Place, ClusterKey>>,
    listed: RefCell<BTreeSet<KindId>>,
    served: RefCell<BTreeSet<KindId>>,
    touched: RefCell<BTreeSet<ClusterKey>>,
    /// The newest version that the watch of a kind has brought.
    progress: RefCell<BTreeMap<KindId, u64>>,
    /// Woken when something was touched, or a first list is complete.
    changed: Notify,
    /// Woken when somebody needs a kind that was not served.
    wanted: Notify,
    ready: Cell<bool>,
}

impl Cache {
    /// A cluster as it is.
    #[must_use]
    pub fn view(&self, key: &ClusterKey) -> View {
        self.views.borrow().get(key).cloned().unwrap_or_default()
    }

    /// Whether a cluster is there still, and is to stay.
    #[must_use]
    pub fn stays(&self, cluster: &ClusterObject) -> bool {
        let views = self.views.borrow();
        let now = views.get(&cluster.key).and_then(|view| view.cluster.as_ref());
        now.is_some_and(|now| now.uid == cluster.uid && !now.deleting)
    }

    /// The keys of every cluster that exists.
    #[must_use]
    pub fn clusters(&self) -> Vec<ClusterKey> {
        let views = self.views.borrow();
        let existing = views.iter().filter(|(_, view)| view.cluster.is_some());
        existing.map(|(key, _)| key.clone()).collect()
    }

    /// Whether every kind that is served has been listed once: what is not here does not exist.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.get()
    }

    /// Whether a kind is served here.
    #[must_use]
    pub fn is_served(&self, kind: KindId) -> bool {
        kind.row().always_served || self.served.borrow().contains(&kind)
    }

    /// Has the kinds looked for that were not served.
    pub fn want_kinds(&self) {
        self.wanted.notify_waiters();
    }

    /// Waits for a change.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The clusters that something was seen of since the last call.
    #[must_use]
    pub fn take_touched(&self) -> BTreeSet<ClusterKey> {
        std::mem::take(&mut *self.touched.borrow_mut())
    }

    /// Has every cluster looked at.
    pub fn touch_all(&self) {
        let clusters = self.clusters();
        self.touched.borrow_mut().extend(clusters);
        self.changed.notify_one();
    }

    /// Takes in the answer to an own write, unless the watch has come as far: then it has brought
    /// this, and whatever came after it, be it the end of the object.
    pub fn put_answer(&self, kind: KindId, metadata: ObjectMeta, object: &Value) {
        let progress = self.progress.borrow().get(&kind).copied();
        if version(&metadata) > progress {
            self.put(kind, metadata, object);
        }
    }

    /// Takes in what a watch brings.
    fn put_watched(&self, kind: KindId, metadata: ObjectMeta, object: &Value) {
        self.note_progress(kind, &metadata);
        self.put(kind, metadata, object);
    }

    /// Takes in the end of an object.
    fn remove_watched(&self, kind: KindId, metadata: &ObjectMeta) {
        self.note_progress(kind, metadata);
        if let Some(place) = place(kind, metadata) {
            self.remove(&place);
        }
    }

    fn note_progress(&self, kind: KindId, metadata: &ObjectMeta) {
        let Some(version) = version(metadata) else { return };
        let mut progress = self.progress.borrow_mut();
        let known = progress.entry(kind).or_default();
        *known = version.max(*known);
    }

    fn put(&self, kind: KindId, metadata: ObjectMeta, object: &Value) {
        let Some(place) = place(kind, &metadata) else { return };
        let Some((cluster, record)) = Record::of(kind, metadata, object) else { return };
        let namespace = place.namespace.clone();
        let key = cluster.map(|name| ClusterKey { namespace, name });
        let before = self.places.borrow().get(&place).cloned();
        if before.is_some() && before != key {
            self.remove(&place);
        }
        let Some(key) = key else { return };
        let name = place.name.clone();
        {
            let mut views = self.views.borrow_mut();
            let view = views.entry(key.clone()).or_default();
            match record {
                Record::Cluster(cluster) => view.cluster = Some(cluster),
                Record::Child(child) => drop(view.children.insert((kind, name), child)),
                Record::Pod(pod) => drop(view.pods.insert(name, pod)),
                Record::Claim(claim) => drop(view.claims.insert(name, claim)),
            }
        }
        self.places.borrow_mut().insert(place, key.clone());
        self.touch(key);
    }

    fn remove(&self, place: &Place) {
        let Some(key) = self.places.borrow_mut().remove(place) else { return };
        let mut views = self.views.borrow_mut();
        if let Some(view) = views.get_mut(&key) {
            match place.kind.row().part {
                Part::Cluster => view.cluster = None,
                Part::Child => drop(view.children.remove(&(place.kind, place.name.clone()))),
                Part::Pod => drop(view.pods.remove(&place.name)),
                Part::Claim => drop(view.claims.remove(&place.name)),
            }
            if view.is_empty() {
                views.remove(&key);
            }
        }
        drop(views);
        self.touch(key);
    }

    /// After a list: what was not in it is gone.
    fn keep_only(&self, kind: KindId, seen: &BTreeSet<Place>) {
        let gone: Vec<Place> = {
            let places = self.places.borrow();
            let of_kind = places.keys().filter(|place| place.kind == kind);
            of_kind.filter(|place| !seen.contains(place)).cloned().collect()
        };
        for place in gone {
            self.remove(&place);
        }
        self.listed.borrow_mut().insert(kind);
        self.count_lists();
    }

    fn mark_served(&self, kind: KindId, served: bool) {
        if served {
            self.served.borrow_mut().insert(kind);
        } else {
            self.served.borrow_mut().remove(&kind);
        }
    }

    fn count_lists(&self) {
        let listed = self.listed.borrow();
        let missing = KindId::all().any(|kind| self.is_served(kind) && !listed.contains(&kind));
        self.ready.set(!missing);
        self.changed.notify_one();
    }

    fn touch(&self, key: ClusterKey) {
        self.touched.borrow_mut().insert(key);
        self.changed.notify_one();
    }
}

/// Versions of one kind grow, and are numbers.
fn version(metadata: &ObjectMeta) -> Option<u64> {
    metadata.resource_version.as_deref()?.parse().ok()
}

fn place(kind: KindId, metadata: &ObjectMeta) -> Option<Place> {
    Some(Place {
        kind,
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone()?,
    })
}

#[cfg(test)]
mod tests;
