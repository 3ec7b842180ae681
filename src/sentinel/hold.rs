//! Why nothing is done: each refusal to act has a reason that people can read.

use super::{NodeId, Trouble};

/// A reason not to act, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// The lease is not held.
    NotLeading,
    /// Somebody else has taken over, with this term.
    Superseded(u64),
    /// Two nodes answer in one run: it is one server, which must not count twice.
    SameServer(NodeId, NodeId),
    /// A write is under way, and what comes next depends on it.
    Writing,
    /// Not every node has answered, or been silent for long enough, since the start.
    Listening,
    /// Every node is silent: it is this process that is cut off.
    Blind,
    /// No master is recorded, and several nodes say that they are one.
    SeveralMasters(NodeId, NodeId),
    /// No master is recorded, and no node is one.
    NoMaster,
    /// The only master has no data, but this node has.
    EmptyMaster(NodeId),
    /// This node holds data of another set.
    OtherHistory(NodeId),
    /// This node follows a server that does not belong to the set.
    FollowsStranger(NodeId),
    /// The node does not answer, though not for long enough.
    Silent(NodeId),
    /// A replica still hears the master that does not answer here.
    Heard {
        /// The master.
        master: NodeId,
        /// The replica.
        by: NodeId,
    },
    /// The master answers, but lets nobody look.
    Troubled(NodeId, Trouble),
    /// A script blocks the master, and cannot be stopped without losing what it wrote.
    ScriptRuns(NodeId),
    /// Failing over is switched off.
    SwitchedOff,
    /// No replica acknowledges writes, so silence alone elects nobody.
    NobodyAcknowledges,
    /// Nodes are being frozen.
    Freezing,
    /// The lost master may still take writes for this long, in milliseconds.
    WriterWindow {
        /// How long.
        left_ms: u64,
    },
    /// Too few members are seen to be sure of every acknowledged write.
    NoQuorum {
        /// How many are seen.
        seen: u8,
        /// How many are needed.
        needed: u8,
    },
    /// This node still loads its data.
    Loading(NodeId),
    /// Nobody who is seen may become master.
    NoCandidate,
    /// The target does not follow the master closely enough to hand over.
    NotInSync(NodeId),
    /// The node is asked for by a request, but does not answer.
    Unreachable(NodeId),
    /// There is no other node to hand over to.
    NobodyElse,
    /// A wish is being fulfilled already; who takes the next one in answers with this.
    UnderWay,
    /// The handover did not come to its end in time, and was undone.
    HandoverUndone,
    /// The node is at a command, or refused one, which is tried again.
    Retrying(NodeId),
}

impl Hold {
    /// The reason in words; `name` tells what people call a node.
    #[must_use]
    pub fn describe(&self, name: &dyn Fn(NodeId) -> String) -> String {
        match *self {
            Self::NotLeading => "another process leads".into(),
            Self::Superseded(term) => format!("another process took over with term {term}"),
            Self::SameServer(one, other) => format!(
                "`{}` and `{}` are one server, which must not count twice; name each server once",
                name(one),
                name(other)
            ),
            Self::Writing => "waits for the record to be written".into(),
            Self::Listening => "waits until every node has answered or stayed silent".into(),
            Self::Blind => "no node answers at all: it is this process that is cut off".into(),
            Self::SeveralMasters(one, other) => format!(
                "`{}` and `{}` both are masters and no record says which one leads; make one of \
                 them a replica of the other",
                name(one),
                name(other)
            ),
            Self::NoMaster => "no node is a master and no record says who was; make the one with \
                               the data master: `valkey-cli -h HOST -p PORT REPLICAOF NO ONE`"
                .into(),
            Self::EmptyMaster(node) => {
                format!("the master has no data, but `{}` has: it would be wiped", name(node))
            }
            Self::OtherHistory(node) => format!(
                "`{}` holds data of another set, which attaching it would wipe; if it may go, \
                 empty it first",
                name(node)
            ),
            Self::FollowsStranger(node) => {
                format!("`{}` follows a server that is not among the nodes", name(node))
            }
            Self::Silent(node) => format!("`{}` does not answer, but not for long", name(node)),
            Self::Heard { master, by } => {
                format!("`{}` does not answer here, but `{}` hears it", name(master), name(by))
            }
            Self::Troubled(node, trouble) => {
                format!("`{}` is alive but cannot be read: {}", name(node), trouble.describe())
            }
            Self::ScriptRuns(node) => format!("a script blocks `{}`", name(node)),
            Self::SwitchedOff => "automatic failover is switched off".into(),
            Self::NobodyAcknowledges => {
                "no replica acknowledges writes, so only the proof of a death starts a failover"
                    .into()
            }
            Self::Freezing => "waits until the replicas have stopped following".into(),
            Self::WriterWindow { left_ms } => {
                format!("the lost master may take writes for {left_ms} ms more")
            }
            Self::NoQuorum { seen, needed } => format!(
                "{seen} of the members are seen, {needed} are needed to be sure of every \
                 acknowledged write"
            ),
            Self::Loading(node) => format!("`{}` still loads its data", name(node)),
            Self::NoCandidate => "nobody who is seen may become master".into(),
            Self::NotInSync(node) => {
                format!("`{}` does not follow the master closely enough", name(node))
            }
            Self::Unreachable(node) => format!("`{}` does not answer", name(node)),
            Self::NobodyElse => "there is no other node to hand over to".into(),
            Self::UnderWay => "a failover or handover is under way".into(),
            Self::HandoverUndone => {
                "the target did not get level with the master in time, so the master leads on"
                    .into()
            }
            Self::Retrying(node) => {
                format!("waits until `{}` has done what it was told", name(node))
            }
        }
    }
}

impl Trouble {
    /// The state in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Loading => "it loads its data",
            Self::Busy => "a script runs",
            Self::Unkillable => "a script runs that has written and cannot be stopped",
            Self::Misconf => "it cannot save to its disk",
            Self::MasterDown => "it has no link to its master",
            Self::Refused => "it refuses the user or the password",
            Self::MaxClients => "it has too many clients",
            Self::Stranger => "it does not answer as a Valkey server that replicates",
        }
    }
}
