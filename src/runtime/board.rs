//! What is known of a set right now: written by those who look, read by the one who decides.

use std::cell::{Cell, RefCell};

use tokio::sync::{Notify, watch};

use crate::sentinel::{Node, NodeId, Observation, Pointer, Record, Request, Settings};
use crate::valkey::ServerConfig;

/// The shared knowledge of one set. One thread uses it; no borrow is held across an await.
#[derive(Debug)]
pub(super) struct Board {
    pub settings: Settings,
    pub nodes: RefCell<Vec<Node>>,
    pub record: RefCell<Option<Record>>,
    pub version: Cell<u64>,
    pub pointer: Cell<Option<Pointer>>,
    /// The term that this process has written; nodes are taken over into it as soon as it is.
    pub my_term: watch::Sender<u64>,
    pub writing: Cell<bool>,
    pub request: Cell<Option<Request>>,
    /// What each node said last that was no answer, for people.
    pub said: RefCell<Vec<Option<String>>>,
    /// The configuration of each node, as read last.
    pub configs: RefCell<Vec<Option<ServerConfig>>>,
    /// Something above has changed.
    pub changed: Notify,
}

impl Board {
    pub fn new(settings: Settings, nodes: usize) -> Self {
        Self {
            settings,
            nodes: RefCell::new(vec![Node::default(); nodes]),
            record: RefCell::new(None),
            version: Cell::new(0),
            pointer: Cell::new(None),
            my_term: watch::Sender::new(0),
            writing: Cell::new(false),
            request: Cell::new(None),
            said: RefCell::new(vec![None; nodes]),
            configs: RefCell::new(vec![None; nodes]),
            changed: Notify::new(),
        }
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

    /// All of it, as the rules look at it.
    pub fn observation(&self, leading: bool) -> Observation {
        Observation {
            settings: self.settings.clone(),
            record: self.record.borrow().clone(),
            my_term: *self.my_term.borrow(),
            leading,
            writing: self.writing.get(),
            nodes: self.nodes.borrow().clone(),
            service: self.pointer.get(),
            request: self.request.get(),
        }
    }
}
