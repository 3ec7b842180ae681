//! What is known of the world at one instant. Facts only: nothing here has been judged.

use super::{Home, Id, Member, Millis, NodeId, Record, Settings};

/// Everything that a decision may depend on beside the clocks of [`Local`](super::Local).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Observation {
    /// What people ask for.
    pub settings: Settings,
    /// The election record as last read or written; `None` when there has never been one.
    pub record: Option<Record>,
    /// The term that this process has written, 0 before it has taken over.
    pub my_term: u64,
    /// Whether this process may act: it holds the lease, with a margin.
    pub leading: bool,
    /// A write of the record or of the Service is under way.
    pub writing: bool,
    /// The nodes, each at the place of its [`NodeId`].
    pub nodes: Vec<Node>,
    /// Where the Service (or the endpoint file) points.
    pub service: Option<Pointer>,
    /// What somebody asks for.
    pub request: Option<Request>,
}

/// Where clients are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pointer {
    /// The node.
    pub node: NodeId,
    /// The epoch that it was written in.
    pub epoch: u64,
}

/// A wish of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    /// Comes back in the answer.
    pub id: u64,
    /// What is wished for.
    pub wish: Wish,
}

/// What people may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wish {
    /// Hand over to a node, or to the best one.
    Switchover(Option<NodeId>),
    /// Promote this node although acknowledged writes may be lost by it.
    Promote(NodeId),
}

/// One node as seen from here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Node {
    /// When the oldest question without an answer was put (a connection that is not up counts as
    /// a question); `None` when every question was answered.
    pub asked_ms: Option<Millis>,
    /// Why it gave no report the last time, though it answered.
    pub trouble: Option<Trouble>,
    /// What it last said, on the connection that is up; `None` after the connection was lost.
    pub report: Option<Report>,
    /// Evidence that a process has ended.
    pub ended: Option<Ended>,
    /// Clients of this node are held until then, by our own command.
    pub paused_until_ms: Option<Millis>,
    /// A command is under way.
    pub busy: bool,
    /// The highest term that an operator's user on this node carries.
    pub highest_term: u64,
    /// The shutting out of this node's replication is in force on the recorded master.
    pub shut_out: bool,
    /// Every start of this node is known to come up as a replica of nowhere.
    pub gated: bool,
    /// It is about to be taken away: its pod is being deleted, evicted or scaled away.
    pub leaving: bool,
    /// The run that was seen last, on whatever connection.
    pub last_run: Option<Id>,
    /// What its volume remembers: the epoch, and whether it was master then.
    pub remembered: Option<(u64, bool)>,
    /// Nothing can be on it from before the set was made: its volume is new, or it has none.
    pub blank: bool,
}

/// Evidence that a run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ended {
    /// The run.
    pub run_id: Id,
    /// How that is known.
    pub by: EndedBy,
    /// When it was noticed.
    pub at_ms: Millis,
}

/// How the end of a process is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndedBy {
    /// Its container's status says so, or another run has the lock on its volume.
    ContainerStatus,
    /// An idle connection got a FIN, and two dials after it were refused: a firewall could do the
    /// same, so replicas are asked too.
    FinThenRefused,
}

/// An answer that is no report. All of them prove a living process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// It loads its data.
    Loading,
    /// A script runs.
    Busy,
    /// It has refused to stop a script that has written.
    Unkillable,
    /// It cannot save to its disk; commands that read are answered.
    Misconf,
    /// It has lost its master and answers nothing else.
    MasterDown,
    /// It does not let us in: password, user, or right.
    Refused,
    /// It has too many clients.
    MaxClients,
    /// It answers, but not as a Valkey server that replicates.
    Stranger,
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Report {
    /// When the question was put: all of this is at least as new.
    pub asked_ms: Millis,
    /// `run_id` of the process.
    pub run_id: Id,
    /// Where the process runs.
    pub home: Home,
    /// Master or replica.
    pub role: Role,
    /// Its data is still being loaded.
    pub loading: bool,
    /// `replica-priority`; 0 never leads.
    pub priority: u32,
    /// `master_replid`.
    pub history: Id,
    /// `master_replid2`, and the offset up to which it is held (`second_repl_offset` − 1).
    pub previous_history: Option<(Id, u64)>,
    /// `master_repl_offset`.
    pub offset: u64,
    /// How many keys it holds.
    pub keys: u64,
    /// `min-replicas-to-write` in force.
    pub min_replicas_to_write: u8,
    /// The replicas that a master lists, those of this set only.
    pub followers: Vec<Follower>,
}

/// Master or replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It takes writes.
    Master,
    /// It follows.
    Replica(Link),
}

/// A replica's link to its master.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Link {
    /// Whom it follows.
    pub upstream: Upstream,
    /// `master_link_status:up`.
    pub up: bool,
    /// `master_link_down_since_seconds`; `None` when up, or when there was never a link.
    pub down_since_s: Option<u64>,
    /// `master_last_io_seconds_ago`; `None` when down.
    pub last_io_s: Option<u64>,
    /// How far the replica's clock was in the second of its answer, in milliseconds
    /// (`server_time_usec`); 0 when that is not known.
    pub second_ms: Millis,
    /// `master_sync_in_progress`.
    pub syncing: bool,
}

/// Whom a replica follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Upstream {
    /// Nobody: behind its boot gate, or frozen.
    Nowhere,
    /// A node of this set.
    Node(NodeId),
    /// Somebody else.
    Stranger,
}

/// A replica as its master lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Follower {
    /// Which node.
    pub node: NodeId,
    /// `state=online`.
    pub online: bool,
    /// The offset that it has acknowledged.
    pub offset: u64,
}

impl Report {
    /// The process that gave it, as it is recorded.
    #[must_use]
    pub fn member(&self, node: NodeId) -> Member {
        Member { node, run_id: self.run_id, home: self.home }
    }

    /// Whether the process takes writes.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.role == Role::Master
    }

    /// Whether it is a replica of nowhere: it keeps data and offset, takes no writes, and
    /// acknowledges for nobody.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        matches!(self.role, Role::Replica(Link { upstream: Upstream::Nowhere, .. }))
    }

    /// Its link to a node, if it follows that one.
    #[must_use]
    pub fn link_to(&self, master: NodeId) -> Option<Link> {
        match self.role {
            Role::Replica(link) if link.upstream == Upstream::Node(master) => Some(link),
            _ => None,
        }
    }

    /// How far it holds a history; `None` when it does not.
    ///
    /// After a promotion a node names the history it came from with the offset at which it left
    /// it; what it has written since is not on that history.
    #[must_use]
    pub fn position_on(&self, history: Id) -> Option<u64> {
        if self.history == history {
            return Some(self.offset);
        }
        let (previous, until) = self.previous_history?;
        (previous == history).then_some(until.min(self.offset))
    }

    /// The entry of a node among its replicas, if the master has it online.
    #[must_use]
    pub fn online_follower(&self, node: NodeId) -> Option<Follower> {
        self.followers.iter().copied().find(|follower| follower.node == node && follower.online)
    }
}
