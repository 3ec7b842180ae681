//! What people ask for, as far as a decision depends on it.

use super::Millis;

/// What decides between eligible replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReplicaOrder {
    /// Offset, then priority, then run id: nobody who is ahead has to throw data away.
    #[default]
    DataFirst,
    /// Priority, then offset, then run id, as Valkey Sentinel does; still only among those who
    /// hold every acknowledged write.
    PriorityFirst,
}

/// What to do when too few members are seen to be sure of every acknowledged write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Policy {
    /// Wait for them.
    #[default]
    Consistency,
    /// After the failover timeout take the best of who is there, if every missing one is proven
    /// dead.
    Availability,
}

/// Whether writes wait for replicas that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// `min-replicas-to-write` is lowered while replicas are missing, and raised again.
    #[default]
    Preferred,
    /// It is never lowered: writes wait.
    Required,
}

/// The settings of one set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How often each node is asked, in milliseconds.
    pub ping_interval_ms: Millis,
    /// How long silence lasts until a node counts as down (SDOWN), in milliseconds.
    pub down_after_ms: Millis,
    /// Deadline of a planned handover and patience of [`Policy::Availability`], in milliseconds.
    pub failover_timeout_ms: Millis,
    /// Replicas that must hold a write before it counts as acknowledged (W).
    pub min_replicas_to_write: u8,
    /// How old a replica's acknowledgement may be, in whole seconds.
    pub min_replicas_max_lag_s: u64,
    /// Who wins among equals.
    pub replica_order: ReplicaOrder,
    /// What to do without a quorum.
    pub policy: Policy,
    /// Whether writes wait for missing replicas.
    pub durability: Durability,
    /// Whether an empty or stopped set may be given its first master.
    pub may_appoint_first: bool,
    /// Whether a failed master is replaced without being asked.
    pub auto_failover: bool,
    /// Whether each node replicates as a user of its own, so that a master can shut out one of
    /// them.
    pub shuts_out: bool,
}

impl Settings {
    /// How long a master may go on after its last acknowledgement before it refuses writes: the
    /// lag is counted in whole seconds, once a second.
    #[must_use]
    pub fn writer_window_ms(&self) -> Millis {
        (self.min_replicas_max_lag_s + 2) * 1000
    }

    /// How long clients are held at most in a planned handover, in milliseconds.
    #[must_use]
    pub fn pause_ms(&self) -> Millis {
        self.failover_timeout_ms.clamp(1000, 5000)
    }
}
