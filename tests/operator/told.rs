//! In the place of the election: it keeps what it is told, and shows what a test says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use gungnir::operator::election::ElectionView;
use gungnir::operator::{ClusterFacts, ClusterKey, Elections};
use gungnir::runtime::Explanation;

/// What the election was told last, of each cluster.
#[derive(Clone, Default)]
pub struct Told {
    facts: Arc<Mutex<BTreeMap<String, ClusterFacts>>>,
    /// How the election of a cluster stands.
    pub view: Arc<Mutex<Option<ElectionView>>>,
    /// Nothing is heard of any pod.
    pub blind: Arc<AtomicBool>,
}

impl Elections for Told {
    fn update(&self, facts: ClusterFacts) {
        self.facts.lock().unwrap().insert(facts.key.name.clone(), facts);
    }

    fn remove(&self, key: &ClusterKey) {
        self.facts.lock().unwrap().remove(&key.name);
    }

    fn leadership_changed(&self) {}

    fn view(&self, _: &ClusterKey) -> Option<ElectionView> {
        self.view.lock().unwrap().clone()
    }

    fn is_blind(&self) -> bool {
        self.blind.load(Ordering::Relaxed)
    }

    fn explain(&self, _: &ClusterKey) -> Option<Explanation> {
        None
    }
}

impl Told {
    /// What it knows of a cluster.
    pub fn of(&self, name: &str) -> Option<ClusterFacts> {
        self.facts.lock().unwrap().get(name).cloned()
    }
}
