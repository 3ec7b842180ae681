//! What may not change in a living cluster: the rules that see the spec before and after.
//!
//! The API server runs the CEL; [`crate::cluster`] has the same rules in Rust, for whoever has two
//! specs and no API server.

/// A rule about a change of the spec.
#[derive(Clone, Copy, Debug)]
pub struct TransitionRule {
    /// What has to hold, in CEL: `self` is the spec that is asked for, `oldSelf` the one before.
    pub cel: &'static str,
    /// What is said where it does not.
    pub message: &'static str,
}

/// About `port`.
pub const PORT: TransitionRule = TransitionRule {
    cel: "self.?port.orValue(6379) == oldSelf.?port.orValue(6379)",
    message: "port is immutable: clients and replicas hold it",
};

/// About `persistence.enabled`.
pub const PERSISTENCE: TransitionRule = TransitionRule {
    cel: "self.?persistence.?enabled.orValue(true) == oldSelf.?persistence.?enabled.orValue(true)",
    message: "persistence.enabled is immutable: make a new cluster and copy the data",
};

/// About `persistence.storageClassName`.
pub const STORAGE_CLASS: TransitionRule = TransitionRule {
    cel: "(has(self.persistence) && has(self.persistence.storageClassName) ? self.persistence.storageClassName : '') == (has(oldSelf.persistence) && has(oldSelf.persistence.storageClassName) ? oldSelf.persistence.storageClassName : '')",
    message: "persistence.storageClassName is immutable: a volume cannot change its class",
};

/// About `persistence.storageSize`.
pub const STORAGE_SIZE: TransitionRule = TransitionRule {
    cel: "(has(self.persistence) && has(self.persistence.storageSize) ? quantity(self.persistence.storageSize) : quantity('1Gi')).compareTo(has(oldSelf.persistence) && has(oldSelf.persistence.storageSize) ? quantity(oldSelf.persistence.storageSize) : quantity('1Gi')) >= 0",
    message: "persistence.storageSize can only grow: a volume cannot shrink",
};

/// About `persistence.mode`.
pub const PERSISTENCE_MODE: TransitionRule = TransitionRule {
    cel: "self.?persistence.?mode.orValue('both') == 'both' || oldSelf.?persistence.?mode.orValue('both') == 'none' || (oldSelf.?persistence.?mode.orValue('both') == 'both' && self.?persistence.?mode.orValue('both') != 'none') || (oldSelf.?persistence.?mode.orValue('both') == 'rdb' && self.?persistence.?mode.orValue('both') == 'rdb') || (oldSelf.?persistence.?mode.orValue('both') == 'aof' && self.?persistence.?mode.orValue('both') == 'aof')",
    message: "persistence.mode may not change in a way that loses data: go from rdb to aof and back through both; nothing goes to none",
};
