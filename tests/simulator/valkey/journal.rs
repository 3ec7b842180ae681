//! In which history each key was written first: what no client could learn together with its write.

use std::collections::BTreeMap;
use std::sync::Arc;

use gungnir::valkey::Id;

/// The writes that clients made. Replicas, which write the same, are not of it.
#[derive(Debug, Default)]
pub struct Journal(BTreeMap<Arc<str>, Id>);

impl Journal {
    /// A key is written in a history; of one that was written before nothing is changed.
    pub fn note(&mut self, key: &Arc<str>, history: Id) {
        self.0.entry(Arc::clone(key)).or_insert(history);
    }

    /// In which history a key was written first.
    pub fn history_of(&self, key: &str) -> Option<Id> {
        self.0.get(key).copied()
    }
}
