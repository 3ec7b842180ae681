//! What is so: the sets, their masters and replicas, as the clients are told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A set's name, as clients ask for it. It is matched exactly.
pub type SetName = String;

/// Every set that is watched, by its name.
///
/// Sets that did not change are shared with the directory before, so that a new one costs little.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// The sets.
    pub sets: BTreeMap<SetName, Arc<Set>>,
    /// Other names that lead to a set, while they are nobody else's. Lists do not show them.
    pub aliases: BTreeMap<SetName, SetName>,
}

impl Directory {
    /// The set that a client asks for.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Set>> {
        let alias = || self.sets.get(self.aliases.get(name)?);
        self.sets.get(name).or_else(alias)
    }

    /// Whether a name is none's because several sets have it, each after a namespace of its own.
    #[must_use]
    pub fn is_of_several(&self, name: &str) -> bool {
        let bare = |full: &&SetName| full.rsplit_once('/').is_some_and(|(_, bare)| bare == name);
        self.find(name).is_none() && self.sets.keys().filter(bare).nth(1).is_some()
    }
}

/// One master with its replicas.
#[derive(Clone, Debug)]
pub struct Set {
    /// The master, or `None` until there is one. Such a set is no master to any client.
    pub master: Option<Instance>,
    /// The replicas, in the order they are told.
    pub replicas: Vec<Instance>,
    /// The epoch of the last change of master.
    pub epoch: u64,
    /// How many observers must agree that the master is down.
    pub quorum: u32,
    /// How long the master may be silent before it is down, in milliseconds.
    pub down_after_ms: u64,
    /// How long a failover may take, in milliseconds.
    pub failover_timeout_ms: u64,
    /// How many replicas are pointed at a new master at once.
    pub parallel_syncs: u32,
    /// How far a failover is, while there is one.
    pub failover: Option<FailoverState>,
    /// Why no failover would be possible now; `None` when one would be.
    pub cannot_fail_over: Option<String>,
    /// When the ages in this set (`…_age_ms`) were taken. What clients get has aged since.
    pub observed_at: Instant,
}

impl Set {
    /// A set of which nothing is known yet, with Sentinel's own defaults.
    #[must_use]
    pub fn new(observed_at: Instant) -> Self {
        Self {
            master: None,
            replicas: Vec::new(),
            epoch: 0,
            quorum: 1,
            down_after_ms: 30_000,
            failover_timeout_ms: 180_000,
            parallel_syncs: 1,
            failover: None,
            cannot_fail_over: None,
            observed_at,
        }
    }

    /// How long ago the ages were taken.
    pub(super) fn aged(&self) -> Duration {
        self.observed_at.elapsed()
    }
}

/// A server of a set, as it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Where clients reach it: an address or a name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Its run id, once it has told it.
    pub run_id: Option<String>,
    /// What else is known about it.
    pub flags: BTreeSet<Flag>,
    /// How long it has been down (SDOWN), in milliseconds; `None` when it is not.
    pub down_age_ms: Option<u64>,
    /// Commands that it has not answered yet.
    pub link_pending_commands: u32,
    /// How long the oldest unanswered PING waits, in milliseconds; `None` when none does.
    pub pending_ping_age_ms: Option<u64>,
    /// How long ago it gave the last good reply to a PING, in milliseconds.
    pub last_ok_ping_reply_age_ms: u64,
    /// How long ago it gave the last reply of any kind to a PING, in milliseconds.
    pub last_ping_reply_age_ms: u64,
    /// How long ago it answered INFO, in milliseconds; `None` when it never did.
    pub info_age_ms: Option<u64>,
    /// The role it says it has.
    pub role_reported: Role,
    /// How long it has said so, in milliseconds.
    pub role_reported_age_ms: u64,
    /// What only a replica has; not told about a master.
    pub replica: ReplicaState,
}

impl Instance {
    /// A server of which only its place is known.
    #[must_use]
    pub fn at(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, ..Self::default() }
    }
}

/// How a replica stands to its master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    /// Whether its link to the master is up.
    pub master_link_up: bool,
    /// How long that link has been down, in milliseconds; 0 when it is up.
    pub master_link_down_ms: u64,
    /// Which host it replicates from, once it has told.
    pub master_host: Option<String>,
    /// Which port it replicates from.
    pub master_port: u16,
    /// Its `replica-priority`; 0 is never promoted.
    pub priority: u32,
    /// How far it has replicated, in bytes of the replication stream.
    pub offset: u64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            master_link_up: false,
            master_link_down_ms: 0,
            master_host: None,
            master_port: 0,
            priority: 100,
            offset: 0,
        }
    }
}

/// A server's role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It takes writes.
    #[default]
    Master,
    /// It follows a master.
    Replica,
}

impl Role {
    /// Sentinel's word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "slave",
        }
    }
}

/// What Sentinel's `flags` field says besides role and SDOWN, in the field's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// There is no connection to it.
    Disconnected,
    /// Its master is down.
    MasterDown,
    /// It is being replaced (a master).
    FailoverInProgress,
    /// It was chosen to become the master.
    Promoted,
    /// It was told to follow the new master.
    ReconfSent,
    /// It follows the new master, its link is not up yet.
    ReconfInProgress,
    /// It follows the new master.
    ReconfDone,
    /// It was sent a SCRIPT KILL, because it answered BUSY.
    ScriptKillSent,
    /// It restarted.
    MasterReboot,
}

impl Flag {
    /// Sentinel's word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::MasterDown => "master_down",
            Self::FailoverInProgress => "failover_in_progress",
            Self::Promoted => "promoted",
            Self::ReconfSent => "reconf_sent",
            Self::ReconfInProgress => "reconf_inprog",
            Self::ReconfDone => "reconf_done",
            Self::ScriptKillSent => "script_kill_sent",
            Self::MasterReboot => "master_reboot",
        }
    }
}

/// How far a failover is, in Sentinel's steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverState {
    /// It was decided and has not begun.
    WaitStart,
    /// The new master is being chosen.
    SelectReplica,
    /// The chosen one is being promoted.
    SendReplicaofNoOne,
    /// The chosen one has not said yet that it is a master.
    WaitPromotion,
    /// The others are being pointed at the new master.
    ReconfReplicas,
    /// The new master is being made known.
    UpdateConfig,
}

impl FailoverState {
    /// Sentinel's word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::WaitStart => "wait_start",
            Self::SelectReplica => "select_slave",
            Self::SendReplicaofNoOne => "send_slaveof_noone",
            Self::WaitPromotion => "wait_promotion",
            Self::ReconfReplicas => "reconf_slaves",
            Self::UpdateConfig => "update_config",
        }
    }
}
