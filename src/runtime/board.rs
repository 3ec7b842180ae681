//! What is known of a set right now: written by those who look, read by the one who decides.

use std::cell::{Cell, RefCell};

use tokio::sync::{Notify, watch};

use super::target::SetTargets;
use crate::sentinel::{
    Ended, EndedBy, Member, Millis, Node, NodeId, Observation, Pointer, Record, Request, Settings,
};
use crate::valkey::ServerConfig;

/// The shared knowledge of one set. One thread uses it; no borrow is held across an await.
#[derive(Debug)]
pub(super) struct Board {
    pub settings: RefCell<Settings>,
    pub nodes: RefCell<Vec<Node>>,
    pub record: RefCell<Option<Record>>,
    pub version: Cell<u64>,
    pub pointer: Cell<Option<Pointer>>,
    /// The term that this process has written.
    pub my_term: watch::Sender<u64>,
    pub writing: Cell<bool>,
    pub request: Cell<Option<Request>>,
    /// Who is shut out, as this master said.
    pub shut_out: RefCell<Option<(Member, Vec<NodeId>)>>,
    /// What each node said last that was no answer, for people.
    pub said: RefCell<Vec<Option<String>>>,
    /// The configuration of each node, as read last.
    pub configs: RefCell<Vec<Option<ServerConfig>>>,
    /// Something above has changed.
    pub changed: Notify,
}

impl Board {
    pub fn new(targets: &SetTargets) -> Self {
        let board = Self {
            settings: RefCell::new(targets.settings.clone()),
            nodes: RefCell::default(),
            record: RefCell::new(None),
            version: Cell::new(0),
            pointer: Cell::new(None),
            my_term: watch::Sender::new(0),
            writing: Cell::new(false),
            request: Cell::new(None),
            shut_out: RefCell::new(None),
            said: RefCell::default(),
            configs: RefCell::default(),
            changed: Notify::new(),
        };
        board.take(targets, 0);
        board
    }

    /// Takes in what is known without asking the nodes. Nodes that are there keep what is known of
    /// them.
    pub fn take(&self, targets: &SetTargets, now_ms: Millis) {
        self.settings.borrow_mut().clone_from(&targets.settings);
        let count = targets.nodes.len();
        let record = self.record.borrow();
        let mut nodes = self.nodes.borrow_mut();
        let before = nodes.len();
        nodes.resize(count, Node::default());
        for (index, (node, target)) in nodes.iter_mut().zip(&targets.nodes).enumerate() {
            if index >= before {
                node.gated = target.gated;
            }
            node.remembered = target.remembered;
            node.blank = target.blank;
            if let Some(run_id) = target.ended {
                // Who goes on answering has not ended.
                let answers = node.report.as_ref().is_some_and(|report| report.run_id == run_id);
                let found = Ended { run_id, by: EndedBy::ContainerStatus, at_ms: now_ms };
                let master = record.as_ref().and_then(|record| record.master);
                if !answers && tells_more(found, node, NodeId::at(index), master) {
                    node.ended = Some(found);
                }
            }
        }
        drop(record);
        drop(nodes);
        self.said.borrow_mut().resize(count, None);
        self.configs.borrow_mut().resize(count, None);
        self.changed.notify_one();
    }

    /// Changes what is known of a node, and wakes who decides.
    pub fn update(&self, id: NodeId, change: impl FnOnce(&mut Node)) {
        self.update_quietly(id, change);
        self.changed.notify_one();
    }

    /// A run has ended, and what has it is gone.
    pub fn end(&self, id: NodeId, found: Ended) {
        let master = self.record.borrow().as_ref().and_then(|record| record.master);
        self.update(id, |node| {
            node.report = None;
            node.asked_ms = node.asked_ms.or(Some(found.at_ms));
            if tells_more(found, node, id, master) {
                node.ended = Some(found);
            }
        });
    }

    /// The same for who decides himself.
    pub fn update_quietly(&self, id: NodeId, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.borrow_mut().get_mut(id.index()) {
            change(node);
        }
    }

    /// What a node said that people are to know, or that it is as it should be.
    pub fn say(&self, id: NodeId, said: Option<String>) {
        if let Some(place) = self.said.borrow_mut().get_mut(id.index()) {
            *place = said;
        }
        self.changed.notify_one();
    }

