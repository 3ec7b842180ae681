//! An observation together with the clocks: what can be said of each node, by questions that the
//! rules ask. Nothing is decided here.

use std::sync::LazyLock;

use super::observation::EndedBy;
use super::{Clock, Id, Local, Member, Millis, Node, NodeId, Observation, Record, Report, Rule};
use super::{Rules, Trouble};

/// What one step looks at.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub rules: Rules,
    pub local: &'a Local,
    pub seen: &'a Observation,
    pub now_ms: Millis,
}

impl<'a> View<'a> {
    pub fn ids(self) -> impl Iterator<Item = NodeId> + Clone {
        (0..self.seen.nodes.len()).map(NodeId::at)
    }

    pub fn others(self, node: NodeId) -> impl Iterator<Item = NodeId> + Clone {
        self.ids().filter(move |id| *id != node)
    }

    /// Of one that is not there nothing was heard: people may ask for a pod that never was, and a
    /// record may speak of one that is no more.
    pub fn node(self, id: NodeId) -> &'a Node {
        static NOBODY: LazyLock<Node> = LazyLock::new(Node::default);
        self.seen.nodes.get(id.index()).unwrap_or(&NOBODY)
    }

    pub fn clock(self, id: NodeId) -> &'a Clock {
        static NEVER: LazyLock<Clock> = LazyLock::new(Clock::default);
        self.local.nodes.get(id.index()).unwrap_or(&NEVER)
    }

    /// How long a node has owed an answer.
    pub fn silence_ms(self, id: NodeId) -> Millis {
        let asked = self.node(id).asked_ms;
        asked.map_or(0, |asked| self.now_ms.saturating_sub(self.since_trusted(asked)))
    }

    /// A silence that began while this process stood still began, for all it knows, afterwards.
    pub fn since_trusted(self, instant: Millis) -> Millis {
        instant.max(self.local.trusted_since_ms)
    }

    /// SDOWN: it owes an answer for longer than people wait, or says for that long, after it was
    /// asked to stop, that a script runs.
    pub fn is_down(self, id: NodeId) -> bool {
        let limit = self.seen.settings.down_after_ms;
        let stuck = |(since, _): (Millis, bool)| {
            self.now_ms.saturating_sub(self.since_trusted(since)) > 2 * limit
        };
        self.silence_ms(id) > limit || self.clock(id).script.is_some_and(stuck)
    }

    /// Whether a recorded master has been silent for longer than people wait, whatever else
    /// answers under the name of its node.
    pub fn is_master_down(self, master: Member) -> bool {
        let moved = self.report(master.node).is_some_and(|report| report.home != master.home);
        let gone = self.clock(master.node).gone_since_ms.is_some_and(|since| {
            let silence_ms = self.now_ms.saturating_sub(self.since_trusted(since));
            silence_ms > self.seen.settings.down_after_ms
        });
        self.is_down(master.node) || (moved && gone)
    }

    /// The last report of a node that answers. While a script blocks it nothing is known.
    pub fn report(self, id: NodeId) -> Option<&'a Report> {
        let blocked = matches!(self.node(id).trouble, Some(Trouble::Busy | Trouble::Unkillable));
        self.node(id).report.as_ref().filter(|_| !blocked && !self.is_down(id))
    }

    /// The report of a node that is still in that run.
    pub fn in_run(self, member: Member) -> Option<&'a Report> {
        self.report(member.node).filter(|report| report.run_id == member.run_id)
    }

    /// The report of the recorded master, in its recorded run, if it leads.
    pub fn live_master(self, record: &Record) -> Option<&'a Report> {
        self.in_run(record.master?).filter(|report| report.is_master())
    }

    /// Whether a run has certainly ended.
    pub fn is_dead(self, member: Member) -> bool {
        let node = self.node(member.node);
        // Another process answers from its place.
        let replaced = |report: &Report| {
            let same_home = report.home == member.home || !self.rules.has(Rule::SameHome);
            report.run_id != member.run_id && same_home
        };
        if node.report.as_ref().is_some_and(replaced) {
            return true;
        }
        match node.ended {
            Some(ended) if ended.run_id == member.run_id => match ended.by {
                EndedBy::ContainerStatus => true,
                EndedBy::FinThenRefused => {
                    let is_heard =
                        self.linked_to(member.node).is_some() || self.is_listed(member.node);
                    !self.rules.has(Rule::DeathWitness) || !is_heard
                }
            },
            _ => false,
        }
    }

    /// Whether a master that answers lists that node as online.
    fn is_listed(self, node: NodeId) -> bool {
        self.others(node)
            .filter_map(|id| self.report(id))
            .any(|report| report.is_master() && report.online_follower(node).is_some())
    }

    /// A node that answers and has its link to that one up.
    pub fn linked_to(self, master: NodeId) -> Option<NodeId> {
        self.others(master).find(|id| {
            let link = self.report(*id).and_then(|report| report.link_to(master));
            link.is_some_and(|link| link.up)
        })
    }

    /// Whether every node is silent, and so nothing can be known.
    pub fn is_blind(self) -> bool {
        self.ids().all(|id| self.silence_ms(id) > self.seen.settings.down_after_ms)
    }

    pub fn has_trouble(self, id: NodeId, trouble: Trouble) -> bool {
        self.node(id).trouble == Some(trouble) && !self.is_down(id)
    }

    /// How far a report is on a history. Without the rule, its bare offset.
    pub fn position(self, report: &Report, history: Id) -> Option<u64> {
        if self.rules.has(Rule::SameHistory) {
            report.position_on(history)
        } else {
            Some(report.offset)
        }
    }
}
