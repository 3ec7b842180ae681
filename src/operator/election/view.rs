//! What an election shows of itself, for status, conditions and people.

use tokio::time::Instant;

use crate::operator::Elsewhere;
use crate::sentinel::Phase;

use super::stopwatch::Timeline;

/// Why a cluster is not decided about at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Another operator does.
    ManagedElsewhere(Elsewhere),
    /// `status.election` is not to be understood; the sentence says where.
    RecordUnreadable(String),
    /// The TLS Secret is of no use; the sentence says why.
    TlsUnusable(String),
}

/// The last change of master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The pod that was master.
    pub from: Option<String>,
    /// The pod that became master.
    pub to: String,
    /// Why: `Failover`, `Switchover` or `First`.
    pub reason: &'static str,
    /// The epoch that it began.
    pub epoch: u64,
}

/// A pod as it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// Its name.
    pub pod: String,
    /// It was told to be down: SDOWN, or dead for sure.
    pub down: bool,
    /// When the question was put that it answered last, on the connection that is up: until then
    /// it was alive.
    pub heard: Option<Instant>,
    /// How far behind the recorded master it is on the same history, in bytes; `None` when that is
    /// not known.
    pub behind_bytes: Option<u64>,
}

/// How a cluster's election stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ElectionView {
    /// The recorded master's pod.
    pub master: Option<String>,
    /// What is going on; `None` without a record.
    pub phase: Option<Phase>,
    /// Which change of master this is.
    pub epoch: u64,
    /// Which leader wrote the record.
    pub term: u64,
    /// How many replicas must hold a write.
    pub w: u8,
    /// Why nothing is done about what is not as it should be, in words.
    pub hold: Option<String>,
    /// The last change of master that this process has seen.
    pub changed: Option<Change>,
    /// The pod of the last election that could not be sure of every acknowledged write.
    pub data_loss_possible: Option<String>,
    /// Since when the master takes no writes, because fewer replicas hold them than people ask for.
    pub writes_refused: Option<Instant>,
    /// What servers refuse to be set to: the pod, the directive and the server's own words.
    pub settings_refused: Vec<(String, String, String)>,
    /// Why the cluster is not decided about at all.
    pub problem: Option<Problem>,
    /// The pods that there are to be.
    pub nodes: Vec<NodeView>,
    /// How long the last change of master took that this process saw from its beginning to its end.
    pub timeline: Option<Timeline>,
}
