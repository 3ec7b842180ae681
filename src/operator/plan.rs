//! What has to be applied and deleted, and what may not be: pure.

use tokio::time::Instant;

use crate::manifest::ObjectKey;

use super::adopt::{Adopted, Ownership, ownership};
use super::cache::{Cache, ClusterObject, KindId, Part, View};
use super::converged::{Taken, taken};
use super::drift::Repairs;

/// Why an object is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It does not exist.
    Create,
    /// It says something else than what is rendered.
    Change,
    /// Somebody changed it.
    Repair(Vec<Taken>),
    /// It was left without an owner.
    Adopt,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Apply an object.
    Apply(Box<Adopted>, Why),
    /// Delete an object that is no longer of the set.
    Delete {
        /// Which.
        key: ObjectKey,
        /// Its uid.
        uid: String,
    },
}

impl Step {
    /// Whether it gives the `StatefulSet` something else to say.
    #[must_use]
    pub fn changes_set(&self) -> bool {
        match self {
            Self::Apply(adopted, Why::Change) => adopted.key.kind == "StatefulSet",
            Self::Apply(..) | Self::Delete { .. } => false,
        }
    }
}

/// An object that is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocked {
    /// It is somebody else's.
    Foreign {
        /// Which.
        key: ObjectKey,
        /// Whose.
        whose: String,
    },
    /// Git has it, and leaving Git would delete it.
    InGit {
        /// Which.
        key: ObjectKey,
        /// Who applies it.
        manager: String,
    },
    /// It is of an earlier life of this cluster, or is being deleted, and will be gone.
    Leaving {
        /// Which.
        key: ObjectKey,
    },
    /// Nobody serves its kind.
    NotServed {
        /// Which.
        key: ObjectKey,
    },
    /// Somebody else takes a field again and again.
    Contested {
        /// Which.
        key: ObjectKey,
        /// The fields.
        taken: Vec<Taken>,
        /// Until when it is left.
        until: Instant,
    },
}

/// What is to be done for one cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// What is left as it is.
    pub blocked: Vec<Blocked>,
}

/// Whether a kind is served.
pub trait Served {
    /// Whether it is.
    fn is_served(&self, kind: KindId) -> bool;
}

impl Served for Cache {
    fn is_served(&self, kind: KindId) -> bool {
        Cache::is_served(self, kind)
    }
}

/// Compares what is with what is to be.
#[must_use]
pub fn plan(
    adopted: Vec<Adopted>,
    view: &View,
    cluster: &ClusterObject,
    served: &impl Served,
    repairs: &Repairs,
    now: Instant,
) -> Plan {
    let mut plan = Plan::default();
    let wanted: Vec<ObjectKey> = adopted.iter().map(|adopted| adopted.key.clone()).collect();
    for adopted in adopted {
        let key = adopted.key.clone();
        if !KindId::of(&key).is_some_and(|kind| served.is_served(kind)) {
            plan.blocked.push(Blocked::NotServed { key });
            continue;
        }
        match why(&adopted, view, cluster, repairs, now) {
            Ok(None) => {}
            Ok(Some(why)) => plan.steps.push(Step::Apply(Box::new(adopted), why)),
            Err(blocked) => plan.blocked.push(*blocked),
        }
    }
    for child in view.children.values() {
        let ours = ownership(child, cluster) == Ownership::Ours;
        let prunable = KindId::of(&child.key).is_some_and(|kind| kind.row().part == Part::Child);
        let named = |key: &ObjectKey| key.kind == child.key.kind && key.name == child.key.name;
        if ours && prunable && !child.deleting && !wanted.iter().any(named) {
            plan.steps.push(Step::Delete { key: child.key.clone(), uid: child.uid.clone() });
        }
    }
    plan
}

fn why(
    adopted: &Adopted,
    view: &View,
    cluster: &ClusterObject,
    repairs: &Repairs,
    now: Instant,
) -> Result<Option<Why>, Box<Blocked>> {
    let key = || adopted.key.clone();
    let Some(child) = view.child(&adopted.key) else { return Ok(Some(Why::Create)) };
    match ownership(child, cluster) {
        Ownership::Foreign(whose) => return Err(Box::new(Blocked::Foreign { key: key(), whose })),
        Ownership::InGit(manager) => {
            return Err(Box::new(Blocked::InGit { key: key(), manager }));
        }
        Ownership::Leftover => return Err(Box::new(Blocked::Leaving { key: key() })),
        Ownership::Orphan => return Ok(Some(Why::Adopt)),
        Ownership::Ours if child.deleting => return Err(Box::new(Blocked::Leaving { key: key() })),
        Ownership::Ours => {}
    }
    let Some(taken) = taken(&adopted.object, child) else { return Ok(Some(Why::Change)) };
    let same = child.applied.as_deref() == Some(&adopted.hash);
    if same && taken.is_empty() {
        return Ok(None);
    }
    // A new spec takes fields that others may have set before; only where the hash itself was
    // touched was somebody at work on what we had applied.
    let touched = taken.iter().any(|taken| taken.path.starts_with("metadata.annotations"));
    if !same && !touched {
        return Ok(Some(Why::Change));
    }
    let contested = |taken: &Taken| repairs.contested_until(&adopted.key, taken, now);
    let until: Option<Vec<Instant>> = taken.iter().map(contested).collect();
    match until.and_then(|until| until.into_iter().min()) {
        Some(until) if same => Err(Box::new(Blocked::Contested { key: key(), taken, until })),
        _ => Ok(Some(Why::Repair(taken))),
    }
}
