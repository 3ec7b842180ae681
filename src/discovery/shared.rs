//! What all clients of one server share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use super::config::Config;
use super::feed::Feed;

/// The version of Valkey whose Sentinel is spoken: the newest that the tests compare with.
pub(super) const PROTOCOL_VERSION: &str = "9.1.2";

/// One server's settings, its source and its counters.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) feed: Feed,
    pub(super) port: u16,
    pub(super) started: Instant,
    pub(super) clients: AtomicUsize,
    pub(super) subscribers: AtomicUsize,
    pub(super) accepted: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) requests: AtomicU64,
    /// Bytes that wait for clients, all together.
    pub(super) output_bytes: AtomicUsize,
    /// Clients closed because they took too little of what was sent to them.
    pub(super) too_slow: AtomicU64,
}

impl Shared {
    pub(super) fn new(config: Config, feed: Feed, port: u16) -> Self {
        Self {
            config,
            feed,
            port,
            started: Instant::now(),
            clients: AtomicUsize::new(0),
            subscribers: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            output_bytes: AtomicUsize::new(0),
            too_slow: AtomicU64::new(0),
        }
    }

    /// The next client's id: from 1 on, never the same twice.
    pub(super) fn accept(&self) -> u64 {
        self.accepted.fetch_add(1, Ordering::Relaxed) + 1
    }
}
