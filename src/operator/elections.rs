//! The seam between the two halves of the operator: what the reconciling one asks of the electing
//! one.

use std::cell::RefCell;

use super::election::{self, ElectionView};
use super::facts::{ClusterFacts, ClusterKey};
use crate::runtime::Explanation;

/// The half of the operator that elects masters.
pub trait Elections {
    /// Takes in how a cluster is now.
    fn update(&self, facts: ClusterFacts);

    /// Forgets a cluster that is gone.
    fn remove(&self, key: &ClusterKey);

    /// Leading has begun or ended.
    fn leadership_changed(&self);

    /// How a cluster's election stands; `None` when there is none.
    fn view(&self, key: &ClusterKey) -> Option<ElectionView>;

    /// Whether it is probably this process that is cut off.
    fn is_blind(&self) -> bool;

    /// What is seen of a cluster, what would be done, and why not yet.
    fn explain(&self, key: &ClusterKey) -> Option<Explanation>;
}

/// Elects nobody: for tests of the other half.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoElections;

impl Elections for NoElections {
    fn update(&self, _: ClusterFacts) {}

    fn remove(&self, _: &ClusterKey) {}

    fn leadership_changed(&self) {}

    fn view(&self, _: &ClusterKey) -> Option<ElectionView> {
        None
    }

    fn is_blind(&self) -> bool {
        false
    }

    fn explain(&self, _: &ClusterKey) -> Option<Explanation> {
        None
    }
}

/// One thread uses it, and nothing is held across an await.
impl Elections for RefCell<election::Elections> {
    fn update(&self, facts: ClusterFacts) {
        self.borrow_mut().update(facts);
    }

    fn remove(&self, key: &ClusterKey) {
        self.borrow_mut().remove(key);
    }

    fn leadership_changed(&self) {
        self.borrow().leadership_changed();
    }

    fn view(&self, key: &ClusterKey) -> Option<ElectionView> {
        self.borrow().view(key)
    }

    fn is_blind(&self) -> bool {
        self.borrow().is_blind()
    }

    fn explain(&self, key: &ClusterKey) -> Option<Explanation> {
        self.borrow().explain(key)
    }
}
