//! What a process remembers between two steps: clocks, and nothing that must survive it.

use super::{Hold, Id, Member, Millis};

/// The memory of one deciding process. Losing it costs time, never safety.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Local {
    /// When the last step was taken.
    pub last_step_ms: Option<Millis>,
    /// Silence counts only from here on: the start, or the end of a standstill.
    pub trusted_since_ms: Millis,
    /// Why nothing is being done about what is not as it should be.
    pub hold: Option<Hold>,
    /// Since when the present recorded intent has been pursued, with its epoch.
    pub pursued_since: Option<(u64, Millis)>,
    /// An offset of the master that members have to acknowledge before what is planned may be
    /// recorded.
    pub mark: Option<Mark>,
    /// The wish under way: its id, the master before, and the epoch that was begun for it.
    pub accepted: Option<(u64, Member, u64)>,
    /// One entry a node.
    pub nodes: Vec<Clock>,
}

/// An offset of the recorded master, read after something else had been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The run of the master whose offset it is.
    pub master: Id,
    /// The epoch and the W in force on the master when it was read.
    pub epoch: u64,
    /// `min-replicas-to-write` as the master had it.
    pub min_replicas_to_write: u8,
    /// The offset.
    pub offset: u64,
}

/// Clocks of one node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Clock {
    /// It was told to be down.
    pub down: bool,
    /// Since when it has answered nothing but that a script runs, and whether that script was
    /// asked to stop.
    pub script: Option<(Millis, bool)>,
    /// The offset in its last report, the run, and when that offset was first seen.
    pub advanced: Option<(Id, u64, Millis)>,
    /// The latest instant at which this run may have acknowledged anything to the recorded
    /// master; `None` while it still may.
    pub quiet: Option<(Id, Millis)>,
    /// `asked_ms` of the report that these clocks were last set from.
    pub looked_at: Option<Millis>,
    /// Since when nothing has been heard of the recorded master, if it was this node's: it is
    /// silent, or another home of the node answers.
    pub gone_since_ms: Option<Millis>,
    /// Since when the recorded master has not listed it.
    pub unlisted_since_ms: Option<Millis>,
    /// What has changed about this node as a member, while the record does not say so yet.
    pub change: Option<Change>,
}

/// A member was shut out, or came back in another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Change {
    /// The run that was shut out, or that came back.
    pub run_id: Id,
    /// When that was noticed.
    pub noticed_ms: Millis,
    /// An offset of the master, asked for later than that.
    pub offset: Option<u64>,
}
