//! What a record can never have said: it was edited, or the disk lost a part of it.

use super::super::names::SetNames;
use crate::sentinel::{NodeId, Phase, Record};

/// No set ever gets to a count beyond this, and every JSON reader keeps it exactly.
const MAX_COUNT: u64 = 1 << 53;

/// What can never have been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contradiction {
    TwiceMember(NodeId),
    MasterIsMember(NodeId),
    WBeyondMembers { w: u8, members: usize },
    NoTarget(Phase),
    NoMaster(Phase),
    NoHistory,
    TooLarge,
}

impl Contradiction {
    /// The contradiction in words.
    pub(super) fn describe(self, names: &SetNames) -> String {
        match self {
            Self::TwiceMember(node) => {
                format!("`{}` is twice among the members", names.address(node))
            }
            Self::MasterIsMember(node) => {
                format!("`{}` is the master and among its own members", names.address(node))
            }
            Self::WBeyondMembers { w, members } => {
                format!("w is {w}, but there are {members} members")
            }
            Self::NoTarget(phase) => format!("the phase is {phase:?}, but there is no target"),
            Self::NoMaster(phase) => format!("the phase is {phase:?}, but there is no master"),
            Self::NoHistory => "there is a master, but no history".to_owned(),
            Self::TooLarge => {
                format!("the term or the epoch is above {MAX_COUNT}, which no set reaches")
            }
        }
    }
}

/// The first contradiction in a record, if there is one.
pub(super) fn contradiction(record: &Record) -> Option<Contradiction> {
    let phase = record.phase;
    let members = record.in_sync.len();
    let twice = record.in_sync.windows(2).find(|pair| pair[0].node == pair[1].node);
    let master = record.master.filter(|master| record.member(master.node).is_some());
    let under_way = matches!(phase, Phase::Failover | Phase::Switchover);
    [
        twice.map(|pair| Contradiction::TwiceMember(pair[0].node)),
        master.map(|master| Contradiction::MasterIsMember(master.node)),
        (usize::from(record.w) > members)
            .then_some(Contradiction::WBeyondMembers { w: record.w, members }),
        (under_way && record.target.is_none()).then_some(Contradiction::NoTarget(phase)),
        (phase != Phase::Adopt && record.master.is_none())
            .then_some(Contradiction::NoMaster(phase)),
        (record.master.is_some() && record.history.is_none()).then_some(Contradiction::NoHistory),
        (record.term.max(record.epoch) > MAX_COUNT).then_some(Contradiction::TooLarge),
    ]
    .into_iter()
    .flatten()
    .next()
}
