//! Which cluster is looked at next: pure. One that fails waits longer each time and delays no other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::error::Retry;
use super::facts::ClusterKey;

/// The first wait after a failure.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The wait after something was decided on what is old: the watches are about to bring the new.
const STALE_WAIT: Duration = Duration::from_millis(100);
/// So many in a row are no chance any more.
const STALE_AT_MOST: u32 = 5;

/// Clusters that are to be looked at; each is there once, so there is an end to it.
#[derive(Debug, Default)]
pub struct Queue {
    due: BTreeMap<ClusterKey, Instant>,
    running: BTreeSet<ClusterKey>,
}

impl Queue {
    /// Has a cluster looked at, not before an instant; an earlier one that is noted holds.
    pub fn push(&mut self, key: ClusterKey, at: Instant) {
        let due = self.due.entry(key).or_insert(at);
        *due = at.min(*due);
    }

    /// The next that is due and not being looked at.
    pub fn pop(&mut self, now: Instant) -> Option<ClusterKey> {
        let ready = self.due.iter().filter(|(key, at)| **at <= now && !self.running.contains(*key));
        let key = ready.min_by_key(|(_, at)| **at).map(|(key, _)| key.clone())?;
        self.due.remove(&key);
        self.running.insert(key.clone());
        Some(key)
    }

    /// Notes the end of a look.
    pub fn done(&mut self, key: &ClusterKey) {
        self.running.remove(key);
    }

    /// When the next is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let waiting = self.due.iter().filter(|(key, _)| !self.running.contains(*key));
        waiting.map(|(_, at)| *at).min()
    }

    /// How many are being looked at.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }
}

/// How long to wait after the `failures`th failure in a row; `None` when only a change helps.
#[must_use]
pub fn wait(retry: Retry, failures: u32) -> Option<Duration> {
    let growing = FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(16));
    match retry {
        Retry::OnChange => None,
        Retry::Now if failures <= STALE_AT_MOST => Some(STALE_WAIT),
        Retry::Now | Retry::Backoff => Some(growing.min(LONGEST_WAIT)),
        Retry::After(asked) => Some(asked.clamp(FIRST_WAIT, LONGEST_WAIT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ClusterKey {
        ClusterKey { namespace: "ns".to_owned(), name: name.to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_is_looked_at_by_one_at_a_time_and_not_forgotten_meanwhile() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.push(key("a"), now);
        queue.push(key("a"), now);
        assert_eq!(queue.pop(now), Some(key("a")));
        assert_eq!(queue.pop(now), None);
        queue.push(key("a"), now);
        assert_eq!((queue.pop(now), queue.next_due()), (None, None));
        queue.done(&key("a"));
        assert_eq!(queue.pop(now), Some(key("a")));
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_due_comes_first_and_waiting_ones_stop_nobody() {
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        let mut queue = Queue::default();
        queue.push(key("a"), later);
        queue.push(key("c"), now);
        queue.push(key("b"), now + Duration::from_secs(1));
        assert_eq!(queue.pop(now + Duration::from_secs(2)), Some(key("c")));
        assert_eq!(queue.pop(now + Duration::from_secs(2)), Some(key("b")));
        assert_eq!(queue.pop(now + Duration::from_secs(2)), None);
        assert_eq!(queue.next_due(), Some(later));
        queue.push(key("a"), now);
        assert_eq!(queue.next_due(), Some(now), "a change does not wait for a backoff");
    }

    #[test]
    fn waits_grow_to_an_end() {
        let ms = |retry, failures| wait(retry, failures).map(|wait| wait.as_millis());
        assert_eq!(ms(Retry::OnChange, 1), None);
        assert_eq!(ms(Retry::Backoff, 1), Some(500));
        assert_eq!(ms(Retry::Backoff, 4), Some(4000));
        assert_eq!(ms(Retry::Backoff, 4_000_000), Some(300_000));
        assert_eq!(ms(Retry::Now, 5), Some(100));
        assert_eq!(ms(Retry::Now, 6), Some(16_000));
        assert_eq!(ms(Retry::After(Duration::from_secs(7)), 1), Some(7000));
        assert_eq!(ms(Retry::After(Duration::from_secs(7_000)), 1), Some(300_000));
    }
}
