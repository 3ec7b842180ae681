//! What a process remembers of a cluster between two reconciles. All of it can be lost.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use crate::cluster::ValidatedCluster;

use super::drift::Repairs;
use super::elsewhere::Elsewhere;
use super::facts::{ClusterKey, TlsFiles};
use super::secret::Passwords;

/// What is remembered of one cluster.
#[derive(Debug, Default)]
pub struct Memory {
    /// The uid that it is of.
    pub uid: String,
    /// The last spec that was sound: it is elected by until a new one is.
    pub sound: Option<Rc<ValidatedCluster>>,
    /// The passwords, and the version of `N-secret` that they were read from.
    pub passwords: Option<Passwords>,
    /// The certificates, and the version of the Secret.
    pub tls: Option<TlsFiles>,
    /// The generation whose named Secrets were all found, and when.
    pub secrets_found: Option<(i64, Instant)>,
    /// Fields that were repaired.
    pub repairs: Repairs,
    /// The last repair, for the condition `Drifted`.
    pub drifted: Option<(Timestamp, String)>,
    /// The pod that is to take over before its master is restarted or goes.
    pub heir: Option<String>,
    /// The pod that could take over now, and since when.
    pub heir_ready: Option<(String, Instant)>,
    /// The pod that is to be restarted next, and since when.
    pub next_restart: Option<(String, Instant)>,
    /// The generation for which the `StatefulSet` was let go, so that Git makes it anew.
    pub recreated: Option<i64>,
    /// The epoch of the last change of master that was counted.
    pub counted_epoch: Option<u64>,
    /// When the status was written last.
    pub status_written: Option<Instant>,
    /// Whose it is, as far as people were told that.
    pub elsewhere: Option<Elsewhere>,
    /// Reconciles in a row that did not end well.
    pub failures: u32,
}

/// What is remembered of every cluster.
#[derive(Debug, Default)]
pub struct Memories(RefCell<BTreeMap<ClusterKey, Rc<RefCell<Memory>>>>);

impl Memories {
    /// What is remembered of a cluster; nothing of another of the same name.
    #[must_use]
    pub fn of(&self, key: &ClusterKey, uid: &str) -> Rc<RefCell<Memory>> {
        let mut all = self.0.borrow_mut();
        let known = all.entry(key.clone()).or_default();
        if known.borrow().uid != uid {
            *known = Rc::new(RefCell::new(Memory { uid: uid.to_owned(), ..Memory::default() }));
        }
        Rc::clone(known)
    }

    /// Forgets a cluster.
    pub fn forget(&self, key: &ClusterKey) {
        self.0.borrow_mut().remove(key);
    }
}
