//! Whatever is left to chance: all of it follows from one seed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A source of chance. Clones draw from the same.
#[derive(Debug, Clone)]
pub struct Chance(Arc<Mutex<fastrand::Rng>>);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// A source of its own, so that what is drawn from one does not shift the other.
    pub fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().fork())))
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&self, limit: u64) -> u64 {
        self.0.lock().unwrap().u64(0..limit)
    }

    /// Whether what happens so many times in a thousand happens now.
    pub fn happens(&self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// A duration of these bounds, in whole microseconds.
    pub fn between(&self, least: Duration, most: Duration) -> Duration {
        let span = u64::try_from(most.saturating_sub(least).as_micros()).unwrap();
        least + Duration::from_micros(self.below(span + 1))
    }

    /// One of some.
    pub fn one_of<'a, T>(&self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}
