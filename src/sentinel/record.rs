//! The election record: all that must survive a crash of whoever decides.
//!
//! It is written with a precondition (the version that was read), and always *before* what it
//! announces is done. A process that finds it can finish or undo what another one began.

use super::{Home, Id, NodeId};

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// No master is recorded: a running one is to be found, or with a target, that one is to be
    /// made the first.
    Adopt,
    /// The recorded master leads; nothing is under way.
    Stable,
    /// The recorded master is believed lost; the target is to be promoted if the election after
    /// the freeze confirms it.
    Failover,
    /// The recorded master hands over to the target.
    Switchover,
}

/// A process: a node, and which of its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The node.
    pub node: NodeId,
    /// `run_id` of its process.
    pub run_id: Id,
    /// Where that process runs, or ran.
    pub home: Home,
}

/// The election record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// Which leader wrote this; only grows.
    pub term: u64,
    /// Which change of master this is; only grows, by one for every change of mind too.
    pub epoch: u64,
    /// What is going on.
    pub phase: Phase,
    /// Who is to become master; with [`Phase::Failover`] and [`Phase::Switchover`] always there.
    pub target: Option<NodeId>,
    /// The master of this epoch, in the run that was promoted or adopted.
    pub master: Option<Member>,
    /// `master_replid` of the recorded master: the history that writes are acknowledged on.
    pub history: Option<Id>,
    /// The history that this one grew out of.
    pub previous_history: Option<Id>,
    /// No write beyond this offset was acknowledged on the previous history.
    pub base_offset: u64,
    /// The replicas that were allowed to attach in this epoch: each may be the only holder of an
    /// acknowledged write beside the master. Ordered by node, a node at most once.
    pub in_sync: Vec<Member>,
    /// How many of them hold each acknowledged write; 0 while that is not known.
    pub w: u8,
}

impl Record {
    /// One that elects nobody: no master is known yet.
    #[must_use]
    pub fn without_master(term: u64, epoch: u64) -> Self {
        Self {
            term,
            epoch,
            phase: Phase::Adopt,
            target: None,
            master: None,
            history: None,
            previous_history: None,
            base_offset: 0,
            in_sync: Vec::new(),
            w: 0,
        }
    }

    /// Whether a process is the recorded master.
    #[must_use]
    pub fn is_master(&self, node: NodeId, run_id: Id) -> bool {
        self.master.is_some_and(|master| (master.node, master.run_id) == (node, run_id))
    }

    /// The entry of a node among the members.
    #[must_use]
    pub fn member(&self, node: NodeId) -> Option<Member> {
        self.in_sync.iter().copied().find(|member| member.node == node)
    }

    /// The same with a node among the members; an entry of an earlier run of it stays as it is,
    /// because that run's acknowledgements are still to be covered.
    #[must_use]
    pub(super) fn with_member(&self, member: Member) -> Self {
        let mut next = self.clone();
        if self.member(member.node).is_none() {
            next.in_sync.push(member);
            next.in_sync.sort_unstable();
        }
        next
    }
}
