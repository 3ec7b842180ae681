//! What one writer was told about its writes.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;
use std::time::Instant;

use super::node::Node;

/// A pause between two successes is kept from here on.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);

/// One writer's writes: numbers from 1, each appended once to a list of its own.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The list's key.
    pub key: String,
    /// What was confirmed: the write's reply, or its `WAIT`'s.
    pub confirmed: Vec<u32>,
    /// Pauses between one confirmed write and the next.
    pauses: Vec<(Instant, Instant)>,
    last_success: Option<Instant>,
    /// Replies that were errors by their first word, and what else went wrong.
    pub failures: BTreeMap<String, u32>,
}

impl Ledger {
    /// An empty one, of the list with this key.
    pub fn new(key: String) -> Self {
        Self { key, ..Self::default() }
    }

    /// A write was confirmed now.
    pub fn confirm(&mut self, number: u32, now: Instant) {
        self.confirmed.push(number);
        if let Some(last) = self.last_success.replace(now)
            && now - last >= SHORTEST_PAUSE
        {
            self.pauses.push((last, now));
        }
    }

    /// A write failed, or nobody knows.
    pub fn fail(&mut self, cause: &str) {
        *self.failures.entry(cause.to_owned()).or_default() += 1;
    }

    /// The longest time between two confirmed writes that is not over before `since`, up to `now`.
    pub fn longest_pause(&self, since: Instant, now: Instant) -> Duration {
        let open = self.last_success.map(|last| (last, now));
        let pauses = self.pauses.iter().copied().chain(open);
        let pauses = pauses.filter(|(_, end)| *end >= since);
        pauses.map(|(start, end)| end - start).max().unwrap_or_default()
    }

    /// Whether a write was confirmed after `since`.
    pub fn has_succeeded_after(&self, since: Instant) -> bool {
        self.last_success.is_some_and(|last| last > since)
    }

    /// When a write was last confirmed.
    pub fn last_success(&self) -> Option<Instant> {
        self.last_success
    }

    /// The confirmed numbers that are not in the final data.
    pub fn lost(&self, master: &Node) -> Vec<u32> {
        let limit = Duration::from_secs(20);
        let found = master.ask_within::<Vec<u32>>(limit, &["LRANGE", &self.key, "0", "-1"]);
        let found: BTreeSet<u32> =
            found.unwrap_or_else(|error| panic!("{}: {error}", self.key)).into_iter().collect();
        self.confirmed.iter().copied().filter(|number| !found.contains(number)).collect()
    }
}
