//! The way from one host to another, in one direction.

use std::time::Duration;

use tokio::time::Instant;

/// The longest wait between two attempts of TCP.
const LONGEST_RETRY: Duration = Duration::from_secs(120);

/// A path. What is not said of it is as usual.
#[derive(Debug, Clone, Default)]
pub struct Path {
    /// Between which bounds a packet's time is drawn.
    pub latency: Option<(Duration, Duration)>,
    /// Nothing arrives, and nobody is told.
    pub cut: bool,
    /// A firewall says RST to whoever connects.
    pub refuses: bool,
}

/// When TCP sends again what it first sent at `first` with this timeout: the first such moment that
/// is not before `now`. Each wait is twice the one before.
pub fn next_attempt(first: Instant, timeout: Duration, now: Instant) -> Instant {
    let (mut at, mut wait) = (first + timeout, timeout);
    while at < now {
        wait = (wait * 2).min(LONGEST_RETRY);
        at += wait;
    }
    at
}
