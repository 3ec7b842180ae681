//! The sentinel in the cluster: a set a `ValkeyCluster`, its pods the nodes, its record in
//! `status.election`, clients sent by the selector of `N-client`.
//!
//! ```text
//! ClusterFacts ─▶ Desk ─ SetTargets ─▶ runtime::watch_set ─▶ Valkey
//!                  ▲                       │      │
//!                  └── ClusterStore ◀──────┘      └─▶ Teller ─▶ ElectionNews, discovery, labels
//!                      status.election, N-client
//! ```
//!
//! Each cluster is one task of one thread. The standby watches, too: its clocks are warm when it
//! comes to lead, and it does nothing before that. Leading begins with a new term, on the record as
//! it is then.
//!
//! What never happens here: a decision about who is master, or a write of anything but what the
//! sentinel owns ([`Manager::Sentinel`](super::Manager::Sentinel)).

mod calls;
mod desk;
#[cfg(test)]
mod fixture;
mod labels;
mod lanes;
mod lease;
mod pointer;
mod record;
mod seats;
mod set;
mod stopwatch;
mod store;
mod targets;
mod teller;
mod view;
mod wishes;

pub use record::RecordError;
pub use stopwatch::Timeline;
pub use view::{Change, ElectionView, NodeView, Problem};

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use kube::Client;
use tokio::sync::mpsc;

use super::{ClusterFacts, ClusterKey, ElectionNews, Outside};
use crate::discovery::Publisher;
use crate::runtime::{Clock, Explanation};

use lanes::Lanes;
use set::Watched;

/// Whether a process may change anything now.
pub type MayAct = Arc<dyn Fn() -> bool + Send + Sync>;

/// What every election needs.
#[derive(Clone)]
pub struct ElectionsSetup {
    /// The API server. Whoever waits for its turn may lose the lease meanwhile: in production it is
    /// the lease's own client, which asks again right before a change is sent.
    pub client: Client,
    /// Who decides here: the lease as `namespace/name`.
    pub identity: String,
    /// Whether this process leads right now, with a margin; asked before each effect.
    pub may_act: MayAct,
    /// Where news goes. What finds no room is dropped.
    pub news: mpsc::Sender<ElectionNews>,
    /// The way to the servers, and the time of day.
    pub outside: Outside,
    /// Who tells the clients that speak Sentinel's protocol.
    pub publisher: Rc<Publisher>,
}

/// The elections of all clusters.
///
/// Its methods that start something have to be called in a
/// [`LocalSet`](tokio::task::LocalSet). Dropping it ends every election; what was begun is gone on
/// with by whoever leads next.
pub struct Elections {
    setup: ElectionsSetup,
    lanes: Lanes,
    clock: Clock,
    clusters: BTreeMap<ClusterKey, Watched>,
}

impl Elections {
    /// No cluster is known yet.
    #[must_use]
    pub fn new(setup: ElectionsSetup) -> Self {
        let lanes = Lanes::new(&setup.client);
        Self { setup, lanes, clock: Clock::start(), clusters: BTreeMap::new() }
    }

    /// Takes in what the caches have of a cluster now.
    pub fn update(&mut self, facts: ClusterFacts) {
        let key = facts.key.clone();
        if let Some(watched) = self.clusters.get(&key).filter(|it| it.uid() == facts.uid) {
            watched.take(facts);
            return;
        }
        // One that was made anew under the name is another.
        self.clusters.remove(&key);
        let watched = Watched::start(&self.setup, &self.lanes, self.clock, facts);
        self.clusters.insert(key.clone(), watched);
        self.name_all(&key.name);
    }

    /// The cluster is gone.
    pub fn remove(&mut self, key: &ClusterKey) {
        if self.clusters.remove(key).is_some() {
            self.setup.publisher.update(&key.to_string(), None, &[]);
            self.name_all(&key.name);
        }
    }

    /// Leading has begun or ended: every election looks at that now, not at its next tick. To be
    /// called each time, also when it was short.
    pub fn leadership_changed(&self) {
        for watched in self.clusters.values() {
            watched.leadership_changed();
        }
    }

    /// How the election of a cluster stands; `None` when there is none.
    #[must_use]
    pub fn view(&self, key: &ClusterKey) -> Option<ElectionView> {
        Some(self.clusters.get(key)?.view())
    }

    /// Whether it is probably this process that is cut off: nothing is heard of any pod of two
    /// clusters, or of all there are.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        let views = self.clusters.values().map(Watched::sight);
        let (blind, sighted) = views.fold((0, 0), |(blind, sighted), sight| match sight {
            Some(true) => (blind, sighted + 1),
            Some(false) => (blind + 1, sighted),
            None => (blind, sighted),
        });
        blind >= 2 || (blind == 1 && sighted == 0)
    }

    /// What is seen of a cluster, what would be done, and why not yet.
    #[must_use]
    pub fn explain(&self, key: &ClusterKey) -> Option<Explanation> {
        self.clusters.get(key)?.explanation()
    }

    /// The clusters that are watched.
    pub fn keys(&self) -> impl Iterator<Item = &ClusterKey> {
        self.clusters.keys()
    }

    /// A cluster is found by its bare name as long as no other has it.
    fn name_all(&self, name: &str) {
        let of_name: BTreeSet<&ClusterKey> =
            self.clusters.keys().filter(|key| key.name == name).collect();
        let unique = of_name.len() == 1;
        for key in &of_name {
            let full = key.to_string();
            let mut names = vec![full.clone()];
            if unique {
                names.push(name.to_owned());
                self.setup.publisher.alias(name, Some(&full));
            }
            self.clusters[*key].rename(names);
        }
        if !unique {
            self.setup.publisher.alias(name, None);
        }
    }
}
