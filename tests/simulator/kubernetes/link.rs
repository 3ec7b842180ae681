//! The way of one client to the API server, and all that can happen on it.

use std::time::Duration;

use crate::chance::Chance;

/// From a least to a most.
#[derive(Debug, Clone, Copy)]
pub struct Lag(pub Duration, pub Duration);

impl Lag {
    /// Of so many milliseconds.
    pub const fn ms(least: u64, most: u64) -> Self {
        Self(Duration::from_millis(least), Duration::from_millis(most))
    }

    /// One of them.
    pub fn draw(self, chance: &Chance) -> Duration {
        chance.between(self.0, self.1)
    }
}

/// The way of one client. Chances are in a thousand.
#[derive(Debug, Clone)]
pub struct Link {
    /// How long a request is under way, and then its answer.
    pub latency: Lag,
    /// How much later an event of a watch comes.
    pub watch_lag: Lag,
    /// Nothing gets through. What was under way arrives once it does again.
    pub cut: bool,
    /// Every connection is refused.
    pub refused: bool,
    /// How often a request is answered by an error, and not done.
    pub errors: u64,
    /// How often a request is done and its answer lost.
    pub loses_answers: u64,
    /// How often an event of a watch comes twice.
    pub repeats_events: u64,
    /// How often a watch ends where an event was to come.
    pub breaks_watches: u64,
    /// How long a client waits for a connection, and for an answer or event on one that is dead.
    pub connect_patience: Duration,
    pub patience: Duration,
}

impl Default for Link {
    /// A way on which nothing happens.
    fn default() -> Self {
        Self {
            latency: Lag::ms(1, 3),
            watch_lag: Lag::ms(1, 5),
            cut: false,
            refused: false,
            errors: 0,
            loses_answers: 0,
            repeats_events: 0,
            breaks_watches: 0,
            // As kube's client has them.
            connect_patience: Duration::from_secs(30),
            patience: Duration::from_secs(295),
        }
    }
}
