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
                let known = node.ended.is_some_and(|ended| {
                    (ended.run_id, ended.by) == (run_id, EndedBy::ContainerStatus)
                });
                // Who goes on answering has not ended.
                let answers = node.report.as_ref().is_some_and(|report| report.run_id == run_id);
                if !known && !answers {
                    let by = EndedBy::ContainerStatus;
                    node.ended = Some(Ended { run_id, by, at_ms: now_ms });
                }
            }
        }
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