    /// The term that this process has written, 0 before it has.
    pub fn my_term(&self) -> u64 {
        *self.my_term.borrow()
    }

    /// All of it, as the rules look at it.
    pub fn observation(&self, leading: bool) -> Observation {
        let record = self.record.borrow().clone();
        let mut nodes = self.nodes.borrow().clone();
        let master = record.as_ref().and_then(|record| record.master);
        if let Some((by, shut_out)) = &*self.shut_out.borrow()
            && Some(*by) == master
        {
            for id in shut_out {
                if let Some(node) = nodes.get_mut(id.index()) {
                    node.shut_out = true;
                }
            }
        }
        Observation {
            settings: self.settings.borrow().clone(),
            record,
            my_term: self.my_term(),
            leading,
            writing: self.writing.get(),
            nodes,
            service: self.pointer.get(),
            request: self.request.get(),
        }
    }
}

/// Whether the end that was found is of more use than the one that is known. That of the recorded
/// master is what a failover waits for, and of the others that of the last run: a kubelet that
/// reports an older one does not make either of them alive again.
fn tells_more(found: Ended, node: &Node, id: NodeId, master: Option<Member>) -> bool {
    let Some(known) = node.ended else { return true };
    if known.run_id == found.run_id {
        return known.by == EndedBy::FinThenRefused && found.by == EndedBy::ContainerStatus;
    }
    let use_of = |ended: Ended| {
        let leads = master.is_some_and(|it| it.node == id && it.run_id == ended.run_id);
        (leads, node.last_run == Some(ended.run_id))
    };
    use_of(found) >= use_of(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::target::NodeTarget;
    use crate::sentinel::fixture::{Set, n, run, settings};

    /// What the kubelet has reported of the one node that counts here.
    fn reported(ended: u8) -> SetTargets {
        let ended = Some(run(0, ended));
        let nodes = vec![NodeTarget { ended, ..NodeTarget::default() }];
        SetTargets { settings: settings(), nodes, reread: 0, leadership: 0 }
    }

    /// The node's second run is the last one that was seen, and the recorded master is this one.
    fn led_by(leads: u8) -> Board {
        let board = Board::new(&reported(1));
        let mut record = Set::of(3).record().clone();
        record.master = record.master.map(|master| Member { run_id: run(0, leads), ..master });
        *board.record.borrow_mut() = Some(record);
        board.update(n(0), |node| node.last_run = Some(run(0, 2)));
        board
    }

    fn known(board: &Board) -> Option<(crate::sentinel::Id, EndedBy)> {
        board.nodes.borrow()[0].ended.map(|ended| (ended.run_id, ended.by))
    }

    #[test]
    fn an_end_that_a_kubelet_reported_long_ago_does_not_make_the_last_run_alive() {
        let (seen, said) = (EndedBy::FinThenRefused, EndedBy::ContainerStatus);
        for leads in [2, 9] {
            let board = led_by(leads);
            assert_eq!(known(&board), Some((run(0, 1), said)));
            board.end(n(0), Ended { run_id: run(0, 2), by: seen, at_ms: 10 });
            board.take(&reported(1), 20);
            assert_eq!(known(&board), Some((run(0, 2), seen)), "{leads} leads");
            // What it says of that very run is surer than what was seen.
            board.take(&reported(2), 30);
            assert_eq!(known(&board), Some((run(0, 2), said)), "{leads} leads");
            board.end(n(0), Ended { run_id: run(0, 2), by: seen, at_ms: 40 });
            assert_eq!(known(&board), Some((run(0, 2), said)), "{leads} leads");
        }
    }

    #[test]
    fn that_the_recorded_master_has_ended_is_kept_when_its_successor_ends_too() {
        let board = led_by(1);
        board.end(n(0), Ended { run_id: run(0, 2), by: EndedBy::FinThenRefused, at_ms: 10 });
        assert_eq!(known(&board), Some((run(0, 1), EndedBy::ContainerStatus)));
    }

    #[test]
    fn who_answers_has_not_ended() {
        let board = led_by(2);
        let report = Set::of(3).report(0).clone();
        board.update(n(0), |node| {
            node.ended = None;
            node.report = Some(crate::sentinel::Report { run_id: run(0, 2), ..report });
        });
        board.take(&reported(2), 20);
        assert_eq!(known(&board), None);
    }
}
