//! Toy servers: as much of Valkey's replication as a decision can be about.

use crate::sentinel::fixture::{history, run};
use crate::sentinel::{Follower, Home, Id, Link, Millis, NodeId, Report, Role, Upstream};

/// What a process finds on its disk when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boot {
    /// All that it had, under the same history.
    Whole,
    /// The first so many writes, under the same history: an older snapshot.
    Older(usize),
    /// All that it had, under a history with a new name, as from an append-only file. (Its offset
    /// would begin at 0 too; here an offset is how much there is.)
    Renamed,
    /// Nothing.
    Empty,
}

/// One server. It starts behind its gate, as a replica of nowhere.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is a thing of its own that can be so or not
pub struct Server {
    /// Its process runs.
    pub up: bool,
    /// Its process stands still.
    pub hung: bool,
    /// What it says of its disk.
    pub misconf: bool,
    pub run: u8,
    pub leads: bool,
    pub follows: Option<usize>,
    /// Its link is up, and when it last heard a byte.
    pub link: bool,
    pub heard_ms: Millis,
    pub link_lost_ms: Option<Millis>,
    pub history: Id,
    pub previous: Option<(Id, u64)>,
    pub log: Vec<u32>,
    pub min_replicas: u8,
    pub paused_until_ms: Millis,
    /// What each other node acknowledged to it last, and when.
    pub acknowledged: Vec<Option<(u64, Millis)>>,
    /// The highest term of an operator's user.
    pub term: u64,
}

impl Server {
    pub fn new(nodes: usize) -> Self {
        Self {
            up: true,
            hung: false,
            misconf: false,
            run: 1,
            leads: false,
            follows: None,
            link: false,
            heard_ms: 0,
            link_lost_ms: None,
            history: history(1),
            previous: None,
            log: Vec::new(),
            min_replicas: 0,
            paused_until_ms: 0,
            acknowledged: vec![None; nodes],
            term: 0,
        }
    }

    pub fn offset(&self) -> u64 {
        self.log.len() as u64
    }

    /// The process runs and does something.
    pub fn answers(&self) -> bool {
        self.up && !self.hung
    }

    pub fn freeze(&mut self) {
        self.leads = false;
        self.follows = None;
        self.link = false;
        self.link_lost_ms = None;
    }

    pub fn promote(&mut self, min_replicas: u8, name: Id) {
        self.min_replicas = min_replicas;
        if !self.leads {
            self.previous = Some((self.history, self.offset()));
            self.history = name;
        }
        self.freeze();
        self.leads = true;
        self.acknowledged.fill(None);
    }

    pub fn follow(&mut self, master: usize) {
        self.freeze();
        self.follows = Some(master);
    }

    /// A new process, from what is on the disk.
    pub fn start(&mut self, boot: Boot, name: Id) {
        self.freeze();
        (self.up, self.hung, self.misconf) = (true, false, false);
        self.run += 1;
        self.paused_until_ms = 0;
        self.acknowledged.fill(None);
        match boot {
            Boot::Whole => {}
            Boot::Older(writes) => self.log.truncate(writes),
            Boot::Renamed => (self.history, self.previous) = (name, None),
            Boot::Empty => {
                (self.history, self.previous) = (name, None);
                self.log.clear();
            }
        }
    }

    /// Attached to a master: what it misses is sent, or everything.
    pub fn sync(&mut self, master: &Self) {
        if (self.history, self.offset()) == (master.history, master.offset()) {
            self.link_lost_ms = None;
            return;
        }
        let shared = if master.history == self.history {
            self.offset() <= master.offset()
        } else {
            let grown = master.previous.filter(|(previous, _)| *previous == self.history);
            grown.is_some_and(|(_, until)| self.offset() <= until)
        };
        if !shared {
            self.log.clear();
        }
        self.log.extend_from_slice(&master.log[self.log.len()..]);
        (self.history, self.previous) = (master.history, master.previous);
        self.link_lost_ms = None;
    }

    /// What it says of itself.
    pub fn report(&self, node: usize, now_ms: Millis) -> Report {
        let seconds = |since: Millis| (now_ms - since) / 1000;
        let on_its_clock = |since: Millis| now_ms / 1000 - since / 1000;
        let role = if self.leads {
            Role::Master
        } else {
            Role::Replica(Link {
                upstream: self
                    .follows
                    .map_or(Upstream::Nowhere, |it| Upstream::Node(NodeId::at(it))),
                up: self.link,
                down_since_s: self.link_lost_ms.filter(|_| !self.link).map(seconds),
                last_io_s: self.link.then(|| on_its_clock(self.heard_ms)),
                second_ms: now_ms % 1000,
                syncing: false,
            })
        };
        let listed = self.acknowledged.iter().enumerate().filter(|_| self.leads);
        Report {
            asked_ms: now_ms,
            home: Home::default(),
            run_id: run(node, self.run),
            role,
            loading: false,
            priority: 100,
            history: self.history,
            previous_history: self.previous,
            offset: self.offset(),
            keys: self.log.len() as u64,
            min_replicas_to_write: self.min_replicas,
            followers: listed
                .filter_map(|(node, held)| {
                    let (offset, _) = (*held)?;
                    Some(Follower { node: NodeId::at(node), online: true, offset })
                })
                .collect(),
        }
    }
}
